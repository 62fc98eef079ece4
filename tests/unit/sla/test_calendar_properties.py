"""What ties the functions of the calendar together, on random calendars."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.sla.businesstime.errors import BeyondHorizonError
from tests.unit.sla.builders import HOUR, berlin
from tests.unit.sla.reference import open_minutes
from tests.unit.sla.strategies import Described, described, instants, spans

MINUTE = timedelta(minutes=1)


def spent(case: Described, start: datetime, budget: timedelta) -> datetime | None:
    """The end of the budget, or None when a sparse calendar runs out of its year first."""
    try:
        return case.calendar.add(start, budget)
    except BeyondHorizonError:
        return None


@given(described(), instants(), spans())
def test_elapsed_undoes_add(case: Described, start: datetime, budget: timedelta) -> None:
    end = spent(case, start, budget)
    if end is not None:
        assert case.calendar.elapsed(start, end) == budget


@given(described(), instants(), spans())
def test_elapsed_undoes_subtract(case: Described, end: datetime, budget: timedelta) -> None:
    try:
        start = case.calendar.subtract(end, budget)
    except BeyondHorizonError:
        return
    assert case.calendar.elapsed(start, end) == budget


@given(described(), instants(), spans())
def test_add_lands_on_the_earliest_instant(
    case: Described, start: datetime, budget: timedelta
) -> None:
    end = spent(case, start, budget)
    if end is not None and budget:
        assert case.calendar.elapsed(start, end - timedelta(microseconds=1)) < budget


@given(described(), instants(), spans())
def test_subtract_lands_on_the_latest_instant(
    case: Described, end: datetime, budget: timedelta
) -> None:
    try:
        start = case.calendar.subtract(end, budget)
    except BeyondHorizonError:
        return
    if budget:
        assert case.calendar.elapsed(start + timedelta(microseconds=1), end) < budget
        assert case.calendar.is_open(start)


@given(described(), instants(), spans(), spans())
def test_add_is_additive(
    case: Described, start: datetime, first: timedelta, second: timedelta
) -> None:
    end = spent(case, start, first + second)
    if end is not None:
        assert case.calendar.add(case.calendar.add(start, first), second) == end


@given(described(), instants(), spans(), spans())
def test_add_is_monotone_in_start_and_budget(
    case: Described, start: datetime, budget: timedelta, more: timedelta
) -> None:
    end = spent(case, start, budget)
    longer = spent(case, start, budget + more)
    later = spent(case, start.astimezone(UTC) + more, budget)
    assert end is not None or (longer is None and later is None)
    if end is not None:
        assert longer is None or end <= longer
        assert later is None or end <= later


@given(described(), st.lists(instants(), min_size=3, max_size=3))
def test_elapsed_is_additive_and_reversible(case: Described, moments: list[datetime]) -> None:
    first, middle, last = moments
    whole = case.calendar.elapsed(first, last)
    assert case.calendar.elapsed(first, middle) + case.calendar.elapsed(middle, last) == whole
    assert case.calendar.elapsed(last, first) == -whole


@given(described(), instants(), spans(timedelta(days=4)))
def test_segments_are_the_elapsed_time(case: Described, start: datetime, span: timedelta) -> None:
    begin = start.astimezone(UTC)
    end = begin + span
    pieces = case.calendar.segments(begin, end)
    assert sum((b - a for a, b in pieces), timedelta()) == case.calendar.elapsed(begin, end)
    assert all(a < b for a, b in pieces)
    assert all(b < a for (_, b), (a, _) in pairwise(pieces))


@given(described(), instants(), instants())
def test_is_open_agrees_with_segments(case: Described, start: datetime, moment: datetime) -> None:
    low, high = sorted((start.astimezone(UTC), moment.astimezone(UTC)))
    pieces = case.calendar.segments(low, high + MINUTE)
    for instant in (low, high):
        assert case.calendar.is_open(instant) == any(a <= instant < b for a, b in pieces)


@given(described(), instants())
def test_next_and_last_open_are_the_nearest(case: Described, instant: datetime) -> None:
    # Python never calls a repeated wall-clock time equal to a time of another zone.
    moment = instant.astimezone(UTC)
    try:
        following, previous = case.calendar.next_open(moment), case.calendar.last_open(moment)
    except BeyondHorizonError:
        return
    assert case.calendar.is_open(following)
    assert case.calendar.elapsed(moment, following) == timedelta(0)
    assert case.calendar.elapsed(previous, moment) == timedelta(0)
    assert previous <= moment <= following
    assert (following == moment) == case.calendar.is_open(moment)


@given(described(), instants(), spans(timedelta(days=6)))
def test_explanations_leave_no_gap(case: Described, start: datetime, span: timedelta) -> None:
    begin = start.astimezone(UTC)
    end = begin + span
    for explained, open_time in (
        (case.calendar.explain(begin, end), case.calendar.elapsed(begin, end)),
        (case.calendar.explain_days(begin, end), None),
    ):
        edges = [begin, *(piece.end for piece in explained)]
        assert [piece.start for piece in explained] == edges[:-1]
        assert edges[-1] == end
        counted = sum((p.end - p.start for p in explained if p.counted), timedelta())
        assert open_time is None or counted == open_time


@given(described(), instants(), spans(), st.sampled_from(["Asia/Tokyo", "America/St_Johns"]))
def test_the_zone_of_an_argument_does_not_matter(
    case: Described, start: datetime, budget: timedelta, name: str
) -> None:
    elsewhere = start.astimezone(ZoneInfo(name))
    assert spent(case, start, budget) == spent(case, elsewhere, budget)
    assert case.calendar.is_open(start) == case.calendar.is_open(elsewhere)


@given(instants(), st.integers(0, 60))
def test_hours_away_from_the_clock_change_never_feel_it(start: datetime, days: int) -> None:
    """Nine to five has eight hours on each working day, whatever the clocks did that week."""
    calendar = berlin(years=(2024, 2028))
    opening = calendar.next_open(start)
    shifted = calendar.add(opening, days * 8 * HOUR)
    local_start, local_end = (t.astimezone(ZoneInfo("Europe/Berlin")) for t in (opening, shifted))
    closing = local_end.hour == 17 and local_start.time().isoformat() == "09:00:00"
    assert closing or local_end.time() == local_start.time()


@given(described(), st.integers(0, 5760 - 90))
def test_every_minute_agrees_with_the_reference(case: Described, offset: int) -> None:
    first, every = open_minutes(case)
    start, wanted = first + offset * MINUTE, every[offset : offset + 90]
    assert [case.calendar.is_open(start + index * MINUTE) for index in range(90)] == wanted
    assert case.calendar.elapsed(start, start + 90 * MINUTE) == sum(wanted) * MINUTE


@given(described(), st.integers(0, 4000), st.integers(1, 3000))
def test_add_agrees_with_walking_the_minutes(case: Described, offset: int, budget: int) -> None:
    first, wanted = open_minutes(case)
    start = min(offset, len(wanted) - 1)
    walked = [index for index in range(start, len(wanted)) if wanted[index]][:budget]
    if len(walked) == budget:
        end = first + (walked[-1] + 1) * MINUTE
        assert case.calendar.add(first + start * MINUTE, budget * MINUTE) == end
