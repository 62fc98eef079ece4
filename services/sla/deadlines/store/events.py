"""The events of clocks, as they are kept: only ever added, never changed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select

from services.sla.clocks.events import Answered, ClockEvent, Moved, Started
from services.sla.tables import clock_events
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows

_BY_KIND: Final[dict[str, TypeAdapter[ClockEvent]]] = {
    each.__name__.lower(): TypeAdapter(each) for each in get_args(ClockEvent)
}
"""The column `kind` says which event the body is."""
_STORED_AS: Final = "edition"
"""The key of `policy_version` in a body."""

AnswerKey = tuple[UUID, UUID, int]
"""The inquiry, the reply, and the revision."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with what no clock depends on: its id, and who did it through which API key."""

    inquiry_id: UUID
    event_id: UUID
    event: ClockEvent
    by: str = ""
    key_name: str | None = None


def add(tx: Write, events: Sequence[StoredEvent]) -> None:
    insert_rows(tx, clock_events, [row(each) for each in events])


def of(tx: Read, inquiry_ids: Sequence[UUID]) -> dict[UUID, list[StoredEvent]]:
    """The events of these inquiries, in no particular order."""
    c = clock_events.c
    found: dict[UUID, list[StoredEvent]] = defaultdict(list)
    rows = tx.execute(
        select(c.inquiry_id, c.event_id, c.kind, c.at, c.body).where(
            among(tx, c.inquiry_id, inquiry_ids)
        )
    )
    for inquiry_id, event_id, kind, at, body in rows:
        found[inquiry_id].append(from_row(inquiry_id, event_id, kind, at, body))
    return found


def known_answers(tx: Read, inquiry_ids: Sequence[UUID]) -> frozenset[AnswerKey]:
    """What is known of answers to these inquiries."""
    c = clock_events.c
    wanted = select(c.inquiry_id, c.event_id, c.kind, c.at, c.body).where(
        among(tx, c.inquiry_id, inquiry_ids), c.kind == Answered.__name__.lower()
    )
    found = [from_row(*row) for row in tx.execute(wanted)]
    return frozenset(key for each in found if (key := answer_key(each)) is not None)


def answer_key(stored: StoredEvent) -> AnswerKey | None:
    """The same for what was published twice about one reply; None for other events."""
    event = stored.event
    if not isinstance(event, Answered) or event.message_id is None:
        return None
    return stored.inquiry_id, event.message_id, event.revision


def row(stored: StoredEvent) -> dict[str, Any]:
    kind = type(stored.event).__name__.lower()
    body = _BY_KIND[kind].dump_python(stored.event, mode="json", exclude_none=True)
    del body["at"]
    if "policy_version" in body:
        body[_STORED_AS] = body.pop("policy_version")
    for name, value in (("by", stored.by), ("key_name", stored.key_name)):
        if value:
            body[name] = value
    return {
        "inquiry_id": stored.inquiry_id,
        "event_id": stored.event_id,
        "kind": kind,
        "at": stored.event.at,
        "body": json.dumps(body),
    }


def from_row(inquiry_id: UUID, event_id: UUID, kind: str, at: datetime, text: str) -> StoredEvent:
    """Raises ValueError for an event that is not known here, or is broken."""
    if kind not in _BY_KIND:
        raise ValueError(f"an event of the kind {kind!r} is not known here")
    body = json.loads(text)
    by, key_name = body.pop("by", ""), body.pop("key_name", None)
    if _STORED_AS in body:
        body["policy_version"] = body.pop(_STORED_AS)
    event = _BY_KIND[kind].validate_python({**body, "at": at})
    return StoredEvent(inquiry_id, event_id, event, by, key_name)


def policy_version_keys(events: Iterable[StoredEvent]) -> list[str]:
    """The policy versions that counted a clock, oldest first."""
    counted = [each.event for each in events if isinstance(each.event, Started | Moved)]
    return [key for _, key in sorted((each.at, each.policy_version) for each in counted)]


def ever_paused(tx: Read, inquiry_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the inquiries whose clock a person has stopped at any time."""
    c = clock_events.c
    wanted = select(c.inquiry_id).where(among(tx, c.inquiry_id, inquiry_ids), c.kind == "paused")
    return frozenset(tx.execute(wanted).scalars())
