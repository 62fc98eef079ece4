"""The border between aware datetimes and the moments inside.

Inside, a moment is the timedelta since 1970-01-01 UTC: exact to the microsecond, and cheaper to
come by, to compare and to turn back into a datetime than an integer would be. A wall-clock time
becomes a moment here and nowhere else:

- a time that does not exist (spring) means the instant at which the clock jumps over it;
- a time that exists twice (autumn) means its first occurrence.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.sla.domain.errors import CalendarError

DAY_SECONDS: Final = 86_400

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ZERO: Final = timedelta()

_EPOCH_ORDINAL: Final = EPOCH.toordinal()


def since_epoch(instant: datetime) -> timedelta:
    """The moment of an aware datetime; CalendarError for one without a zone."""
    try:
        return instant - EPOCH
    except TypeError:
        raise zoneless(instant) from None


def zoneless(instant: datetime) -> CalendarError:
    """The error for a datetime without a zone."""
    return CalendarError(
        f"{instant!r} has no time zone: pass an aware datetime, for example in UTC"
    )


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC; CalendarError for a datetime without a zone."""
    if instant.utcoffset() is None:
        raise zoneless(instant)
    return instant.astimezone(UTC)


def wall_clock(zone: ZoneInfo, day: date, seconds: int) -> timedelta:
    """The moment at which clocks in `zone` first reach a time of `day`.

    `seconds` counts from local midnight by the clock's face and may exceed one day.
    """
    days, rest = divmod(seconds, DAY_SECONDS)
    ordinal = day.toordinal() + days
    face = datetime.fromordinal(ordinal) + timedelta(seconds=rest)
    before = _offset(face.replace(tzinfo=zone))
    after = _offset(face.replace(tzinfo=zone, fold=1))
    face_seconds = (ordinal - _EPOCH_ORDINAL) * DAY_SECONDS + rest
    if after > before:
        return timedelta(seconds=_jump(zone, face_seconds - after, face_seconds - before))
    return timedelta(seconds=face_seconds - before)


def _offset(moment: datetime) -> int:
    offset = moment.utcoffset()
    return 0 if offset is None else offset.days * DAY_SECONDS + offset.seconds


def _jump(zone: ZoneInfo, early: int, late: int) -> int:
    """The second in (early, late] from which on the later offset holds."""
    target = _offset(datetime.fromtimestamp(late, zone))
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(datetime.fromtimestamp(middle, zone)) == target:
            late = middle
        else:
            early = middle
    return late
