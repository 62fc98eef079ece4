"""How many times faster than well-known packages, measured side by side in one run.

Prints ratios only: absolute times say more about the machine than about the code. Run it with
`python -m bench.business_time` after `pip install '.[bench]'`.
"""

import warnings
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from statistics import median
from timeit import Timer
from zoneinfo import ZoneInfo

import businesstimedelta  # type: ignore[import-untyped]
import pytz  # type: ignore[import-untyped]

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.holidays_source import Region
from tests.unit.sla.builders import NINE_TO_FIVE, calendar_rules

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from business_duration import businessDuration  # type: ignore[import-untyped]

BERLIN = ZoneInfo("Europe/Berlin")
OLD_BERLIN = pytz.timezone("Europe/Berlin")  # businesstimedelta calls its localize method
START = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
FIVE_DAYS = START + timedelta(days=5)
FIVE_YEARS = START.replace(year=2031)
ROUNDS = 9


def main() -> None:
    rules = calendar_rules("Europe/Berlin", NINE_TO_FIVE, region=Region("DE", "BE", "de"))
    ours = BusinessCalendar.build(rules, 2026, 2031)
    names = dict(ours.almanac.holidays)
    day, long = timedelta(hours=24), timedelta(hours=8 * 1200)

    workdays = businesstimedelta.WorkDayRule(
        start_time=time(9), end_time=time(17), working_days=[0, 1, 2, 3, 4], tz=OLD_BERLIN
    )
    theirs = businesstimedelta.Rules(
        [workdays, businesstimedelta.HolidayRule(names, tz=OLD_BERLIN)]
    )
    budget = businesstimedelta.BusinessTimeDelta(theirs, hours=24)
    assert START + budget == ours.add(START, day)
    local_start, local_end = _naive(START), _naive(FIVE_DAYS)

    def duration() -> object:
        return businessDuration(
            local_start, local_end, time(9), time(17), holidaylist=names, unit="sec"
        )

    assert duration() == ours.elapsed(START, FIVE_DAYS).total_seconds()

    _print(
        "add 24 business hours vs businesstimedelta",
        300,
        lambda: START + budget,
        lambda: ours.add(START, day),
    )
    _print(
        "elapsed over 5 days vs business-duration",
        30,
        duration,
        lambda: ours.elapsed(START, FIVE_DAYS),
    )
    spans = _ratio(lambda: ours.elapsed(START, FIVE_YEARS), lambda: ours.elapsed(START, FIVE_DAYS))
    print(f"{'cost of 5 years vs 5 days (elapsed)':46} {spans:8.2f} times, target at most 2")
    steps = _ratio(lambda: ours.add(START, long), lambda: ours.add(START, day))
    print(f"{'cost of 1200 working days vs 3 (add)':46} {steps:8.2f} times, target at most 2")


def _print(what: str, target: int, slow: Callable[[], object], fast: Callable[[], object]) -> None:
    print(f"{what:46} {_ratio(slow, fast):8.0f} times, target at least {target}")


def _ratio(slow: Callable[[], object], fast: Callable[[], object]) -> float:
    """Median of interleaved rounds, so that a busy machine disturbs both sides alike."""
    timers = Timer(slow), Timer(fast)
    counts = [max(1, timer.autorange()[0] // 10) for timer in timers]
    rounds = []
    for _ in range(ROUNDS):
        slow_time, fast_time = (
            timer.timeit(count) / count for timer, count in zip(timers, counts, strict=True)
        )
        rounds.append(slow_time / fast_time)
    return median(rounds)


def _naive(instant: datetime) -> datetime:
    """business-duration knows no zones: it gets the wall clock of Berlin."""
    return instant.astimezone(BERLIN).replace(tzinfo=None)


if __name__ == "__main__":
    main()
