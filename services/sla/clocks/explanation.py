"""Why a clock's deadline is where it is, with its pauses."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest

from services.sla.businesstime.calendar import Span
from services.sla.businesstime.counting import runs_out, spans
from services.sla.businesstime.instants import ZERO
from services.sla.businesstime.rules import Reason
from services.sla.clocks.events import ClockEvent
from services.sla.clocks.evolve import evolve, recount
from services.sla.clocks.target import Pause, Target
from services.sla.promises.promise import Explanation, TermsOf


def clock_explanations(
    events: Iterable[ClockEvent], terms_of: TermsOf, as_of: datetime
) -> tuple[Explanation, ...]:
    """One explanation for each target of the clock as it stood at `as_of`.

    The counted spans of a promised target add up to that target; those of a follow-up add up to
    the counted time between the holding reply and the date that was announced. A target that was
    moved is explained by the rules that hold now, from its start. Empty before the clock started.
    """
    history = tuple(events)
    clock = evolve(history, terms_of, as_of)
    explained = []
    for target in clock.shown:
        counted = target
        if target.moved:
            again = recount(history, target.terms, as_of)
            counted = again.target(target.number)
        explained.append(_explanation(counted))
    return tuple(explained)


def _explanation(target: Target) -> Explanation:
    counting, calendar = target.promise.counting, target.calendar
    pieces: list[Span] = []
    for period, pause in zip_longest(target.periods, target.pauses):
        end = runs_out(counting, calendar, start=period.start, budget=period.left)
        stop = end if pause is None else min(end, pause.start)
        pieces += spans(counting, calendar, start=period.start, end=stop)
        if pause is not None:
            # Spent before the pause, yet not due: nobody was open, which the calendar explains.
            idle = calendar.explain(stop, pause.start)
            pieces += [replace(each, counted=False) for each in idle]
            pieces += _standing_still(pause)
    if target.paused:
        bound = target.pauses[-1].end
        left = max(ZERO, target.unspent(bound))
        end = runs_out(counting, calendar, start=bound, budget=left)
        pieces += spans(counting, calendar, start=bound, end=end)
    return Explanation(
        promise=target.promise.name,
        counting=counting,
        target=target.periods[0].left,
        received_at=target.started_at,
        spans=tuple(pieces),
        runs_out_at=end,
        due_at=target.due_at,
    )


def _standing_still(pause: Pause) -> list[Span]:
    if pause.end == pause.start:
        return []
    reason = Reason.PAUSED
    return [Span(pause.start, pause.end, counted=False, reason=reason, name=pause.reason)]
