"""The token bucket: so many at once, so many on average, each name for itself."""

from __future__ import annotations

import random

import pytest

from shared.web.notes import noting
from shared.web.problems import RefusedError
from shared.web.rates import UNLIMITED, Rate, Rates


class Time:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def _told(rates: Rates, name: str = "anna") -> tuple[str, str]:
    """The fields of the answer to a request that passes."""
    with noting() as noted:
        rates.take(name)
    fields = dict(noted.answer_headers)
    return fields[b"ratelimit-policy"].decode(), fields[b"ratelimit"].decode()


def _refused(rates: Rates, name: str = "anna") -> tuple[str, str]:
    with noting() as noted, pytest.raises(RefusedError) as refused:
        rates.take(name)
    assert (refused.value.status, refused.value.code) == (429, "too-many-requests")
    return dict(noted.answer_headers)[b"ratelimit"].decode(), refused.value.headers["Retry-After"]


def test_what_is_left_is_told(time: Time) -> None:
    rates = Rates("key", Rate(2, 5), seconds=time)
    assert _told(rates) == ('"key";q=5;w=3', '"key";r=4;t=1')
    assert [_told(rates)[1] for _ in range(4)][-1] == '"key";r=0;t=3'
    assert _refused(rates) == ('"key";r=0;t=1', "1")


def test_it_comes_back_with_time_and_no_more_than_all_of_it(time: Time) -> None:
    rates = Rates("key", Rate(0.1, 2), seconds=time)
    _told(rates)
    _told(rates)
    assert _refused(rates)[1] == "10"
    time.now += 9
    assert _refused(rates)[1] == "1"
    time.now += 1
    _told(rates)
    assert _refused(rates)[1] == "10"
    time.now += 1000
    assert _told(rates)[1] == '"key";r=1;t=10'


def test_each_name_has_its_own(time: Time) -> None:
    rates = Rates("channel", Rate(1, 1), seconds=time)
    _told(rates, "facebook")
    _refused(rates, "facebook")
    _told(rates, "email")


def test_no_limit_tells_nothing(time: Time) -> None:
    with noting() as noted:
        for _ in range(3):
            Rates("key", UNLIMITED, seconds=time).take("anna")
    assert noted.answer_headers == []


def test_over_any_time_no_more_than_the_burst_and_the_average_pass(time: Time) -> None:
    rates = Rates("key", Rate(7, 20), seconds=time)
    chance = random.Random(1)
    passed, began = 0, time.now
    for _ in range(5000):
        time.now += chance.choice([0, 0, 0, 0.01, 0.5])
        try:
            rates.take("anna")
        except RefusedError:
            continue
        passed += 1
        assert passed <= 20 + 7 * (time.now - began) + 1e-6
    assert passed > 7 * (time.now - began) * 0.9


def test_of_too_many_names_the_one_that_asked_longest_ago_is_forgotten(time: Time) -> None:
    rates = Rates("address", Rate(0.1, 1), most=2, seconds=time)
    for name in ("anna", "bert"):
        _told(rates, name)
    _refused(rates, "anna")
    _told(rates, "cora")
    _refused(rates, "anna")
    _told(rates, "bert")
