"""New events of clocks: append them, project each clock again, publish what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.sla.clocks.events import (
    Answered,
    Cancelled,
    ClockEvent,
    Moved,
    in_order_of_occurrence,
)
from services.sla.clocks.notices import NoticeKey
from services.sla.clocks.standing import merged_into, standing
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.project import Outcome, answer_seconds, project
from services.sla.deadlines.store import deadlines, sent_notices
from services.sla.deadlines.store import events as clock_events
from services.sla.deadlines.store.deadlines import BEST_EFFORT, Columns, DeadlineRow
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.store.sent_notices import SentNotice
from services.sla.notifications import store
from services.sla.notifications.domain import Subscription
from services.sla.notifications.store import Delivery
from services.sla.notifications.usecases import deliveries
from services.sla.promises.policy_version import PolicyVersionByKey, terms_of
from services.sla.promises.promise import TermsOf
from services.sla.promises.versions import PolicyVersions
from shared.db import Write
from shared.events.deadlines import DeadlineFact
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event of an inquiry that may or may not be known yet."""

    conversation_id: UUID
    stored: StoredEvent
    cause: Cause | None = None
    traceparent: str = ""

    @property
    def inquiry_id(self) -> UUID:
        return self.stored.inquiry_id


@dataclass(slots=True)
class Results:
    """What one transaction writes after all projecting: few statements for many clocks."""

    subscriptions: Sequence[Subscription]
    changes: dict[UUID, Columns] = field(default_factory=dict)
    envelopes: list[Envelope] = field(default_factory=list)
    sent: list[SentNotice] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def take(self, row: DeadlineRow, outcome: Outcome, *, now: datetime, trace: str) -> None:
        self.changes[row.inquiry_id] = outcome.columns
        self.sent += outcome.sent
        published = [envelope(fact, now=now, trace=trace) for fact in outcome.publish]
        self.envelopes += published
        if self.subscriptions:
            self.deliveries += deliveries(
                published, row, outcome.columns, subscriptions=self.subscriptions
            )

    def write(self, tx: Write) -> datetime | None:
        """Returns the first moment at which something is due on one of these clocks."""
        deadlines.change(tx, self.changes)
        sent_notices.add(tx, self.sent)
        outbox.record(tx, self.envelopes)
        store.add(tx, self.deliveries)
        return earliest(columns["next_action_at"] for columns in self.changes.values())


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)


def envelope(fact: DeadlineFact, *, now: datetime, trace: str) -> Envelope:
    return Envelope(new_id(), str(fact.conversation_id), now, fact, trace)


def append_events(
    tx: Write, new_events: Sequence[NewEvent], *, policy_versions: PolicyVersions, now: datetime
) -> datetime | None:
    """Append the events and project each clock once; when the first action is due on one of them.

    Of several events of one inquiry the last names the cause of what moved. An event of an inquiry
    that is not known yet is kept until it is.
    """
    rows = deadlines.ensure(tx, {each.inquiry_id: each.conversation_id for each in new_events})
    clock_events.add(tx, [each.stored for each in new_events])
    last = {each.inquiry_id: each for each in new_events}
    started = [each for each in last if rows[each].due_at is not None]
    best_effort = [each for each in last if rows[each].state == BEST_EFFORT]
    known = [*started, *best_effort]
    if not known:
        return None
    histories = Histories.read(tx, known, policy_versions=policy_versions, now=now)
    deadlines.change(
        tx,
        {each: best_effort_end(rows[each], histories, policy_version="") for each in best_effort},
    )
    results = Results(policy_versions.subscriptions)
    for inquiry_id in started:
        row, new_event = rows[inquiry_id], last[inquiry_id]
        outcome = histories.project(
            row, now=now, policy_version=_version_of(new_event.stored.event), cause=new_event.cause
        )
        results.take(row, outcome, now=now, trace=new_event.traceparent)
    return results.write(tx)


def _version_of(event: ClockEvent) -> str:
    """The policy version under which a clock is from this event on; empty: the one before."""
    return event.policy_version if isinstance(event, Moved) else ""


@dataclass(frozen=True, slots=True)
class Histories:
    """The events, sent notices and policy versions of some clocks, read with two queries."""

    events: Mapping[UUID, Sequence[StoredEvent]]
    sent: Mapping[UUID, frozenset[NoticeKey]]
    version_by_key: PolicyVersionByKey

    @classmethod
    def read(
        cls,
        tx: Write,
        inquiry_ids: Sequence[UUID],
        *,
        policy_versions: PolicyVersions,
        now: datetime,
    ) -> Histories:
        return cls(
            clock_events.of(tx, inquiry_ids),
            sent_notices.of(tx, inquiry_ids),
            policy_versions.by_key(tx, now=now),
        )

    def of(self, inquiry_id: UUID) -> list[ClockEvent]:
        return [each.event for each in self.events[inquiry_id]]

    @property
    def terms_of(self) -> TermsOf:
        return terms_of(self.version_by_key)

    def project(
        self,
        row: DeadlineRow,
        *,
        now: datetime,
        policy_version: str = "",
        cause: Cause | None = None,
        tell_until: datetime | None = None,
    ) -> Outcome:
        """Under that policy version; without one, under the one that the clock is under already."""
        return project(
            row,
            self.of(row.inquiry_id),
            policy_version=self.version_by_key(policy_version or str(row.policy_version)),
            terms_of=self.terms_of,
            now=now,
            sent=self.sent.get(row.inquiry_id, frozenset()),
            cause=cause,
            tell_until=tell_until,
        )


def best_effort_end(row: DeadlineRow, histories: Histories, *, policy_version: str) -> Columns:
    """How a best-effort inquiry ended, if it did: by the earliest end that stands.

    Its answer's time is counted by that policy version; without one, by that of the row.
    """
    known = [each.event for each in histories.events.get(row.inquiry_id, ())]
    ends = [event for event in standing(known) if isinstance(event, Answered | Cancelled)]
    columns: Columns = dict.fromkeys(
        ("answered_at", "cancelled_at", "cancel_reason", "answer_business_seconds",
         "answer_wall_seconds")
    )  # fmt: skip
    columns["merged_into"] = merged_into(ends)
    match min(ends, key=in_order_of_occurrence, default=None):
        case Answered(at) if row.received_at is not None:
            calendar = histories.version_by_key(policy_version or str(row.policy_version)).calendar
            business, wall = answer_seconds(calendar, row.received_at, at)
            columns |= {
                "answered_at": at,
                "answer_business_seconds": business,
                "answer_wall_seconds": wall,
            }
        case Cancelled(at, reason):
            columns |= {"cancelled_at": at, "cancel_reason": reason.value}
        case _:
            pass
    return columns
