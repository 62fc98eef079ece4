"""How an inquiry without a clock ended: pure."""

from __future__ import annotations

from collections.abc import Iterable

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.clocks.events import Answered, Cancelled, ClockEvent, in_order_of_occurrence
from services.sla.clocks.standing import merged_into, standing
from services.sla.deadlines.project import answer_seconds
from services.sla.deadlines.store.deadlines import Columns, DeadlineRow


def best_effort_end(
    row: DeadlineRow, events: Iterable[ClockEvent], calendar: BusinessCalendar
) -> Columns:
    """The row's columns by the earliest end that stands, all of them null without one.

    The answer's opening time is counted by `calendar`.
    """
    ends = [event for event in standing(events) if isinstance(event, Answered | Cancelled)]
    columns: Columns = dict.fromkeys(
        ("answered_at", "cancelled_at", "cancel_reason", "answer_business_seconds",
         "answer_wall_seconds")
    )  # fmt: skip
    columns["merged_into"] = merged_into(ends)
    match min(ends, key=in_order_of_occurrence, default=None):
        case Answered(at) if row.received_at is not None:
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
