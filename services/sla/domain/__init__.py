"""The rules of the promise: pure, without a clock, a database or a framework."""

from services.sla.domain.calendar import BusinessCalendar, Span, calendar_for
from services.sla.domain.errors import BeyondHorizonError, CalendarError
from services.sla.domain.holidays_source import Region
from services.sla.domain.hours import WEEKDAYS, Interval, Week
from services.sla.domain.ical import closures_from_ical
from services.sla.domain.rules import CalendarRules, Closure, Day, Override, Reason

__all__ = [
    "WEEKDAYS",
    "BeyondHorizonError",
    "BusinessCalendar",
    "CalendarError",
    "CalendarRules",
    "Closure",
    "Day",
    "Interval",
    "Override",
    "Reason",
    "Region",
    "Span",
    "Week",
    "calendar_for",
    "closures_from_ical",
]
