"""New facts about inquiries: append them, fold each clock again, publish what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.clocks.events import Answered, Cancelled, Fact, in_order_of_occurrence
from services.sla.clocks.notices import NoticeKey
from services.sla.clocks.standing import merged_into, standing
from services.sla.deadlines.move_cause import Change
from services.sla.deadlines.project import Outcome, answer_seconds, fold
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store import events as clock_facts
from services.sla.deadlines.store import sent_notices as told
from services.sla.deadlines.store.deadlines import BEST_EFFORT, Columns, DeadlineRow
from services.sla.deadlines.store.events import Recorded
from services.sla.notifications import store
from services.sla.notifications.domain import Audience
from services.sla.notifications.store import Delivery
from services.sla.notifications.usecases import deliveries
from services.sla.promises import policy_version
from services.sla.promises.versions import Library
from shared.db import Write
from shared.events.deadlines import DeadlineFact
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Arrival:
    """A fact about an inquiry that may or may not be known yet."""

    conversation_id: UUID
    recorded: Recorded
    change: Change | None = None
    traceparent: str = ""

    @property
    def inquiry_id(self) -> UUID:
        return self.recorded.inquiry_id


@dataclass(slots=True)
class Results:
    """What one transaction writes after all folding: few statements for many clocks."""

    audiences: Sequence[Audience]
    changes: dict[UUID, Columns] = field(default_factory=dict)
    envelopes: list[Envelope] = field(default_factory=list)
    told: list[told.Told] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def take(self, row: DeadlineRow, outcome: Outcome, *, now: datetime, trace: str) -> None:
        self.changes[row.inquiry_id] = outcome.columns
        self.told += outcome.told
        said = [envelope(event, now=now, trace=trace) for event in outcome.publish]
        self.envelopes += said
        if self.audiences:
            self.deliveries += deliveries(said, row, outcome.columns, audiences=self.audiences)

    def write(self, tx: Write) -> datetime | None:
        """Returns the first moment at which one of these clocks has to be looked at again."""
        deadlines.change(tx, self.changes)
        told.add(tx, self.told)
        outbox.record(tx, self.envelopes)
        store.add(tx, self.deliveries)
        return earliest(columns["next_action_at"] for columns in self.changes.values())


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)


def envelope(event: DeadlineFact, *, now: datetime, trace: str) -> Envelope:
    return Envelope(new_id(), str(event.conversation_id), now, event, trace)


def record(
    tx: Write, arrivals: Sequence[Arrival], *, library: Library, now: datetime
) -> datetime | None:
    """Append the facts and fold each clock once; when the first of the clocks needs a look.

    Of several facts about one inquiry the last names the cause of what moved. A fact of an inquiry
    that is not known yet is kept until it is.
    """
    rows = deadlines.ensure(tx, {each.inquiry_id: each.conversation_id for each in arrivals})
    clock_facts.add(tx, [each.recorded for each in arrivals])
    last = {each.inquiry_id: each for each in arrivals}
    started = [each for each in last if rows[each].due_at is not None]
    unpromised = [each for each in last if rows[each].state == BEST_EFFORT]
    known = [*started, *unpromised]
    if not known:
        return None
    histories = Histories.read(tx, known, library=library, now=now)
    deadlines.change(
        tx,
        {each: unpromised_end(rows[each], histories, edition="") for each in unpromised},
    )
    results = Results(library.audiences)
    for inquiry_id in started:
        row, arrival = rows[inquiry_id], last[inquiry_id]
        outcome = histories.fold(
            row, now=now, edition=arrival.recorded.edition, change=arrival.change
        )
        results.take(row, outcome, now=now, trace=arrival.traceparent)
    return results.write(tx)


@dataclass(frozen=True, slots=True)
class Histories:
    """The facts, told keys and editions of some clocks, read with two queries."""

    facts: Mapping[UUID, Sequence[Recorded]]
    told: Mapping[UUID, frozenset[NoticeKey]]
    edition: policy_version.EditionByKey

    @classmethod
    def read(
        cls, tx: Write, inquiry_ids: Sequence[UUID], *, library: Library, now: datetime
    ) -> Histories:
        editions = library.reader(tx, now=now)
        facts = clock_facts.of(tx, inquiry_ids, editions=editions)
        return cls(facts, told.of(tx, inquiry_ids), editions)

    def of(self, inquiry_id: UUID) -> list[Fact]:
        return [each.fact for each in self.facts[inquiry_id]]

    def began(self, inquiry_id: UUID) -> BusinessCalendar:
        """The calendar under which its clock started."""
        return self.edition(clock_facts.began_under(self.facts[inquiry_id])).calendar

    def fold(
        self,
        row: DeadlineRow,
        *,
        now: datetime,
        edition: str = "",
        change: Change | None = None,
        tell_until: datetime | None = None,
    ) -> Outcome:
        """Fold under that edition; without one, under the edition that the clock is under."""
        return fold(
            row,
            self.of(row.inquiry_id),
            edition=self.edition(edition or str(row.edition)),
            began=self.began(row.inquiry_id),
            now=now,
            seen=self.told.get(row.inquiry_id, frozenset()),
            change=change,
            tell_until=tell_until,
        )


def unpromised_end(row: DeadlineRow, histories: Histories, *, edition: str) -> Columns:
    """How a best-effort inquiry ended, if it did: by the earliest end that stands.

    Its answer's time is counted by that edition; without one, by that of the row.
    """
    known = [each.fact for each in histories.facts.get(row.inquiry_id, ())]
    ends = [fact for fact in standing(known) if isinstance(fact, Answered | Cancelled)]
    columns: Columns = dict.fromkeys(
        ("answered_at", "cancelled_at", "cancel_reason", "answer_business_seconds",
         "answer_wall_seconds")
    )  # fmt: skip
    columns["merged_into"] = merged_into(ends)
    match min(ends, key=in_order_of_occurrence, default=None):
        case Answered(at) if row.received_at is not None:
            calendar = histories.edition(edition or str(row.edition)).calendar
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
