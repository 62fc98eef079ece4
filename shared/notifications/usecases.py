"""A delivery for each target, stored with the fact that it is about; and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from shared.db import Read, Write
from shared.errors import ConflictError, NotFoundError
from shared.messaging.envelope import Envelope
from shared.notifications import store
from shared.notifications.domain import RETRY_PERIOD, Attempt, next_attempt
from shared.notifications.store import PENDING, Delivery
from shared.runtime.ids import new_id

NOBODY_TRIES = "the policy file has no such target any more"


def deliveries_to(
    targets: Iterable[str], envelope: Envelope, *, kind: str, inquiry_id: UUID, body: str
) -> Iterator[Delivery]:
    """What has to go out to these targets for one fact; `kind` as the policy file has it."""
    for target in targets:
        yield Delivery(
            id=new_id(),
            target=target,
            event_id=envelope.id,
            kind=kind,
            inquiry_id=inquiry_id,
            body=body,
            state=PENDING,
            attempts=0,
            created_at=envelope.time,
            give_up_at=envelope.time + RETRY_PERIOD,
            next_attempt_at=envelope.time,
        )


def body_of(type_: str, at: datetime, data: Mapping[str, object]) -> str:
    """The body as it is sent: what became true, when, and the rest."""
    return json.dumps(
        {"type": type_, "timestamp": utc(at), "data": data},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def utc(moment: datetime) -> str:
    """The moment as bodies have it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def claim(
    tx: Write, target: str, *, now: datetime, leased_until: datetime, limit: int
) -> list[Delivery]:
    """Take due deliveries for a try: until then no other instance gets them."""
    return store.claim(tx, target, now=now, leased_until=leased_until, limit=limit)


def record_attempt(
    tx: Write, tried: Delivery, attempt: Attempt, *, now: datetime, jitter: float
) -> datetime | None:
    """Note what came of a claimed delivery; when it is tried again, if it is."""
    if attempt.delivered:
        store.mark_delivered(tx, tried, status=attempt.status, now=now)
        return None
    attempts = tried.attempts + 1
    again = next_attempt(
        attempt, attempts=attempts, now=now, give_up_at=tried.give_up_at, jitter=jitter
    )
    store.mark_failed(
        tx,
        tried,
        attempts=attempts,
        status=attempt.status,
        error=attempt.error,
        next_attempt_at=again,
    )
    return again


def show(tx: Read, delivery_id: UUID) -> Delivery:
    """Raises NotFoundError."""
    found = store.find(tx, delivery_id)
    if found is None:
        raise NotFoundError("unknown-notification", f"no notification {delivery_id} is known here")
    return found


def resend(tx: Write, delivery_id: UUID, *, targets: Collection[str], now: datetime) -> Delivery:
    """Send it again, under its first id. Raises NotFoundError, ConflictError without its target."""
    found = show(tx, delivery_id)
    if found.target not in targets:
        raise ConflictError(
            "notification-target-gone",
            f"the policy file has no target {found.target} any more",
        )
    store.send_again(tx, delivery_id, now=now, give_up_at=now + RETRY_PERIOD)
    return show(tx, delivery_id)


def tidy(tx: Write, *, targets: Collection[str], now: datetime, forget_before: datetime) -> int:
    """Give up what nobody tries any more, and forget a batch of old ones; how many were changed."""
    given_up = store.give_up(tx, known=targets, now=now, error=NOBODY_TRIES)
    return given_up + store.forget_settled(tx, before=forget_before)
