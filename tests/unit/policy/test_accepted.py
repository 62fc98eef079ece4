"""What a policy may say beyond the shipped one."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.router.deciding.policy import direct_addresses
from shared.policy import Closure, OpeningInterval, Policy, WarnLevel, parse_policy
from tests.unit.policy.raw import shipped


def with_hours(**hours: list[str]) -> Policy:
    raw = shipped()
    raw["calendar"]["hours"] = hours
    return parse_policy(raw)


def test_around_the_clock_and_touching_intervals() -> None:
    policy = with_hours(monday=["00:00-24:00"], tuesday=["00:00-12:00", "12:00-24:00"])
    assert policy.calendar.hours.monday == (OpeningInterval(0, 1440),)
    assert [str(each) for each in policy.calendar.hours.tuesday] == ["00:00-12:00", "12:00-24:00"]


def test_nights_may_touch_the_next_morning_also_over_the_end_of_the_week() -> None:
    policy = with_hours(sunday=["22:00-06:00+1"], monday=["06:00-12:00"])
    assert policy.calendar.hours.sunday == (OpeningInterval(22 * 60, 30 * 60),)
    assert str(policy.calendar.hours.sunday[0]) == "22:00-06:00+1"


def test_closures_have_two_days_included() -> None:
    raw = shipped()
    first, last = date(2026, 12, 28), date(2026, 12, 30)
    raw["calendar"]["closures"] = [{"from": first, "to": last, "name": "Betriebsferien"}]
    (closure,) = parse_policy(raw).calendar.closures
    assert isinstance(closure, Closure)
    assert (closure.first_day, closure.last_day) == (first, last)


@pytest.mark.parametrize(
    ("channel", "text", "hashtags", "desk"),
    [
        ("hotline", "@events", [], "technical"),
        ("x", "hallo @Events_Team.", ["hilfe"], "events"),
        ("x", "@niemand @events_team", [], "events"),
        ("x", "mail@events_team @hilfe", [], None),
        ("x", "kaputt", ["iico", "hilfe"], "technical"),
        ("x", "kaputt", ["iico"], None),
    ],
)
def test_direct_addresses(channel: str, text: str, hashtags: list[str], desk: str | None) -> None:
    raw = shipped()
    raw["desks"]["technical"]["hashtags"] = ["#Hilfe"]
    title = {"de": "Veranstaltungen", "en": "Events"}
    raw["desks"]["events"] = {"title": title, "handles": ["@Events_Team"]}
    assert direct_addresses(parse_policy(raw)).desk(channel, text, hashtags) == desk


def test_a_promise_for_a_few_beside_the_one_for_all() -> None:
    raw = shipped()
    match: dict[str, Any] = {"channels": ["x"], "hashtags": ["iico", "iico2026"]}
    raw["promises"].append({"name": "iico", "first_answer": "2h", "match": match})
    policy = parse_policy(raw, folder=Path("/"))
    assert policy.promises[1].match.hashtags == ("iico", "iico2026")
    assert not policy.promises[1].match.by_channel_only


def test_a_policy_cannot_be_changed() -> None:
    policy = parse_policy(shipped())
    with pytest.raises(TypeError):
        policy.channels["new"] = policy.channels["x"]  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        policy.retention.log_days = 3


@pytest.mark.parametrize(
    ("target", "warn", "expected"),
    [
        ("24h", None, (WarnLevel(percent=75), WarnLevel(before=timedelta(hours=1)))),
        ("1h", None, (WarnLevel(percent=75),)),
        ("24h", [], ()),
        ("24h", ["50%"], (WarnLevel(percent=50),)),
    ],
)
def test_warnings_that_are_left_out_are_the_usual_two(
    target: str, warn: list[str] | None, expected: tuple[WarnLevel, ...]
) -> None:
    raw = shipped()
    promise = raw["promises"][0] | {"first_answer": target}
    del promise["warn"]
    raw["promises"] = [promise if warn is None else promise | {"warn": warn}]
    policy = parse_policy(raw)
    assert policy.promises[0].warn == expected
    again = Policy.model_validate_json(policy.model_dump_json(by_alias=True))
    assert again.promises == policy.promises
