"""What connectors signed and intake could not understand, kept with the moment at which it came.

A customer may be waiting behind it, so it has a clock: its age is a metric and a part of readiness.
What the sender repaired and sent again is there no more: the message with its id has been stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, delete, exists, func, select, tuple_, update

from services.intake.channels.domain import Kept
from services.intake.tables import messages, own_posts, quarantine
from shared.db import Database, Read, Write
from shared.db.upsert import insert_into
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.telemetry import Metrics
from shared.web.problems import RefusedError
from shared.web.strict_json import strict_json

TOO_OLD = timedelta(hours=1)
"""What is kept that long on a promised channel is somebody's unseen question."""
SUSPECTED = "the form was filled in as programs do: a field that people do not see has a value"
"""Why something of the form is kept: a person should look, but most likely nobody waits."""
AT_ONCE = 500
MOST_COUNTED = 1000
READ_AT_ONCE = 50  # bodies of up to a megabyte

Place = tuple[datetime, UUID]
MessageId = Callable[[Any], str | None]
MessageIds = Mapping[str, MessageId]
"""By channel, how a connector finds a message's id in what was kept."""

log = structlog.get_logger()


class QuarantineAge:
    """The age of what is kept longest on each channel: a metric, and a part of readiness."""

    def __init__(
        self, database: Database, clock: Clock, metrics: Metrics, promised: Mapping[str, bool]
    ) -> None:
        """`promised` says of each channel whether the policy promises it an answer in time."""
        self._database = database
        self._clock = clock
        self._promised = promised
        self._ages = metrics.gauge(
            "desk_quarantine_age_seconds", "Age of what is kept aside longest.", "channel"
        )

    async def examine(self) -> str | None:
        """Why readiness is degraded, or None; sets the metric."""
        kept = await self._database.read(oldest, self._promised)
        now = self._clock.now()
        ages = {name: now - kept[name] if name in kept else timedelta() for name in self._promised}
        for name, age in ages.items():
            self._ages.labels(name).set(age.total_seconds())
        old = {n: age for n, age in ages.items() if self._promised[n] and age > TOO_OLD}
        if not old:
            return None
        channel = max(old, key=old.__getitem__)
        return (
            f"what {channel} sent was not understood and has been in quarantine for "
            f"{old[channel].total_seconds():.0f} seconds: see /intake/v1/quarantine"
        )


async def keep_aside(
    database: Database,
    raw: str,
    *,
    channel: str,
    reason: str,
    external_id: str | None,
    received_at: datetime,
) -> None:
    """Keep what a connector signed and we could not understand; nothing disappears."""
    identifier = new_id()
    new = await database.write(
        keep,
        {
            "id": identifier,
            "channel": channel,
            "sha256": hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest(),
            "raw": raw.replace("\0", "\ufffd"),
            "reason": reason,
            "external_id": external_id,
            "received_at": received_at,
        },
    )
    if new:
        log.warning("webhook.quarantined", channel=channel, quarantine_id=str(identifier))


def keep(tx: Write, values: Mapping[str, Any]) -> bool:
    """Columns by name. False when it is kept already: that stays, with its first receipt."""
    row = insert_into(tx, quarantine).values(**values).on_conflict_do_nothing()
    return tx.execute(row.returning(quarantine.c.id)).scalar() is not None


def find(tx: Read, quarantine_id: UUID) -> dict[str, Any] | None:
    """Its columns by name; None too when it was repaired meanwhile."""
    return tx.row(select(quarantine).where(quarantine.c.id == quarantine_id, ~_repaired()))


def leave(tx: Write, quarantine_id: UUID) -> str | None:
    """Delete it; the channel that it came from, None when it is not there."""
    c = quarantine.c
    gone = delete(quarantine).where(c.id == quarantine_id).returning(c.channel)
    return tx.execute(gone).scalar()


def page(tx: Read, *, channel: str | None, limit: int, after: Place | None) -> list[dict[str, Any]]:
    """Newest first, without what was sent; `after` is where the page before ended."""
    c = quarantine.c
    query = select(c.id, c.channel, c.reason, c.external_id, c.received_at).where(~_repaired())
    if channel is not None:
        query = query.where(c.channel == channel)
    if after is not None:
        query = query.where(tuple_(c.received_at, c.id) < after)
    return tx.rows(query.order_by(c.received_at.desc(), c.id.desc()).limit(limit))


def oldest(tx: Read, channels: Iterable[str]) -> dict[str, datetime]:
    """When what is kept longest came first, of each channel that has something kept. What is only
    suspected is not counted: programs find every form, and would make an alarm of each day.
    """
    c = quarantine.c
    found = {}
    for channel in channels:
        first = (
            select(c.received_at)
            .where(c.channel == channel, c.reason != SUSPECTED, ~_repaired())
            .order_by(c.received_at)
            .limit(1)
        )
        moment = tx.execute(first).scalar()
        if moment is not None:
            found[channel] = moment
    return found


def kept_by_channel(tx: Read, channels: Iterable[str]) -> dict[str, Kept]:
    """How much each channel has kept, up to MOST_COUNTED, and since when the oldest waits."""
    c = quarantine.c
    if tx.execute(select(c.id).limit(1)).first() is None:
        return {}  # as nearly always
    found = {}
    for channel, since in oldest(tx, channels).items():
        some = select(c.id).where(c.channel == channel, ~_repaired()).limit(MOST_COUNTED)
        count = tx.execute(select(func.count()).select_from(some.subquery())).scalar_one()
        found[channel] = Kept(int(count), since)
    return found


def forget_repaired(tx: Write) -> int:
    """Delete a batch of what was repaired; how many."""
    return _delete(tx, _repaired())


def forget_before(tx: Write, *, before: datetime, channel: str | None = None) -> int:
    """Delete a batch of what came before that moment, on that channel or on all; how many."""
    old = quarantine.c.received_at < before
    return _delete(tx, old if channel is None else and_(quarantine.c.channel == channel, old))


def name_kept(tx: Write, *, ids: MessageIds, after: Place | None) -> Place | None:
    """Note ids in a batch of what was kept before ids were noted; where the next one begins.

    `ids` are those of the channels that there are by now.
    """
    c = quarantine.c
    query = select(c.id, c.channel, c.raw, c.received_at).where(c.external_id.is_(None))
    if after is not None:
        query = query.where(tuple_(c.received_at, c.id) > after)
    rows = tx.rows(query.order_by(c.received_at, c.id).limit(READ_AT_ONCE))
    for row in rows:
        id_of = ids.get(row["channel"])
        external_id = None if id_of is None else external_id_of(row["raw"], id_of)
        if external_id is not None:
            tx.execute(update(quarantine).where(c.id == row["id"]).values(external_id=external_id))
    return (rows[-1]["received_at"], rows[-1]["id"]) if len(rows) == READ_AT_ONCE else None


def external_id_of(raw: str, id_of: MessageId) -> str | None:
    """The id of the one message that was sent, alone or in an event, where it can be read."""
    try:
        document = strict_json(raw.encode("utf-8", "replace"))
    except RefusedError:
        return None
    return id_of(document)


def _repaired() -> ColumnElement[bool]:
    """What can be read by now: the message with that id is there, as somebody's or as our own."""
    q = quarantine.c
    there = [
        exists().where(c.channel == q.channel, c.external_id == q.external_id)
        for c in (messages.c, own_posts.c)
    ]
    return and_(q.external_id.is_not(None), there[0] | there[1])


def _delete(tx: Write, wanted: ColumnElement[bool]) -> int:
    some = select(quarantine.c.id).where(wanted).limit(AT_ONCE)
    return tx.execute(delete(quarantine).where(quarantine.c.id.in_(some))).rowcount
