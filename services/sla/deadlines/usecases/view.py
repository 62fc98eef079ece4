"""How a clock stands, now or at any moment of its life, and why its deadline is where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.clocks.events import Fact
from services.sla.clocks.evolve import ClockState, state
from services.sla.clocks.explanation import clock_explanations
from services.sla.clocks.notices import breach_key
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store import events as clock_facts
from services.sla.deadlines.store import sent_notices as told
from services.sla.deadlines.store.deadlines import AWAITED, BEST_EFFORT, DeadlineRow
from services.sla.deadlines.store.events import Recorded
from services.sla.deadlines.store.sent_notices import Told
from services.sla.deadlines.usecases.desks import subject_of
from services.sla.promises import store
from services.sla.promises.policy_version import Edition
from services.sla.promises.promise import Choice, Explanation, Subject, explanation
from services.sla.promises.versions import Library
from shared.db import Read
from shared.errors import ConflictError, FieldProblem, InvalidError, NotFoundError


@dataclass(frozen=True, slots=True)
class Look:
    """A clock as it stood at `clock.as_of`, with what had happened and was told by then.

    `edition` is the one that it was under, `began` the calendar under which it started.
    """

    row: DeadlineRow
    clock: ClockState
    history: tuple[Recorded, ...]
    told: tuple[Told, ...]
    edition: Edition
    began: BusinessCalendar

    @property
    def breach_was_told(self) -> bool:
        """Of the target that is awaited, whatever the clock of this host shows."""
        target = self.clock.current
        return target is not None and any(each.key == breach_key(target) for each in self.told)

    @property
    def facts(self) -> list[Fact]:
        return [each.fact for each in self.history]


@dataclass(frozen=True, slots=True)
class Explained:
    """The promises that matched, the strictest first named, and each target's intervals."""

    look: Look
    choice: Choice | None
    subject: Subject
    targets: tuple[Explanation, ...]


def look(
    tx: Read, *, inquiry_id: UUID, library: Library, now: datetime, as_of: datetime | None = None
) -> Look:
    """Raises NotFoundError without a clock, InvalidError for an `as_of` before the inquiry."""
    row = promised(deadlines.find(tx, inquiry_id), inquiry_id)
    edition_by_key = library.reader(tx, now=now)
    recorded = clock_facts.of(tx, [inquiry_id], editions=edition_by_key)[inquiry_id]
    moment = _moment(row, recorded, now=now, as_of=as_of)
    history = sorted(
        (each for each in recorded if each.fact.at <= moment), key=lambda each: each.fact.at
    )
    edition = edition_by_key(_edition_at(tx, row, history, as_of))
    began = edition_by_key(clock_facts.began_under(recorded)).calendar
    clock = state([each.fact for each in history], began, moment)
    said = told.history(tx, inquiry_id)
    if as_of is not None:
        said = [each for each in said if each.at <= moment]
    return Look(row, clock, tuple(history), tuple(said), edition, began)


def explain(
    tx: Read, *, inquiry_id: UUID, library: Library, now: datetime, as_of: datetime | None = None
) -> Explained:
    """Raises as `look` does."""
    seen = look(tx, inquiry_id=inquiry_id, library=library, now=now, as_of=as_of)
    subject = subject_of(seen.row, desk=seen.row.desk)
    choice = None
    if seen.row.received_at is not None:
        choice = seen.edition.choose(subject, seen.row.received_at)
    targets = clock_explanations(seen.facts, seen.began, seen.clock.as_of)
    return Explained(seen, choice, subject, targets)


def preview(
    edition: Edition, subject: Subject, *, received_at: datetime
) -> tuple[Choice, Explanation] | None:
    """What an inquiry received then would be promised; None on a best-effort channel.

    Raises CalendarError outside the calendar's years.
    """
    if subject.desk is None:
        subject = replace(subject, desk=edition.channel_desks.get(subject.channel))
    choice = edition.choose(subject, received_at)
    if choice is None:
        return None
    return choice, explanation(choice.promise, edition.calendar, received_at)


def promised(row: DeadlineRow | None, inquiry_id: UUID) -> DeadlineRow:
    """The row of a clock. Raises NotFoundError when the inquiry is unknown or has no clock."""
    if row is None or row.state == AWAITED:
        raise NotFoundError("unknown-inquiry", f"no inquiry {inquiry_id} is known here")
    if row.state == BEST_EFFORT:
        raise NotFoundError(
            "no-clock",
            f"the inquiry came in on {row.channel}, where no answer is promised: it has no clock",
        )
    return row


def still_owed(seen: Look) -> None:
    """Raises ConflictError unless the clock runs or stands still before its deadline."""
    phase = "breached" if seen.breach_was_told else seen.clock.phase.value
    if phase not in {"running", "paused"}:
        raise ConflictError(
            "clock-not-running",
            f"the clock is {phase.replace('_', ' ')}; only one that has neither ended nor been"
            " breached can be paused or resumed",
        )


def _edition_at(
    tx: Read, row: DeadlineRow, history: Sequence[Recorded], as_of: datetime | None
) -> str:
    """Under which edition the clock was then: a new policy need not have moved it."""
    present = str(row.edition)
    if as_of is not None:
        since = store.first_used_at(tx, present)
        if since is None or as_of < since:
            return clock_facts.edition_keys(history)[-1]
    return present


def _moment(
    row: DeadlineRow, facts: Sequence[Recorded], *, now: datetime, as_of: datetime | None
) -> datetime:
    if as_of is None:
        return max(now, *(each.fact.at for each in facts))
    if row.received_at is not None and as_of < row.received_at:
        raise InvalidError(
            "as-of-too-early",
            "the inquiry had not been received at that moment",
            FieldProblem(
                "as_of",
                "is before the inquiry",
                f"give a moment from {row.received_at.isoformat()} on",
            ),
        )
    return as_of
