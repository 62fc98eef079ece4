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

from services.sla.businesstime.errors import CalendarError

DAY_SECONDS: Final = 86_400

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ZERO: Final = timedelta()
TICK: Final = timedelta(microseconds=1)
"""The shortest time that two moments can be apart."""

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
    face = datetime.fromordinal(ordinal).replace(
        hour=rest // 3600, minute=rest // 60 % 60, second=rest % 60, tzinfo=zone
    )
    shown = timedelta(days=ordinal - _EPOCH_ORDINAL, seconds=rest)
    before, after = _offset(face), _offset(face.replace(fold=1))
    if after > before:
        early, late = shown - after, shown - before
        return timedelta(seconds=_jump(zone, _seconds(early), _seconds(late)))
    return shown - before


def change_between(zone: ZoneInfo, early: datetime, late: datetime) -> int:
    """The second since 1970 from which on the offset of `late` holds."""
    return _jump(zone, _seconds(early - EPOCH), _seconds(late - EPOCH))


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or ZERO


def _seconds(moment: timedelta) -> int:
    return moment.days * DAY_SECONDS + moment.seconds


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
