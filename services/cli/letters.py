"""Dead letters as an operator deals with them: shows them, sends them once more, gives them up.

Works on the databases of the services. A letter that is asked for is taken by the service it
belongs to, as soon as that runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services import root
from shared.messaging import dead_letters
from shared.runtime.settings import DeskSettings

PAGE = 500

Found = Mapping[str, Sequence[dead_letters.Head]]
"""The letters by service."""


async def letters_of(
    services: Sequence[str],
    settings: DeskSettings,
    *,
    since: datetime | None,
    ids: Sequence[UUID] | None,
) -> Found:
    """The open letters that were chosen.

    Raises ValueError for an id of none of them, DatabaseUnavailableError.
    """
    found = {each: await _open_letters(each, settings, since=since) for each in services}
    if not ids:
        return found
    known = {head.id for heads in found.values() for head in heads}
    strange = [str(each) for each in ids if each not in known]
    if strange:
        raise ValueError(
            f"no waiting dead letter has the id {strange[0]}; "
            "`replay dead-letters --list` shows those that do"
        )
    return {service: [head for head in heads if head.id in ids] for service, heads in found.items()}


async def settle_letters(
    found: Found, settings: DeskSettings, *, discarded_for: str | None, now: datetime
) -> int:
    """Ask for them to be tried once more, or give them up for a reason; how many it were.

    Raises DatabaseUnavailableError.
    """
    count = 0
    for service, heads in found.items():
        if not heads:
            continue
        ids = [head.id for head in heads]
        async with root.opened(root.database_of(service, settings), service) as database:
            if discarded_for is None:
                count += await database.write(dead_letters.ask, ids)
            else:
                count += await database.write(dead_letters.discard, ids, why=discarded_for, now=now)
    return count


def listed(found: Found) -> str:
    """A line for each, in columns that are separated by tabs."""
    lines = ["id\tservice\tstate\tattempts\tfailed_at\tfrom\ttype\tevent_id\treason"]
    for service, heads in found.items():
        for head in heads:
            place = f"{head.topic}/{head.partition}/{head.offset}"
            parts = [
                str(head.id), service, head.state, str(head.attempts), head.failed_at.isoformat(),
                place, head.header("ce_type") or "-", head.header("ce_id") or "-", head.reason,
            ]  # fmt: skip
            lines.append("\t".join(dead_letters.plain(part) for part in parts))
    return "\n".join(lines)


async def _open_letters(
    service: str, settings: DeskSettings, *, since: datetime | None
) -> list[dead_letters.Head]:
    async with root.opened(root.reader_of(service, settings), service) as database:
        found: list[dead_letters.Head] = []
        after: UUID | None = None
        while True:
            page = await database.read(dead_letters.heads, since=since, limit=PAGE, after=after)
            found += page
            if len(page) < PAGE:
                return found
            after = page[-1].id
