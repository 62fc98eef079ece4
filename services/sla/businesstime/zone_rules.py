"""What a time zone's rules are, as far as clocks can depend on them."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

from services.sla.businesstime.instants import ZERO, change_between

_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def zone_digest(name: str, first: date, end: date) -> str:
    """The same as long as clocks in that zone are changed at the same moments by the same amounts.

    Of the dates from `first` until `end`. It does not depend on how the zone's file is written.
    """
    zone = ZoneInfo(name)
    moment, stop = (datetime.combine(day, time(), UTC) for day in (first, end))
    offset = moment.astimezone(zone).utcoffset() or ZERO
    changes = [f"{offset}"]
    while moment < stop:
        following = moment + _ONE_DAY
        then = following.astimezone(zone).utcoffset() or ZERO
        if then != offset:
            changes.append(f"{change_between(zone, moment, following)} {then}")
        moment, offset = following, then
    return sha256("\n".join(changes).encode()).hexdigest()[:32]
