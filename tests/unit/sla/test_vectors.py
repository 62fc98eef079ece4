"""Vectors taken from the test suites of other projects.

Where another project follows another convention, the contract decides: the test names the
convention and shows our own result.
"""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from services.sla.businesstime.calendar import BusinessCalendar, calendar_for
from services.sla.businesstime.hours import Interval, Week
from services.sla.businesstime.instants import DAY_SECONDS
from services.sla.businesstime.rules import CalendarRules, Closure, Override
from tests.unit.sla.builders import WEEKDAYS

VECTORS: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "data" / "business_time_vectors.json").read_text("utf-8")
)
AGREEING = [vector for vector in VECTORS if vector["agrees_with_naive"]]
DIFFERING = [vector for vector in VECTORS if not vector["agrees_with_naive"]]


def calendar_of(vector: dict[str, Any]) -> BusinessCalendar:
    week = Week(tuple(intervals(vector["hours"].get(day, ())) for day in WEEKDAYS))
    dated = {
        date.fromisoformat(day): [*intervals(hours)]
        for day, hours in vector.get("shifts", {}).items()
    }
    holidays = [date.fromisoformat(day) for day in vector["holidays"]]
    for day, breaks in vector.get("breaks", {}).items():
        when = date.fromisoformat(day)
        hours = () if when in holidays else week.days[when.weekday()]
        dated[when] = without([*hours], intervals(breaks))
    year = int(vector["start"][:4])
    rules = CalendarRules(
        vector["tz"],
        week,
        closures=tuple(Closure(day, day, "holiday") for day in holidays),
        overrides=tuple(Override(day, tuple(hours)) for day, hours in dated.items()),
    )
    return calendar_for(rules, year - 1, year + 1)


def intervals(written: Iterable[tuple[str, str]]) -> tuple[Interval, ...]:
    """As those projects write them: an end that is not after the beginning is the next day's."""
    seconds = [(_seconds(opens), _seconds(closes)) for opens, closes in written]
    return tuple(sorted(Interval(a, b if b > a else b + DAY_SECONDS) for a, b in seconds))


def _seconds(clock: str) -> int:
    hours, minutes, *rest = (int(part) for part in clock.split(":"))
    return hours * 3600 + minutes * 60 + sum(rest)


def without(hours: list[Interval], breaks: Iterable[Interval]) -> list[Interval]:
    for pause in breaks:
        hours = [
            Interval(opens, closes)
            for hour in hours
            for opens, closes in (
                (hour.opens, min(hour.closes, pause.opens)),
                (max(hour.opens, pause.closes), hour.closes),
            )
            if opens < closes
        ]
    return hours


def answer(vector: dict[str, Any]) -> object:
    calendar = calendar_of(vector)
    start = datetime.fromisoformat(vector["start"])
    match vector["kind"]:
        case "add":
            return calendar.add(start, timedelta(seconds=vector["amount_seconds"]))
        case "subtract":
            return calendar.subtract(start, timedelta(seconds=vector["amount_seconds"]))
        case "elapsed":
            return calendar.elapsed(start, datetime.fromisoformat(vector["end"]))
        case "is_open":
            return calendar.is_open(start)
    raise AssertionError(vector["kind"])


def expected(vector: dict[str, Any], value: Any) -> object:
    match vector["kind"]:
        case "add" | "subtract":
            return datetime.fromisoformat(value).astimezone(UTC)
        case "elapsed":
            return timedelta(seconds=value)
    return value


def test_every_vector_is_used() -> None:
    assert (len(AGREEING), len(DIFFERING)) == (151, 14)


@pytest.mark.parametrize("vector", AGREEING, ids=lambda vector: vector["id"])
def test_agreeing_vector(vector: dict[str, Any]) -> None:
    assert answer(vector) == expected(vector, vector["expected"])


@pytest.mark.parametrize(
    "vector", DIFFERING, ids=lambda vector: f"{vector['id']}-{vector['disagreement']}"
)
def test_differing_vector_follows_our_convention(vector: dict[str, Any]) -> None:
    match vector["disagreement"]:
        case "zero_rolls_forward" | "zero_rolls_back":  # ours: a zero budget is the identity
            assert answer(vector) == expected(vector, vector["start"])
        case "reversed_negative":  # ours too: a reversed span is negative
            assert answer(vector) == expected(vector, vector["expected"])
        case "reversed_absolute":  # ours: a reversed span is negative
            assert answer(vector) == -timedelta(seconds=vector["expected"])
        case "close_inclusive":  # ours: half open, the closing instant is closed
            assert answer(vector) is False
        case other:
            raise AssertionError(other)
