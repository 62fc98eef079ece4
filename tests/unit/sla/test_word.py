"""Until when the timers may tell what fell due."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.sla.timers.word import Word

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Said:
    def __init__(self) -> None:
        self.by: dict[str, datetime] = {}

    async def __call__(self) -> Mapping[str, datetime]:
        return self.by


async def test_both_must_have_said_so_and_the_earlier_counts() -> None:
    said = Said()
    word = Word(said, patience_seconds=60)
    assert await word.until(NOW, 0) is None
    assert set(word.missing) == {"intake", "router"}
    said.by["intake"] = NOW - MINUTE
    assert await word.until(NOW, 1) is None
    assert set(word.missing) == {"router"}
    said.by["router"] = NOW - 2 * MINUTE
    assert await word.until(NOW, 2) == NOW - 2 * MINUTE
    assert not word.missing


async def test_a_word_beyond_now_is_none_about_what_is_to_come() -> None:
    said = Said()
    said.by = dict.fromkeys(("intake", "router"), NOW + MINUTE)
    assert await Word(said, patience_seconds=60).until(NOW, 0) == NOW


async def test_a_clock_that_is_ahead_waits_for_those_of_the_others() -> None:
    said = Said()
    word = Word(said, patience_seconds=60)
    for seconds in range(0, 600, 10):  # they go on saying so, so patience never ends
        true = NOW + timedelta(seconds=seconds)
        said.by = dict.fromkeys(("intake", "router"), true)
        assert await word.until(true + timedelta(days=1), seconds) == true


async def test_who_is_silent_is_not_waited_for_longer_than_patience() -> None:
    said = Said()
    word = Word(said, patience_seconds=60)
    said.by = {"intake": NOW}
    assert await word.until(NOW, 0) is None
    said.by = {"intake": NOW + MINUTE}
    assert await word.until(NOW + MINUTE, 60) is None
    assert await word.until(NOW + MINUTE, 61) == NOW + MINUTE
    # It speaks again: it is waited for again.
    said.by = {"intake": NOW + 2 * MINUTE, "router": NOW}
    assert await word.until(NOW + 2 * MINUTE, 62) == NOW
    assert await word.until(NOW + 5 * MINUTE, 200) == NOW + 5 * MINUTE
