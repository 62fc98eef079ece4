"""Who else hears of a deadline fact: a delivery for each target, stored with the fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from shared.events.deadlines import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMoved,
    DeadlineWarning,
)
from shared.messaging.envelope import Envelope, Fact
from shared.notifications.domain import Subscription
from shared.notifications.store import Delivery
from shared.notifications.usecases import body_of, deliveries_to, utc
from shared.text.references import reference_of


class AboutInquiry(Protocol):
    """The inquiry that a notification is about, as its deadline knows it."""

    @property
    def inquiry_id(self) -> UUID: ...
    @property
    def conversation_id(self) -> UUID: ...
    @property
    def channel(self) -> str | None: ...
    @property
    def desk(self) -> str | None: ...


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
        targets = [each.name for each in subscriptions if each.wants(kind, row.desk)]
        if targets:
            body = _body(envelope, kind, row, columns)
            yield from deliveries_to(
                targets, envelope, kind=kind, inquiry_id=row.inquiry_id, body=body
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
        "due_at": utc(fact["due_at"]),
        **{name: fact[name] for name in ("level", "cause", "reason") if name in fact},
    }
    return body_of(envelope.data.TYPE, fact["at"], data)
