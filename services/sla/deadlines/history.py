"""What happened to a clock, in order: stored events, what followed from them, sent notices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    ClockEvent,
    Held,
    Left,
    Moved,
    Paused,
    Reopened,
    Resumed,
    Started,
    WindowSet,
)
from services.sla.clocks.notices import NoticeKind, breach_key
from services.sla.clocks.target import Phase, Target
from services.sla.deadlines.schemas import Happened
from services.sla.deadlines.usecases.view import ClockView

_INNER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def history(view: ClockView) -> list[Happened]:
    """Events are only ever added; a breach or the end of a pause at its bound follows from them."""
    lines = [*_stored(view), *_followed(view), *_sent(view)]
    return sorted(lines, key=lambda line: line.at)


def _stored(view: ClockView) -> Iterator[Happened]:
    answered_at = None
    for each in view.history:
        match each.event:
            case Answered(message_id=None, by_hand=False) if each.event.at == answered_at:
                continue  # as they were kept once: the answer, and the completion by it
            case Answered():
                answered_at = each.event.at
        name = _INNER_CAPITAL.sub("_", type(each.event).__name__).lower()
        yield Happened(
            at=each.event.at,
            fact=name,
            by=each.by or None,
            key_name=each.key_name,
            detail=_said(each.event),
        )


def _followed(view: ClockView) -> Iterator[Happened]:
    for target in view.clock.shown:
        kind = target.kind.value
        if target.breached_at is not None:
            yield _line(target.breached_at, "breached", kind)
        if target.ended_at is not None and target.phase in {Phase.MET, Phase.MET_LATE}:
            yield _line(target.ended_at, target.phase.value, kind)
    # The hand-over stands still with the answer: its pauses are the same.
    for target in view.clock.targets:
        for end in _at_their_bound(target, view):
            yield _line(end, "resumed", "the pause had reached its bound")


def _at_their_bound(target: Target, view: ClockView) -> Iterator[datetime]:
    ended = target.pauses[:-1] if target.phase is Phase.PAUSED else target.pauses
    by_a_fact = {event.at for event in view.events}
    return (pause.end for pause in ended if pause.end not in by_a_fact)


def _sent(view: ClockView) -> Iterator[Happened]:
    stands = {breach_key(each) for each in view.clock.shown if each.breached_at is not None}
    for each in view.sent:
        kind = each.key.kind
        if kind is NoticeKind.WARNING:
            yield _line(each.at, "warned", each.key.level)
        elif kind is NoticeKind.WINDOW_CLOSING:
            yield _line(each.at, "warned", "the reply window is closing")
        elif each.key not in stands:
            yield _line(each.at, "breached", "told, and corrected since")


def _line(at: datetime, event: str, detail: str) -> Happened:
    return Happened(at=at, fact=event, by=None, key_name=None, detail=detail)


def _said(event: ClockEvent) -> str | None:  # noqa: C901, PLR0911 - one for each kind
    match event:
        case Started(promise=promise):
            return promise
        case Moved(promise=promise, reason=reason):
            return f"{reason}: {promise}"
        case Paused(reason=reason):
            return reason
        case Resumed(cause=cause):
            return cause.value.replace("_", " ")
        case Held(follow_up_at=at) | WindowSet(ends_at=at):
            return None if at is None else at.isoformat()
        case Cancelled(reason=reason, merged_into=merged):
            return reason.value if merged is None else f"part of the inquiry {merged}"
        case Answered(by_hand=True):
            return "the ToDo was completed"
        case Left():
            return "its message has an inquiry of its own"
        case Assigned(desk=desk):
            return desk
        case Reopened(time_left=True):
            return "an appeal: it goes on with the time that was left"
        case _:
            return None
