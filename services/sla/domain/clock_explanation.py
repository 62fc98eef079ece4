"""Why a clock's deadline is where it is, with its pauses."""

from collections.abc import Iterable
from datetime import datetime

from services.sla.domain.calendar import BusinessCalendar, Span
from services.sla.domain.clock import recounted, state
from services.sla.domain.counting import runs_out, spans
from services.sla.domain.facts import Fact
from services.sla.domain.promise import Explanation
from services.sla.domain.rules import Reason
from services.sla.domain.target import Pause, Phase, Target


def clock_explanations(
    facts: Iterable[Fact], calendar: BusinessCalendar, as_of: datetime
) -> tuple[Explanation, ...]:
    """One explanation for each target of the clock as it stood at `as_of`.

    The counted spans of a promised target add up to that target; those of a follow-up add up to
    the counted time between the holding reply and the date that was told. A target that was moved
    is explained by the rules that hold now, from its start. Empty before the clock started.
    """
    history = tuple(facts)
    clock = state(history, calendar, as_of)
    explained = []
    for target in clock.targets:
        shown = target
        if target.moved:
            again = state(recounted(history, target.promise, calendar), calendar, as_of)
            shown = again.targets[target.number - 1]
        explained.append(_explanation(shown, calendar))
    return tuple(explained)


def _explanation(target: Target, calendar: BusinessCalendar) -> Explanation:
    counting, first, last = target.promise.counting, target.stretches[0], target.stretches[-1]
    pauses = [pause for pause in target.pauses if pause.end > pause.start]
    pieces: list[Span] = []
    reached = first.start
    for pause in pauses:
        pieces += spans(counting, calendar, start=reached, end=pause.start)
        pieces.append(_standing_still(pause))
        reached = pause.end
    left = target.remaining if target.phase is Phase.PAUSED else last.left
    end = runs_out(counting, calendar, start=reached, budget=left)
    pieces += spans(counting, calendar, start=reached, end=end)
    return Explanation(
        promise=target.promise.name,
        counting=counting,
        target=first.left,
        received_at=first.start,
        spans=tuple(pieces),
        runs_out_at=end,
        due_at=target.due_at,
    )


def _standing_still(pause: Pause) -> Span:
    return Span(pause.start, pause.end, counted=False, reason=Reason.PAUSED, name=pause.reason)
