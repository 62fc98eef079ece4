"""How a clock stands, now or at any moment of its life, and why its deadline is where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.sla.clocks.events import ClockEvent
from services.sla.clocks.evolve import ClockState, evolve
from services.sla.clocks.explanation import clock_explanations
from services.sla.clocks.notices import breach_key
from services.sla.deadlines.store import deadlines, sent_notices
from services.sla.deadlines.store import events as clock_events
from services.sla.deadlines.store.deadlines import AWAITED, BEST_EFFORT, DeadlineRow
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.store.sent_notices import SentNotice
from services.sla.deadlines.usecases.desks import subject_of
from services.sla.promises import store
from services.sla.promises.policy_version import PolicyVersion, terms_of
from services.sla.promises.promise import Choice, Explanation, Subject, TermsOf, explanation
from services.sla.promises.versions import PolicyVersions
from shared.db import Read
from shared.errors import ConflictError, FieldProblem, InvalidError, NotFoundError


@dataclass(frozen=True, slots=True)
class ClockView:
    """A clock as it stood at `clock.as_of`, with what had happened and was sent by then.

    `policy_version` is the one that it was under.
    """

    row: DeadlineRow
    clock: ClockState
    history: tuple[StoredEvent, ...]
    sent: tuple[SentNotice, ...]
    policy_version: PolicyVersion
    terms_of: TermsOf

    @property
    def breach_is_published(self) -> bool:
        """Of the target that is awaited, whatever the clock of this host shows."""
        target = self.clock.current
        return target is not None and any(each.key == breach_key(target) for each in self.sent)

    @property
    def events(self) -> list[ClockEvent]:
        return [each.event for each in self.history]


@dataclass(frozen=True, slots=True)
class ExplainedClock:
    """The promises that matched, the strictest first named, and each target's intervals."""

    view: ClockView
    choice: Choice | None
    targets: tuple[Explanation, ...]


def get_clock(
    tx: Read,
    *,
    inquiry_id: UUID,
    policy_versions: PolicyVersions,
    now: datetime,
    as_of: datetime | None = None,
) -> ClockView:
    """Raises NotFoundError without a clock, InvalidError for an `as_of` before the inquiry."""
    row = promised(deadlines.find(tx, inquiry_id), inquiry_id)
    version_by_key = policy_versions.by_key(tx, now=now)
    stored = clock_events.of(tx, [inquiry_id])[inquiry_id]
    moment = _moment(row, stored, now=now, as_of=as_of)
    history = sorted(
        (each for each in stored if each.event.at <= moment), key=lambda each: each.event.at
    )
    policy_version = version_by_key(_policy_version_at(tx, row, history, as_of))
    terms = terms_of(version_by_key)
    clock = evolve([each.event for each in history], terms, moment)
    sent = sent_notices.history(tx, inquiry_id)
    if as_of is not None:
        sent = [each for each in sent if each.at <= moment]
    return ClockView(row, clock, tuple(history), tuple(sent), policy_version, terms)


def explain(
    tx: Read,
    *,
    inquiry_id: UUID,
    policy_versions: PolicyVersions,
    now: datetime,
    as_of: datetime | None = None,
) -> ExplainedClock:
    """Raises as `get_clock` does."""
    view = get_clock(
        tx, inquiry_id=inquiry_id, policy_versions=policy_versions, now=now, as_of=as_of
    )
    subject = subject_of(view.row, desk=view.row.desk)
    choice = None
    if view.row.received_at is not None:
        choice = view.policy_version.choose(subject, view.row.received_at)
    targets = clock_explanations(view.events, view.terms_of, view.clock.as_of)
    return ExplainedClock(view, choice, targets)


def preview(
    policy_version: PolicyVersion, subject: Subject, *, received_at: datetime
) -> tuple[Choice, Explanation] | None:
    """What an inquiry received then would be promised; None on a best-effort channel.

    Raises CalendarError outside the calendar's years.
    """
    if subject.desk is None:
        subject = replace(subject, desk=policy_version.channel_desks.get(subject.channel))
    choice = policy_version.choose(subject, received_at)
    if choice is None:
        return None
    return choice, explanation(choice.promise, policy_version.calendar, received_at)


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


def still_owed(view: ClockView) -> None:
    """Raises ConflictError unless the clock runs or stands still before its deadline."""
    phase = "breached" if view.breach_is_published else view.clock.phase.value
    if phase not in {"running", "paused"}:
        raise ConflictError(
            "clock-not-running",
            f"the clock is {phase.replace('_', ' ')}; only one that has neither ended nor been"
            " breached can be paused or resumed",
        )


def _policy_version_at(
    tx: Read, row: DeadlineRow, history: Sequence[StoredEvent], as_of: datetime | None
) -> str:
    """Under which policy version the clock was then: a new policy need not have moved it."""
    present = str(row.policy_version)
    if as_of is not None:
        since = store.first_used_at(tx, present)
        if since is None or as_of < since:
            return clock_events.policy_version_keys(history)[-1]
    return present


def _moment(
    row: DeadlineRow, events: Sequence[StoredEvent], *, now: datetime, as_of: datetime | None
) -> datetime:
    if as_of is None:
        return max(now, *(each.event.at for each in events))
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
