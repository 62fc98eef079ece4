"""A slow reference that shares no idea with the calendar: it watches a wall clock tick.

The clock's face is the latest time the wall clock has shown: when clocks are set back, the face
waits, when they are set forward it jumps. An interval is open while the face lies in it.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from services.sla.businesstime.hours import Interval
from tests.unit.sla.strategies import Described

DAY_SECONDS = 86_400
MINUTE = timedelta(minutes=1)


@cache
def open_minutes(case: Described) -> tuple[datetime, list[bool]]:
    """From the first minute of the days around the focus: was each minute open?"""
    first = datetime.combine(case.around, time(0), UTC) - timedelta(days=2)
    moment = first - timedelta(days=1)
    face = moment.astimezone(case.zone).replace(tzinfo=None)
    answers = []
    for _ in range(5 * 1440):
        shown = moment.astimezone(case.zone).replace(tzinfo=None)
        face = max(face, shown)
        if moment >= first:
            answers.append(face_is_open(case, face))
        moment += MINUTE
    return first, answers


def face_is_open(case: Described, face: datetime) -> bool:
    today = face.date()
    seconds = face.hour * 3600 + face.minute * 60
    if any(hour.opens <= seconds < hour.closes for hour in hours(case, today)):
        return True
    if shut(case, today):
        return False
    late = seconds + DAY_SECONDS
    return any(hour.opens <= late < hour.closes for hour in hours(case, today - timedelta(days=1)))


def hours(case: Described, day: date) -> tuple[Interval, ...]:
    if day in case.dated:
        return case.dated[day]
    return () if day in case.closed else case.week[day.weekday()]


def shut(case: Described, day: date) -> bool:
    if day in case.dated:
        return not case.dated[day]
    return day in case.closed
