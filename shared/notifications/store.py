"""The rows of `notification_deliveries`: what has to go out, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, literal, select, tuple_, update

from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows
from shared.notifications.table import NOTIFICATION_DELIVERIES

PENDING: Final = "pending"
DELIVERED: Final = "delivered"
FAILED: Final = "failed"
FORGOTTEN_AT_ONCE = 1000

_C = NOTIFICATION_DELIVERIES.c


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row; the fields are its columns. `next_attempt_at` is None when it is settled."""

    id: UUID
    target: str
    event_id: UUID
    kind: str
    inquiry_id: UUID
    body: str
    state: str
    attempts: int
    created_at: datetime
    give_up_at: datetime
    next_attempt_at: datetime | None = None
    last_attempt_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    delivered_at: datetime | None = None


COLUMNS: Final = tuple(Delivery.__dataclass_fields__)


def _whole_rows() -> Select[*tuple[Any, ...]]:
    return select(*(_C[name] for name in COLUMNS))


def add(tx: Write, deliveries: Sequence[Delivery]) -> None:
    """An event that a target has already is an integrity error: the transaction must not go on."""
    insert_rows(tx, NOTIFICATION_DELIVERIES, [asdict(each) for each in deliveries])


def claim(
    tx: Write, target: str, *, now: datetime, leased_until: datetime, limit: int
) -> list[Delivery]:
    """Due rows of a target with one more attempt; until that moment nobody else gets them."""
    rows = tx.execute(
        _whole_rows()
        .where(_C.target == target, _C.next_attempt_at <= now)
        .order_by(_C.next_attempt_at, _C.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [Delivery(*row) for row in rows]
    if found:
        tx.execute(
            update(NOTIFICATION_DELIVERIES)
            .where(among(tx, _C.id, [each.id for each in found]))
            .values(attempts=_C.attempts + 1, last_attempt_at=now, next_attempt_at=leased_until)
        )
    return found


def next_due(tx: Read, target: str) -> datetime | None:
    """When the target's next row is due; None when nothing waits."""
    waiting = select(_C.next_attempt_at).where(_C.target == target, _C.next_attempt_at.is_not(None))
    return tx.execute(waiting.order_by(_C.next_attempt_at).limit(1)).scalar()


def mark_delivered(tx: Write, tried: Delivery, *, status: int | None, now: datetime) -> None:
    """Note it, unless it is to be sent again since: then this try was one of before."""
    tx.execute(
        update(NOTIFICATION_DELIVERIES)
        .where(*_same_sending(tried))
        .values(
            state=DELIVERED,
            delivered_at=now,
            last_status=status,
            last_error=None,
            next_attempt_at=None,
        )
    )


def mark_failed(
    tx: Write,
    tried: Delivery,
    *,
    attempts: int,
    status: int | None,
    error: str | None,
    next_attempt_at: datetime | None,
) -> bool:
    """Note the failed attempt of that number, unless somebody has tried or sent again since."""
    return bool(
        tx.execute(
            update(NOTIFICATION_DELIVERIES)
            .where(*_same_sending(tried), _C.state == PENDING, _C.attempts == attempts)
            .values(
                state=PENDING if next_attempt_at else FAILED,
                last_status=status,
                last_error=error,
                next_attempt_at=next_attempt_at,
            )
        ).rowcount
    )


def _same_sending(tried: Delivery) -> tuple[ColumnElement[bool], ...]:
    """Each time it is sent again it gets another moment at which it is given up."""
    return _C.id == tried.id, _C.give_up_at == tried.give_up_at


def send_again(tx: Write, delivery_id: UUID, *, now: datetime, give_up_at: datetime) -> None:
    tx.execute(
        update(NOTIFICATION_DELIVERIES)
        .where(_C.id == delivery_id)
        .values(
            state=PENDING,
            attempts=0,
            next_attempt_at=now,
            give_up_at=give_up_at,
            delivered_at=None,
        )
    )


def find(tx: Read, delivery_id: UUID) -> Delivery | None:
    """The row, locked in a transaction that writes."""
    query = _whole_rows().where(_C.id == delivery_id)
    if isinstance(tx, Write):
        query = query.with_for_update()
    row = tx.execute(query).one_or_none()
    return None if row is None else Delivery(*row)


def page(
    tx: Read,
    *,
    target: str | None,
    state: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Delivery]:
    """The next `limit` deliveries, the newest first, from behind `after`."""
    conditions: list[ColumnElement[bool]] = []
    if target is not None:
        conditions.append(_C.target == target)
    if state is not None:
        conditions.append(_C.state == state)
    if after is not None:
        bound = literal(after[0], _C.created_at.type), literal(after[1], _C.id.type)
        conditions.append(tuple_(_C.created_at, _C.id) < tuple_(*bound))
    rows = tx.execute(
        _whole_rows().where(*conditions).order_by(_C.created_at.desc(), _C.id.desc()).limit(limit)
    )
    return [Delivery(*row) for row in rows]


def oldest_waiting(tx: Read, target: str) -> tuple[int, datetime | None]:
    """How many of a target's deliveries wait, and since when the oldest does."""
    waiting = select(func.count(), func.min(_C.created_at)).where(
        _C.target == target, _C.next_attempt_at.is_not(None)
    )
    count, since = tx.execute(waiting).one()
    return int(count), since


def give_up(tx: Write, *, known: Collection[str], now: datetime, error: str) -> int:
    """Settle as failed what nobody will try any more: the target is not known, the time is over."""
    return tx.execute(
        update(NOTIFICATION_DELIVERIES)
        .where(
            _C.next_attempt_at.is_not(None),
            _C.give_up_at <= now,
            _C.target.not_in(sorted(known)),
        )
        .values(state=FAILED, next_attempt_at=None, last_error=error)
    ).rowcount


def forget_settled(tx: Write, *, before: datetime) -> int:
    """Delete a batch of settled deliveries that are older; 0 when none is left."""
    old = (
        select(_C.id)
        .where(_C.created_at < before, _C.next_attempt_at.is_(None))
        .order_by(_C.created_at)
        .limit(FORGOTTEN_AT_ONCE)
    )
    return tx.execute(delete(NOTIFICATION_DELIVERIES).where(_C.id.in_(old))).rowcount
