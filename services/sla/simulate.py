"""What another policy would have meant for recorded history. Reads only, changes nothing.

Every inquiry of the span is counted again from its receipt by the other policy: with its own
pauses, answers and holding replies, as if that policy had held from the beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain import Fact, Promise, Started, recounted, start, state
from services.sla.rules import Edition, edition_of
from services.sla.store import deadlines
from services.sla.store import facts as clock_facts
from services.sla.store.deadlines import DeadlineRow
from services.sla.store.facts import EditionByKey
from services.sla.usecases.desks import subject_of
from services.sla.usecases.library import Library
from shared.db import Database, Read
from shared.policy import Policy

ROWS_AT_ONCE = 500
EXAMPLES = 20
NO_CLOCK = "no clock"


@dataclass(frozen=True, slots=True)
class Difference:
    """One inquiry whose deadline or outcome would have been another; None: no clock."""

    inquiry_id: UUID
    channel: str
    received_at: datetime
    due_at: datetime | None
    would_be_due_at: datetime | None
    outcome: str
    would_be: str


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
    examples: list[Difference] = field(default_factory=list)

    def take(self, difference: Difference) -> None:
        self.inquiries += 1
        self.outcomes[difference.outcome] += 1
        self.would_be[difference.would_be] += 1
        if difference.outcome != difference.would_be:
            self.changed[difference.outcome, difference.would_be] += 1
        before, after = difference.due_at, difference.would_be_due_at
        if before is not None and after is not None:
            self.earlier += after < before
            self.later += after > before
        if (before, difference.outcome) != (after, difference.would_be):
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
        lines += [
            f"  {each.inquiry_id} ({each.channel}, {each.received_at.isoformat()}):"
            f" due {_moment(each.due_at)} -> {_moment(each.would_be_due_at)},"
            f" {each.outcome} -> {each.would_be}"
            for each in self.examples
        ]
        return "\n".join(lines) + "\n"


async def simulate(
    database: Database, policy: Policy, *, start: datetime, end: datetime, now: datetime
) -> Simulation:
    """Count the inquiries received in [start, end) again by `policy`.

    Raises ValueError for a span that ends before it begins.
    """
    if end <= start:
        raise ValueError("the span ends before it begins: give a --to that is after --from")
    other = edition_of(policy, now=now)
    library = Library(other)
    simulation = Simulation(start, end)
    after: tuple[datetime, UUID] | None = None
    while True:
        differences, after = await database.read(
            _batch, library=library, start=start, end=end, after=after, now=now
        )
        for difference in differences:
            simulation.take(difference)
        if after is None:
            return simulation


def _batch(
    tx: Read,
    *,
    library: Library,
    start: datetime,
    end: datetime,
    after: tuple[datetime, UUID] | None,
    now: datetime,
) -> tuple[list[Difference], tuple[datetime, UUID] | None]:
    rows = deadlines.received_between(tx, start=start, end=end, after=after, limit=ROWS_AT_ONCE)
    editions = library.reader(tx, now=now)
    facts = clock_facts.of(tx, [row.inquiry_id for row in rows], editions=editions)
    differences = list(_differences(rows, facts, library.current, editions, now=now))
    last = rows[-1] if len(rows) == ROWS_AT_ONCE else None
    if last is None or last.received_at is None:
        return differences, None
    return differences, (last.received_at, last.inquiry_id)


def _differences(
    rows: Sequence[DeadlineRow],
    facts: dict[UUID, list[clock_facts.Recorded]],
    other: Edition,
    editions: EditionByKey,
    *,
    now: datetime,
) -> Iterator[Difference]:
    for row in rows:
        if row.received_at is None:
            continue
        recorded = facts.get(row.inquiry_id, [])
        history = [each.fact for each in recorded]
        under = editions(row.edition) if row.due_at is not None and row.edition else None
        was = _stood(history, under, now) if under else (None, NO_CLOCK)
        choice = other.choose(subject_of(row, desk=row.desk), row.received_at)
        again = _again(history, row.received_at, choice.promise, other) if choice else []
        would = _stood(again, other, now) if again else (None, NO_CLOCK)
        yield Difference(
            row.inquiry_id, row.channel or "", row.received_at, was[0], would[0], was[1], would[1]
        )


def _again(
    history: Sequence[Fact], received_at: datetime, promise: Promise, edition: Edition
) -> Sequence[Fact]:
    """The history under the other promise, also where no clock ran before."""
    if any(isinstance(fact, Started) for fact in history):
        return recounted(history, promise, edition.calendar)
    return [start(promise, edition.calendar, received_at), *history]


def _stood(history: Sequence[Fact], edition: Edition, now: datetime) -> tuple[datetime, str]:
    """When the first answer was due, and how it ended: a missed target counts, whatever came."""
    as_of = max(now, *(fact.at for fact in history))
    clock = state(history, edition.calendar, as_of)
    outcome = clock.phase.value
    if outcome == "met" and clock.breached_at is not None:
        outcome = "met_late"
    return clock.targets[0].due_at, outcome.replace("_", " ")


def _plain(difference: Difference) -> dict[str, Any]:
    return {
        "inquiry_id": str(difference.inquiry_id),
        "channel": difference.channel,
        "received_at": difference.received_at.isoformat(),
        "due_at": _moment(difference.due_at),
        "would_be_due_at": _moment(difference.would_be_due_at),
        "outcome": difference.outcome,
        "would_be": difference.would_be,
    }


def _moment(moment: datetime | None) -> str:
    return NO_CLOCK if moment is None else moment.isoformat()
