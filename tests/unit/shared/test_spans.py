"""The weeks that a report's span has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.errors import InvalidError
from shared.web.spans import MOST_WEEKS, Asked, Week, span_of, weeks_of

BERLIN = ZoneInfo("Europe/Berlin")


def test_the_first_and_the_last_week_are_cut_to_the_span() -> None:
    start, end = span_of(Asked(None, "2026-10-24", "2026-10-26"), BERLIN)
    changed = datetime(2026, 10, 25, 23, tzinfo=UTC)  # Monday, after an hour that came twice
    assert weeks_of(start, end, BERLIN) == [
        Week(date(2026, 10, 19), datetime(2026, 10, 23, 22, tzinfo=UTC), changed),
        Week(date(2026, 10, 26), changed, changed + timedelta(days=1)),
    ]


def test_a_week_has_its_number_of_its_own_year() -> None:
    start, end = span_of(Asked("2026-W53", None, None), BERLIN)
    (week,) = weeks_of(start, end, BERLIN)
    assert (week.name, week.monday) == ("2026-W53", date(2026, 12, 28))


def test_each_year_fits_into_a_report() -> None:
    longest = max(
        len(weeks_of(*span_of(Asked(None, f"{year}-01-01", f"{year}-12-31"), BERLIN), BERLIN))
        for year in range(1990, 2100)
    )
    assert longest == MOST_WEEKS


def test_a_span_of_more_weeks_is_refused() -> None:
    start, end = span_of(Asked(None, "1990-01-01", "2099-12-31"), BERLIN)
    with pytest.raises(InvalidError, match="to is too late"):
        weeks_of(start, end, BERLIN)
