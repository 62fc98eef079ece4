"""The shipped desk.toml is the published policy, word by word."""

from __future__ import annotations

from datetime import timedelta

from shared.policy import (
    Counting,
    OpeningInterval,
    ServiceLevel,
    WarnLevel,
    known_hashtags,
    load_policy,
)

POLICY = load_policy()


def test_channels() -> None:
    levels = {name: channel.service_level for name, channel in POLICY.channels.items()}
    promised = ["facebook", "instagram", "x", "linkedin"]
    promised += ["mastodon", "email", "web_form", "hotline"]
    best_effort = ["youtube", "slideshare", "flickr", "pinterest"]
    assert levels == dict.fromkeys(promised, ServiceLevel.PROMISED) | dict.fromkeys(
        best_effort, ServiceLevel.BEST_EFFORT
    )
    direct = {name: each.desk for name, each in POLICY.channels.items() if each.desk}
    assert direct == {"hotline": "technical"}


def test_desks() -> None:
    assert list(POLICY.desks) == ["technical", "inbound", "review"]
    assert POLICY.desks["technical"].title.en == "Technical support hotline"


def test_calendar() -> None:
    calendar = POLICY.calendar
    nine_to_five = (OpeningInterval(9 * 60, 17 * 60),)
    assert calendar.timezone == "Europe/Berlin"
    assert calendar.hours.days() == (nine_to_five,) * 5 + ((), ())
    assert calendar.holidays is not None
    assert (calendar.holidays.country, calendar.holidays.subdivision) == ("DE", "BE")
    assert (calendar.closures, calendar.overrides, calendar.ical_file) == ((), (), None)


def test_promise() -> None:
    (promise,) = POLICY.promises
    assert promise.counting is Counting.WORKING_DAYS
    assert promise.first_answer == timedelta(hours=24)
    assert promise.warn == (WarnLevel(percent=75), WarnLevel(before=timedelta(hours=1)))
    assert promise.pause_bound == timedelta(days=14)
    assert promise.match.by_channel_only
    assert promise.match.channels == ()


def test_hashtags_and_retention() -> None:
    known = known_hashtags(POLICY.hashtags)
    assert known.company == {"infopark"}
    assert known.events == {"clouddevcamp": True, "iico": True, "ipfriends": True}
    assert POLICY.retention.log_days == 14
