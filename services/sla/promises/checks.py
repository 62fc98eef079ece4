"""What of a policy only its calendar can judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.errors import BeyondHorizonError
from services.sla.promises.promise import Promise, TargetKind, due
from shared.policy.problems import PolicyProblem

RUNNING_WITHOUT_RESTART: Final = timedelta(days=366)
"""For so long a calendar that was made at the start has to hold every target."""


def never_over(
    promises: Sequence[Promise], calendar: BusinessCalendar, now: datetime
) -> Iterator[PolicyProblem]:
    """Targets that outlast the calendar would leave inquiries without a clock."""
    latest = now + RUNNING_WITHOUT_RESTART
    for place, promise in enumerate(promises):
        for kind in TargetKind:
            if getattr(promise, kind.value) is None:
                continue
            try:
                due(promise, calendar, latest, kind=kind)
            except BeyondHorizonError:
                yield PolicyProblem(
                    f"promises[{place}].{kind.value}",
                    f"counted by {promise.counting} it is not over by the end of"
                    f" {calendar.last_year}",
                    "a shorter target, or more opening hours",
                )
