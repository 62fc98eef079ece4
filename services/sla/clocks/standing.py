"""Which events hold: what was taken back is left out, in whatever order both arrived.

- Of all events about one reply the one with the highest revision counts. A withdrawn reply counts
  as nothing.
- A reopening takes back what a desk decided until its moment: completions by hand, dismissals and
  closes. A reply stands until it is classified again, and so does the end of an inquiry that turned
  out to be part of another.
- After an appeal the clock has stood still from the desk's decision to the appeal: that is a pause,
  which nothing in between begins, prolongs or ends.
- A message that left takes what it did to this clock with it.

Events that were recorded before replies and messages were named are still understood: their moment
says which reply or message they are about.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.sla.businesstime.instants import as_utc
from services.sla.clocks.events import (
    Answered,
    Cancelled,
    ClockEvent,
    Held,
    Left,
    Paused,
    Reopened,
    ResumeCause,
    Resumed,
    WindowSet,
    Withdrawn,
    in_order_of_occurrence,
)

ReplyEvent = Answered | Held | Withdrawn
"""What an event says about a reply."""
_TAKES_BACK: Final = (Withdrawn, Reopened, Left)


def standing(events: Iterable[ClockEvent]) -> list[ClockEvent]:
    """Those of the events that hold, in the order given, each reply's at most once."""
    known = list(events)
    # Most clocks end once, and nobody takes it back.
    if not any(isinstance(event, _TAKES_BACK) or _reply(event) is not None for event in known):
        return known
    by_reply = _by_reply(known)
    last = {reply: max(said, key=_revision) for reply, said in by_reply.items()}
    superseded = _superseded_moments(known, by_reply)
    reopened = sorted(as_utc(event.at) for event in known if isinstance(event, Reopened))
    superseded |= _reopened_moments(known, reopened)
    left = {event.message_id: as_utc(event.at) for event in known if isinstance(event, Left)}
    stands: list[ClockEvent] = [
        event
        for event in known
        if not isinstance(event, _TAKES_BACK)
        and not _outdone(event, last)
        and not (_is_nameless(event) and as_utc(event.at) in superseded)
        and not (reopened and _is_of_a_desk(event) and as_utc(event.at) <= reopened[-1])
        and not _gone(event, left)
    ]
    return _suspended(stands, _suspensions(known))


def merged_into(events: Iterable[ClockEvent]) -> UUID | None:
    """The inquiry of which this one turned out to be a part, if it did."""
    merged = [event for event in events if isinstance(event, Cancelled) and event.merged_into]
    return min(merged, key=in_order_of_occurrence).merged_into if merged else None


def _by_reply(events: Iterable[ClockEvent]) -> dict[UUID, list[ReplyEvent]]:
    by_reply: dict[UUID, list[ReplyEvent]] = {}
    for event in events:
        if isinstance(event, Answered | Held | Withdrawn) and event.message_id is not None:
            by_reply.setdefault(event.message_id, []).append(event)
    return by_reply


def _reply(event: ClockEvent) -> UUID | None:
    return event.message_id if isinstance(event, Answered | Held | Withdrawn) else None


def _outdone(event: ClockEvent, last: Mapping[UUID, ReplyEvent]) -> bool:
    reply = _reply(event)
    return reply is not None and last[reply] is not event


def _revision(event: ReplyEvent) -> tuple[int, tuple[datetime, int, str]]:
    return event.revision, in_order_of_occurrence(event)


def _is_nameless(event: ClockEvent) -> bool:
    """Recorded before replies were named; whose it is, only its moment says."""
    match event:
        case Answered(message_id=None, by_hand=False) | Held(message_id=None):
            return True
        case _:
            return False


def _superseded_moments(
    events: Sequence[ClockEvent],
    by_reply: Mapping[UUID, Sequence[ReplyEvent]],
) -> set[datetime]:
    """When those nameless replies were given of which the name or a later revision has come since.

    An answer of before is published again under its name. A withdrawal does not say when its reply
    was given: it is meant when only one can be.
    """
    moments = {as_utc(event.at) for event in events if _is_nameless(event)}
    superseded: set[datetime] = set()
    for said in by_reply.values():
        given = {as_utc(event.at) for event in said if not isinstance(event, Withdrawn)}
        if given:
            superseded |= given
        elif len(moments) == 1:
            superseded |= moments
    return superseded


def _reopened_moments(events: Sequence[ClockEvent], reopened: Sequence[datetime]) -> set[datetime]:
    """When those nameless answers were given that a reopening must have meant.

    It takes back what a desk decided. Where such a decision is known, it meant that one.
    """
    decided = [as_utc(event.at) for event in events if _is_of_a_desk(event)]
    taken_back = set()
    for event in events:
        if isinstance(event, Answered) and _is_nameless(event):
            at = as_utc(event.at)
            first = next((each for each in reopened if each >= at), None)
            if first is not None and not any(each <= first for each in decided):
                taken_back.add(at)
    return taken_back


def _is_of_a_desk(event: ClockEvent) -> bool:
    match event:
        case Answered(by_hand=True) | Cancelled(merged_into=None):
            return True
        case _:
            return False


def appealed_spans(events: Iterable[ClockEvent]) -> list[tuple[datetime, datetime]]:
    """From each decision of a desk that was appealed to its appeal."""
    return [(as_utc(each.at), each.until) for each in _suspensions(list(events))]


def _suspensions(events: Sequence[ClockEvent]) -> list[Paused]:
    """The pauses that appeals have left of what a desk had decided, in order.

    Of several decisions that one appeal takes back the clock had ended by the earliest.
    """
    found, since = [], None
    reopenings = (event for event in events if isinstance(event, Reopened))
    for reopened in sorted(reopenings, key=lambda event: (as_utc(event.at), bool(event.time_left))):
        until = as_utc(reopened.at)
        decided = [
            event
            for event in events
            if _is_of_a_desk(event)
            and as_utc(event.at) < until
            and (since is None or as_utc(event.at) > since)
        ]
        since = until
        first = min(decided, key=in_order_of_occurrence, default=None)
        if reopened.time_left and isinstance(first, Cancelled):
            reason = first.reason.replace("_", " ")
            found.append(Paused(first.at, until, f"dismissed ({reason}) until the appeal"))
    return found


def _suspended(events: list[ClockEvent], pauses: Sequence[Paused]) -> list[ClockEvent]:
    """With these pauses, and without what stopped the clock or let it run in the meantime.

    A holding reply in the meantime opened a target that stood still, too.
    """
    if not pauses:
        return events
    kept: list[ClockEvent] = []
    for event in events:
        pause = next((p for p in pauses if as_utc(p.at) <= as_utc(event.at) < p.until), None)
        if pause is not None and isinstance(event, Paused | Resumed):
            continue
        kept.append(event)
        if pause is not None and isinstance(event, Held):
            kept.append(Paused(event.at, pause.until, pause.reason))
    return [*kept, *pauses]


def _gone(event: ClockEvent, left: Mapping[UUID, datetime]) -> bool:
    match event:
        case WindowSet() | Resumed(cause=ResumeCause.CUSTOMER_WROTE):
            if event.message_id is None:
                return as_utc(event.at) in left.values()
            return event.message_id in left
        case _:
            return False
