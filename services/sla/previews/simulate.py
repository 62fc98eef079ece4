"""What another policy would have meant for recorded history. Reads only, changes nothing.

Every inquiry of the span is counted again from its receipt by the other policy: with its own
pauses, answers and holding replies, as if that policy had held from the beginning. While no promise
had a hand-over nothing was noted of desks: then what is at the technical desk now counts as given
to it when it was received.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.clocks.events import Assigned, ClockEvent, Started
from services.sla.clocks.evolve import evolve, recounted, start
from services.sla.clocks.hand_over import TECHNICAL_DESK
from services.sla.clocks.target import Phase
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store import events as clock_events
from services.sla.deadlines.store.deadlines import DeadlineRow
from services.sla.deadlines.usecases.desks import subject_of
from services.sla.promises.policy_version import PolicyVersion, policy_version_of, terms_of
from services.sla.promises.promise import TermsOf
from services.sla.promises.versions import PolicyVersions
from shared.db import Read, Reader
from shared.policy import Policy
from shared.text.references import reference_of

ROWS_AT_ONCE = 500
EXAMPLES = 20
NO_CLOCK = "no clock"


@dataclass(frozen=True, slots=True)
class Stood:
    """When the first answer was due and how it ended; how the hand-over ended, if one was owed."""

    due_at: datetime | None = None
    outcome: str = NO_CLOCK
    hand_over: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One inquiry, as it was and as it would have been."""

    inquiry_id: UUID
    channel: str
    received_at: datetime
    was: Stood
    would_be: Stood


@dataclass(slots=True)
class Simulation:
    """Counts over all inquiries of the span, and the first differences as examples."""

    start: datetime
    end: datetime
    inquiries: int = 0
    earlier: int = 0
    later: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    would_be: Counter[str] = field(default_factory=Counter)
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    hand_over: Counter[str] = field(default_factory=Counter)
    hand_over_would_be: Counter[str] = field(default_factory=Counter)
    examples: list[Difference] = field(default_factory=list)

    def take(self, difference: Difference) -> None:
        was, would_be = difference.was, difference.would_be
        self.inquiries += 1
        self.outcomes[was.outcome] += 1
        self.would_be[would_be.outcome] += 1
        if was.outcome != would_be.outcome:
            self.changed[was.outcome, would_be.outcome] += 1
        for counter, outcome in (
            (self.hand_over, was.hand_over),
            (self.hand_over_would_be, would_be.hand_over),
        ):
            if outcome is not None:
                counter[outcome] += 1
        if was.due_at is not None and would_be.due_at is not None:
            self.earlier += would_be.due_at < was.due_at
            self.later += would_be.due_at > was.due_at
        if was != would_be:
            self.examples = [*self.examples, difference][:EXAMPLES]

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report that a program reads."""
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "inquiries": self.inquiries,
            "due_earlier": self.earlier,
            "due_later": self.later,
            "outcomes": dict(sorted(self.outcomes.items())),
            "would_be": dict(sorted(self.would_be.items())),
            "changed": [
                {"outcome": before, "would_be": after, "count": count}
                for (before, after), count in sorted(self.changed.items())
            ],
            "hand_over": dict(sorted(self.hand_over.items())),
            "hand_over_would_be": dict(sorted(self.hand_over_would_be.items())),
            "examples": [_plain(each) for each in self.examples],
        }

    def as_text(self) -> str:
        """Plain sentences for a person."""
        lines = [
            f"{self.inquiries} inquiries received in this span:",
            f"{self.start.isoformat()} until before {self.end.isoformat()}.",
            f"{self.earlier} would have been due earlier, {self.later} later.",
            *(f"{n} that were {a} would be {b}." for (a, b), n in sorted(self.changed.items())),
        ]
        if not self.changed:
            lines.append("No outcome would change.")
        if self.hand_over or self.hand_over_would_be:
            before, after = _counts(self.hand_over), _counts(self.hand_over_would_be)
            lines.append(f"Hand-overs to the technical desk: {before} -> {after}.")
        lines += [
            f"  {reference_of(each.inquiry_id)} {each.inquiry_id}"
            f" ({each.channel}, {each.received_at.isoformat()}):"
            f" due {_moment(each.was.due_at)} -> {_moment(each.would_be.due_at)},"
            f" {each.was.outcome} -> {each.would_be.outcome}{_hand_over_change(each)}"
            for each in self.examples
        ]
        return "\n".join(lines) + "\n"


async def simulate(
    database: Reader, policy: Policy, *, start: datetime, end: datetime, now: datetime
) -> Simulation:
    """Count the inquiries received in [start, end) again by `policy`.

    Raises ValueError for a span that ends before it begins.
    """
    if end <= start:
        raise ValueError("the span ends before it begins: give a --to that is after --from")
    other = policy_version_of(policy, now=now)
    policy_versions = PolicyVersions(other)
    simulation = Simulation(start, end)
    after: tuple[datetime, UUID] | None = None
    while True:
        differences, after = await database.read(
            _batch, policy_versions=policy_versions, start=start, end=end, after=after, now=now
        )
        for difference in differences:
            simulation.take(difference)
        if after is None:
            return simulation


def _batch(
    tx: Read,
    *,
    policy_versions: PolicyVersions,
    start: datetime,
    end: datetime,
    after: tuple[datetime, UUID] | None,
    now: datetime,
) -> tuple[list[Difference], tuple[datetime, UUID] | None]:
    rows = deadlines.received_between(tx, start=start, end=end, after=after, limit=ROWS_AT_ONCE)
    events = clock_events.of(tx, [row.inquiry_id for row in rows])
    stored_terms = terms_of(policy_versions.by_key(tx, now=now))
    differences = []
    for row in rows:
        history = [each.event for each in events.get(row.inquiry_id, [])]
        was = Stood() if row.due_at is None else _stood(history, stored_terms, now)
        would = _would_stand(row, history, policy_versions.current, now)
        if row.received_at is not None:
            differences.append(
                Difference(row.inquiry_id, row.channel or "", row.received_at, was, would)
            )
    last = rows[-1] if len(rows) == ROWS_AT_ONCE else None
    if last is None or last.received_at is None:
        return differences, None
    return differences, (last.received_at, last.inquiry_id)


def _would_stand(
    row: DeadlineRow, history: Sequence[ClockEvent], other: PolicyVersion, now: datetime
) -> Stood:
    """The history under the other policy, also where no clock ran before."""
    if row.received_at is None:
        return Stood()
    choice = other.choose(subject_of(row, desk=row.desk), row.received_at)
    if choice is None:
        return Stood()
    terms = other.terms(choice.promise.name)
    again = recounted(history, terms)
    if not any(isinstance(event, Started) for event in again):
        again = (start(terms, row.received_at), *again)
    if row.desk == TECHNICAL_DESK and not any(isinstance(event, Assigned) for event in again):
        again = (*again, Assigned(row.received_at, TECHNICAL_DESK))
    return _stood(again, lambda _key, _name: terms, now)


def _stood(history: Sequence[ClockEvent], terms_of: TermsOf, now: datetime) -> Stood:
    """How it ended: a missed target counts, whatever came."""
    clock = evolve(history, terms_of, max(now, *(event.at for event in history)))
    hand_over = clock.owed_hand_over
    return Stood(
        clock.targets[0].due_at,
        _outcome(clock.phase, clock.breached_at),
        None if hand_over is None else _outcome(hand_over.phase, hand_over.breached_at),
    )


def _outcome(phase: Phase, breached_at: datetime | None) -> str:
    met_late = phase is Phase.MET and breached_at is not None
    return ("met_late" if met_late else phase.value).replace("_", " ")


def _hand_over_change(difference: Difference) -> str:
    was, would_be = difference.was.hand_over, difference.would_be.hand_over
    return "" if was == would_be else f", hand-over {was or 'none'} -> {would_be or 'none'}"


def _counts(outcomes: Counter[str]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(outcomes.items())) or "none"


def _plain(difference: Difference) -> dict[str, Any]:
    return {
        "inquiry_id": str(difference.inquiry_id),
        "reference": reference_of(difference.inquiry_id),
        "channel": difference.channel,
        "received_at": difference.received_at.isoformat(),
        "due_at": _moment(difference.was.due_at),
        "would_be_due_at": _moment(difference.would_be.due_at),
        "outcome": difference.was.outcome,
        "would_be": difference.would_be.outcome,
        "hand_over": difference.was.hand_over,
        "hand_over_would_be": difference.would_be.hand_over,
    }


def _moment(moment: datetime | None) -> str:
    return NO_CLOCK if moment is None else moment.isoformat()
