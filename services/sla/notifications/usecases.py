"""Who else hears of a fact: a delivery for each target, stored with the fact; what became of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.sla.notifications import store
from services.sla.notifications.domain import (
    RETRY_PERIOD,
    AboutInquiry,
    Attempt,
    Subscription,
    next_attempt,
)
from services.sla.notifications.store import PENDING, Delivery
from shared.db import Read, Write
from shared.errors import ConflictError, NotFoundError
from shared.events.deadlines import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMoved,
    DeadlineWarning,
)
from shared.messaging.envelope import Envelope, Fact
from shared.runtime.ids import new_id
from shared.text.references import reference_of

NOBODY_TRIES = "the policy file has no such target any more"


def deliveries(
    envelopes: Iterable[Envelope],
    row: AboutInquiry,
    columns: Mapping[str, object],
    *,
    subscriptions: Sequence[Subscription],
) -> Iterator[Delivery]:
    """What has to go out for the facts of one clock; `columns` are the row's new ones."""
    for envelope in envelopes:
        kind = _kind(envelope.data)
        if kind is None:
            continue
        listeners = [each for each in subscriptions if each.wants(kind, row.desk)]
        if not listeners:
            continue
        body = _body(envelope, kind, row, columns)
        for each in listeners:
            yield Delivery(
                id=new_id(),
                target=each.name,
                event_id=envelope.id,
                kind=kind,
                inquiry_id=row.inquiry_id,
                body=body,
                state=PENDING,
                attempts=0,
                created_at=envelope.time,
                give_up_at=envelope.time + RETRY_PERIOD,
                next_attempt_at=envelope.time,
            )


_KINDS = {
    DeadlineBreached.TYPE: "breached",
    DeadlineMoved.TYPE: "moved",
    DeadlineCancelled.TYPE: "cancelled",
}


def _kind(fact: Fact) -> str | None:
    match fact:
        case DeadlineWarning(level=level):
            return level if level == "window_closing" else "warning"
        case DeadlineMet(state=state):
            return state
        case _:
            return _KINDS.get(fact.TYPE)


def _body(envelope: Envelope, kind: str, row: AboutInquiry, columns: Mapping[str, object]) -> str:
    """Ids, names of the policy and moments; nothing that a customer wrote."""
    fact = envelope.data.model_dump(mode="python", exclude_none=True)
    data: dict[str, object] = {
        "kind": kind,
        "event_id": str(envelope.id),
        "inquiry_id": str(row.inquiry_id),
        "reference": reference_of(row.inquiry_id),
        "conversation_id": str(row.conversation_id),
        "channel": row.channel,
        "desk": row.desk,
        "promise": columns.get("promise"),
        "target": fact["target"],
        "state": fact["state"],
        "due_at": _utc(fact["due_at"]),
        **{name: fact[name] for name in ("level", "cause", "reason") if name in fact},
    }
    return json.dumps(
        {"type": envelope.data.TYPE, "timestamp": _utc(fact["at"]), "data": data},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _utc(moment: datetime) -> str:
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
