"""The rules of the promise: pure, without a clock, a database or a framework.

Read in this order: `calendar` (business time), `counting` and `promise` (when is it due and why),
`facts`, `clock` and `notices` (what happened to an inquiry and what is owed).
"""

from services.sla.domain.calendar import BusinessCalendar, Span, calendar_for
from services.sla.domain.clock import ClockState, move, recounted, start, state
from services.sla.domain.clock_explanation import clock_explanations
from services.sla.domain.counting import Counting
from services.sla.domain.delivery import PERSISTENCE, Attempt, Audience, next_attempt
from services.sla.domain.errors import BeyondHorizonError, CalendarError
from services.sla.domain.facts import (
    Answered,
    Assigned,
    Cancelled,
    CancelReason,
    Fact,
    FactError,
    Held,
    Moved,
    Paused,
    ResumeCause,
    Resumed,
    Started,
    TakenOver,
    WindowSet,
)
from services.sla.domain.hand_over import TECHNICAL_DESK
from services.sla.domain.holidays_source import Region
from services.sla.domain.hours import WEEKDAYS, Interval, Week
from services.sla.domain.notices import (
    Agenda,
    Notice,
    NoticeKey,
    NoticeKind,
    agenda_of,
    first_look,
    pending_notices,
)
from services.sla.domain.promise import (
    DEFAULT_WARNINGS,
    BeforeEnd,
    Choice,
    Explanation,
    Match,
    Promise,
    PromiseError,
    SpentShare,
    Subject,
    TargetKind,
    choose,
    due,
    explanation,
    follow_up_due,
    hand_over_due,
)
from services.sla.domain.rules import CalendarRules, Closure, Day, Override, Reason
from services.sla.domain.target import Pause, Phase, Stretch, Target

__all__ = [
    "DEFAULT_WARNINGS",
    "PERSISTENCE",
    "TECHNICAL_DESK",
    "WEEKDAYS",
    "Agenda",
    "Answered",
    "Assigned",
    "Attempt",
    "Audience",
    "BeforeEnd",
    "BeyondHorizonError",
    "BusinessCalendar",
    "CalendarError",
    "CalendarRules",
    "CancelReason",
    "Cancelled",
    "Choice",
    "ClockState",
    "Closure",
    "Counting",
    "Day",
    "Explanation",
    "Fact",
    "FactError",
    "Held",
    "Interval",
    "Match",
    "Moved",
    "Notice",
    "NoticeKey",
    "NoticeKind",
    "Override",
    "Pause",
    "Paused",
    "Phase",
    "Promise",
    "PromiseError",
    "Reason",
    "Region",
    "ResumeCause",
    "Resumed",
    "Span",
    "SpentShare",
    "Started",
    "Stretch",
    "Subject",
    "TakenOver",
    "Target",
    "TargetKind",
    "Week",
    "WindowSet",
    "agenda_of",
    "calendar_for",
    "choose",
    "clock_explanations",
    "due",
    "explanation",
    "first_look",
    "follow_up_due",
    "hand_over_due",
    "move",
    "next_attempt",
    "pending_notices",
    "recounted",
    "start",
    "state",
]
