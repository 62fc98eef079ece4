"""Who reads a channel's source, how far it is read, and how that goes.

One instance at a time has the lease of a channel. Each time that it changes hands its epoch grows,
and nothing is written under an older one: an instance that slept through the end of its lease moves
no cursor back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from services.intake.pulling.source import Cursor, Cursors
from services.intake.tables import pull_cursors, pulls
from shared.db import Read, Write
from shared.db.upsert import insert_into

LONGEST_REASON = 300


class LeaseLostError(Exception):
    """Another instance reads this channel by now."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`not_before`: when the source may be asked again."""

    channel: str
    epoch: int
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class PullState:
    """How it goes with the source of a channel (UTC).

    `begun_at`: when it was tried first; `polled_at`: when it was last asked. `read_at`: when it had
    been read to its end last. `failing_since` and `error` are set while it cannot be read;
    `not_before` is when it is tried again.
    """

    channel: str
    begun_at: datetime
    polled_at: datetime | None
    read_at: datetime | None
    failing_since: datetime | None
    error: str | None
    not_before: datetime | None

    def lag(self, now: datetime) -> float:
        """Seconds since all that was there had been read, or since the first try."""
        return max((now - (self.read_at or self.begun_at)).total_seconds(), 0.0)


def take(tx: Write, channel: str, *, holder: UUID, now: datetime, until: datetime) -> Lease | None:
    """The lease, if nobody else has it; it is the holder's until then, unless it is renewed."""
    row_of_it = insert_into(tx, pulls).values(channel=channel, epoch=0, failures=0, begun_at=now)
    tx.execute(row_of_it.on_conflict_do_nothing())
    row = tx.row(select(pulls).where(pulls.c.channel == channel).with_for_update())
    if row is None:
        return None
    if row["holder"] not in (None, holder) and row["leased_until"] > now:
        return None
    epoch = row["epoch"] + 1
    taken = update(pulls).where(pulls.c.channel == channel)
    tx.execute(taken.values(holder=holder, leased_until=until, epoch=epoch))
    return Lease(channel, epoch, row["not_before"])


def renew(tx: Write, lease: Lease, *, until: datetime) -> bool:
    """Whether it is still ours."""
    return _write(tx, lease, leased_until=until)


def release(tx: Write, lease: Lease) -> None:
    """Let another instance take it at once."""
    _write(tx, lease, holder=None, leased_until=None)


def cursors(tx: Read, channel: str) -> Cursors:
    c = pull_cursors.c
    rows = tx.rows(select(c.place, c.cursor).where(c.channel == channel))
    return {row["place"]: row["cursor"] for row in rows}


def advance(tx: Write, lease: Lease, *, place: str, cursor: Cursor, now: datetime) -> None:
    """Raises LeaseLostError; nothing has changed then."""
    if not _write(tx, lease, polled_at=now):
        raise LeaseLostError
    row = insert_into(tx, pull_cursors).values(
        channel=lease.channel, place=place, cursor=dict(cursor), moved_at=now
    )
    moved = {"cursor": row.excluded.cursor, "moved_at": row.excluded.moved_at}
    tx.execute(row.on_conflict_do_update(index_elements=["channel", "place"], set_=moved))


def note_read(tx: Write, lease: Lease, *, now: datetime) -> datetime | None:
    """It has been read to its end; since when it could not be, None where it could.

    Raises LeaseLostError.
    """
    before = _row(tx, lease)
    well = {"failing_since": None, "error": None, "not_before": None, "failures": 0}
    _write(tx, lease, polled_at=now, read_at=now, **well)
    failing_since: datetime | None = before["failing_since"]
    return failing_since


@dataclass(frozen=True, slots=True)
class Noted:
    """How often in a row a source could not be read, and when it may be tried again."""

    failures: int
    not_before: datetime


def note_failure(
    tx: Write,
    lease: Lease,
    *,
    reason: str,
    now: datetime,
    not_before: Callable[[int], datetime],
) -> Noted:
    """`not_before` says by the number of failures when to try again. Raises LeaseLostError."""
    before = _row(tx, lease)
    failures = before["failures"] + 1
    noted = Noted(failures, not_before(failures))
    _write(
        tx,
        lease,
        failures=failures,
        failing_since=before["failing_since"] or now,
        polled_at=now,
        error=reason[:LONGEST_REASON],
        not_before=noted.not_before,
    )
    return noted


def states(tx: Read, channels: Iterable[str]) -> dict[str, PullState]:
    """Of those that have ever been read, or tried."""
    c = pulls.c
    query = select(
        c.channel, c.begun_at, c.polled_at, c.read_at, c.failing_since, c.error, c.not_before
    ).where(c.channel.in_(list(channels)))
    return {row["channel"]: PullState(**row) for row in tx.rows(query)}


def _row(tx: Write, lease: Lease) -> dict[str, Any]:
    c = pulls.c
    ours = select(pulls).where(c.channel == lease.channel, c.epoch == lease.epoch)
    row = tx.row(ours.with_for_update())
    if row is None:
        raise LeaseLostError
    return row


def _write(tx: Write, lease: Lease, **values: object) -> bool:
    """Whether it is still ours."""
    ours = (pulls.c.channel == lease.channel, pulls.c.epoch == lease.epoch)
    return tx.execute(update(pulls).where(*ours).values(**values)).rowcount == 1
