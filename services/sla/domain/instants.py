"""The border between aware datetimes and the integers inside.

Inside, an instant is a whole number of microseconds since 1970-01-01 UTC, so arithmetic is exact
and comparison is cheap. A wall-clock time becomes an instant here and nowhere else:

- a time that does not exist (spring) means the instant at which the clock jumps over it;
- a time that exists twice (autumn) means its first occurrence.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.sla.domain.errors import CalendarError

DAY_SECONDS: Final = 86_400
MICROSECONDS: Final = 1_000_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = _EPOCH.toordinal()


def to_microseconds(instant: datetime) -> int:
    """Microseconds since the epoch; CalendarError for a datetime without a zone."""
    try:
        since = instant - _EPOCH
    except TypeError:
        raise CalendarError(
            f"{instant!r} has no time zone: pass an aware datetime, for example in UTC"
        ) from None
    return (since.days * DAY_SECONDS + since.seconds) * MICROSECONDS + since.microseconds


def from_microseconds(instant: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


def span_microseconds(span: timedelta) -> int:
    """A duration as whole microseconds, exactly."""
    return (span.days * DAY_SECONDS + span.seconds) * MICROSECONDS + span.microseconds


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC; CalendarError for a datetime without a zone."""
    if instant.utcoffset() is None:
        raise CalendarError(
            f"{instant!r} has no time zone: pass an aware datetime, for example in UTC"
        )
    return instant.astimezone(UTC)


def wall_clock(zone: ZoneInfo, day: date, seconds: int) -> int:
    """The instant, in microseconds, at which clocks in `zone` first reach a time of `day`.

    `seconds` counts from local midnight by the clock's face and may exceed one day.
    """
    days, rest = divmod(seconds, DAY_SECONDS)
    ordinal = day.toordinal() + days
    face = datetime.fromordinal(ordinal) + timedelta(seconds=rest)
    before = _offset(face.replace(tzinfo=zone))
    after = _offset(face.replace(tzinfo=zone, fold=1))
    since_epoch = (ordinal - _EPOCH_ORDINAL) * DAY_SECONDS + rest
    if after > before:
        return _jump(zone, since_epoch - after, since_epoch - before) * MICROSECONDS
    return (since_epoch - before) * MICROSECONDS


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
