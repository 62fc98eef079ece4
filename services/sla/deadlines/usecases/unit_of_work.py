"""What one transaction reads and writes about clocks: few statements, however many clocks.

Whoever appends events, starts clocks, moves them or lets time pass does it through here, so a row,
its sent notices, the facts to publish and the notifications are always written together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.sla.clocks.events import ClockEvent
from services.sla.clocks.notices import NoticeKey
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.project import Before, project
from services.sla.deadlines.project_best_effort import best_effort_end
from services.sla.deadlines.store import deadlines, hand_overs, sent_notices
from services.sla.deadlines.store import events as clock_events
from services.sla.deadlines.store.deadlines import Columns, DeadlineRow
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.store.hand_overs import HandOverRow
from services.sla.deadlines.store.sent_notices import SentNotice
from services.sla.notifications.usecases import deliveries
from services.sla.promises.policy_version import PolicyVersionByKey, terms_of
from services.sla.promises.promise import TermsOf
from services.sla.promises.versions import PolicyVersions
from shared.db import Read, Write
from shared.events.deadlines import DeadlineFact
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.notifications import store
from shared.notifications.store import Delivery
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Histories:
    """The events, sent notices, hand-overs and policy versions of some clocks."""

    events: Mapping[UUID, Sequence[StoredEvent]]
    sent: Mapping[UUID, frozenset[NoticeKey]]
    hand_overs: Mapping[UUID, HandOverRow]
    version_by_key: PolicyVersionByKey

    @classmethod
    def read(
        cls,
        tx: Read,
        inquiry_ids: Sequence[UUID],
        *,
        policy_versions: PolicyVersions,
        now: datetime,
    ) -> Histories:
        return cls(
            clock_events.of(tx, inquiry_ids),
            sent_notices.of(tx, inquiry_ids),
            hand_overs.of(tx, inquiry_ids),
            policy_versions.by_key(tx, now=now),
        )

    def before(self, row: DeadlineRow) -> Before:
        sent = self.sent.get(row.inquiry_id, frozenset())
        return Before(row, self.hand_overs.get(row.inquiry_id), sent)

    def of(self, inquiry_id: UUID) -> list[ClockEvent]:
        return [each.event for each in self.events.get(inquiry_id, ())]

    @property
    def terms_of(self) -> TermsOf:
        return terms_of(self.version_by_key)


@dataclass(slots=True)
class UnitOfWork:
    """Append, load, project, and write at last. The rows are locked by whoever calls."""

    tx: Write
    policy_versions: PolicyVersions
    now: datetime
    _histories: Histories | None = None
    _changes: dict[UUID, Columns] = field(default_factory=dict)
    _hand_overs: dict[UUID, HandOverRow | None] = field(default_factory=dict)
    _envelopes: list[Envelope] = field(default_factory=list)
    _sent: list[SentNotice] = field(default_factory=list)
    _deliveries: list[Delivery] = field(default_factory=list)

    def append(self, events: Sequence[StoredEvent]) -> None:
        """Written at once, so that the histories that are loaded afterwards have them."""
        clock_events.add(self.tx, events)

    def load(self, inquiry_ids: Sequence[UUID]) -> None:
        """The histories of the clocks that are to be projected."""
        self._histories = Histories.read(
            self.tx, inquiry_ids, policy_versions=self.policy_versions, now=self.now
        )

    def started(self, fact: DeadlineFact, *, traceparent: str) -> None:
        """A clock whose row is new and whole: nothing is left to project."""
        self._publish([fact], traceparent)

    def project(
        self,
        row: DeadlineRow,
        *,
        policy_version: str = "",
        cause: Cause | None = None,
        publish_until: datetime | None = None,
        traceparent: str = "",
        columns: Columns | None = None,
    ) -> None:
        """What follows from the loaded history: the row, notices, facts and notifications.

        Under that policy version; without one, under the one that the clock is under already.
        `columns` are those of a row that is not whole yet.
        """
        histories = self._loaded
        before = histories.before(row)
        outcome = project(
            before,
            histories.of(row.inquiry_id),
            policy_version=histories.version_by_key(policy_version or str(row.policy_version)),
            terms_of=histories.terms_of,
            now=self.now,
            cause=cause,
            publish_until=publish_until,
        )
        if outcome.hand_over != before.hand_over:
            self._hand_overs[row.inquiry_id] = outcome.hand_over
        changed = {**(columns or {}), **outcome.columns}
        self._changes[row.inquiry_id] = changed
        self._sent += outcome.sent
        published = self._publish(outcome.publish, traceparent)
        subscriptions = self.policy_versions.subscriptions
        if subscriptions:
            self._deliveries += deliveries(published, row, changed, subscriptions=subscriptions)

    def project_best_effort(self, row: DeadlineRow, *, columns: Columns | None = None) -> None:
        """The same for an inquiry without a clock, of which only the end counts."""
        histories = self._loaded
        version = histories.version_by_key(str(row.policy_version))
        ended = best_effort_end(row, histories.of(row.inquiry_id), version.calendar)
        self._changes[row.inquiry_id] = {**(columns or {}), **ended}

    def write(self) -> None:
        deadlines.change(self.tx, self._changes)
        changed = self._hand_overs
        hand_overs.put(self.tx, [each for each in changed.values() if each is not None])
        hand_overs.remove(self.tx, [key for key, each in changed.items() if each is None])
        sent_notices.add(self.tx, self._sent)
        outbox.record(self.tx, self._envelopes)
        store.add(self.tx, self._deliveries)

    @property
    def _loaded(self) -> Histories:
        if self._histories is None:
            raise ValueError("a clock can only be projected after its history was loaded")
        return self._histories

    def _publish(self, facts: Iterable[DeadlineFact], traceparent: str) -> list[Envelope]:
        made = [
            Envelope(new_id(), str(fact.conversation_id), self.now, fact, traceparent)
            for fact in facts
        ]
        self._envelopes += made
        return made
