"""Until when the timers may tell what fell due."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.sla.timers.word import Word

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Said:
    def __init__(self) -> None:
        self.by: dict[str, datetime] = {}
        self.heard = True

    async def __call__(self) -> Mapping[str, datetime]:
        return self.by

    async def listens(self) -> bool:
        return self.heard

    def word(self) -> Word:
        return Word(self, listens=self.listens, patience_seconds=60)


async def test_both_must_have_said_so_and_the_earlier_counts() -> None:
    said = Said()
    word = said.word()
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
    assert await said.word().until(NOW, 0) == NOW


async def test_a_clock_that_is_ahead_waits_for_those_of_the_others() -> None:
    said = Said()
    word = said.word()
    for seconds in range(0, 600, 10):  # they go on saying so, so patience never ends
        true = NOW + timedelta(seconds=seconds)
        said.by = dict.fromkeys(("intake", "router"), true)
        assert await word.until(true + timedelta(days=1), seconds) == true


async def waits(word: Word, now: datetime, first: int, last: int) -> datetime | None:
    """Asked again and again, as the timers do while something is due."""
    found = None
    for seconds in range(first, last + 1):
        found = await word.until(now, seconds)
    return found


async def test_who_is_silent_is_not_waited_for_longer_than_patience() -> None:
    said = Said()
    word = said.word()
    said.by = {"intake": NOW}
    assert await waits(word, NOW, 0, 30) is None
    said.by = {"intake": NOW + MINUTE}
    assert await waits(word, NOW + MINUTE, 31, 60) is None
    assert await word.until(NOW + MINUTE, 61) == NOW + MINUTE
    # It speaks again: it is waited for again.
    said.by = {"intake": NOW + 2 * MINUTE, "router": NOW}
    assert await word.until(NOW + 2 * MINUTE, 62) == NOW
    assert await waits(word, NOW + 2 * MINUTE, 63, 122) == NOW
    assert await word.until(NOW + 2 * MINUTE, 123) == NOW + 2 * MINUTE


async def test_nobody_is_silent_while_nothing_can_be_heard() -> None:
    """After an outage of the bus there is time again to say what waited there."""
    said = Said()
    word = said.word()
    said.by = dict.fromkeys(("intake", "router"), NOW)
    later = NOW + 60 * MINUTE
    said.heard = False
    assert await waits(word, later, 0, 3600) == NOW
    said.heard = True
    assert await waits(word, later, 3601, 3660) == NOW
    assert await word.until(later, 3661) == later


async def test_who_did_not_ask_for_long_waits_anew() -> None:
    said = Said()
    word = said.word()
    said.by = dict.fromkeys(("intake", "router"), NOW)
    later = NOW + 60 * MINUTE
    assert await waits(word, later, 0, 10) == NOW
    assert await word.until(later, 3600) == NOW
    assert await waits(word, later, 3601, 3660) == NOW
    assert await word.until(later, 3661) == later


async def test_a_word_may_be_taken_back_by_a_clock_that_was_set() -> None:
    said = Said()
    word = said.word()
    said.by = dict.fromkeys(("intake", "router"), NOW + 60 * MINUTE)
    assert await word.until(NOW, 0) == NOW
    said.by = dict.fromkeys(("intake", "router"), NOW - MINUTE)
    assert await word.until(NOW, 1) == NOW - MINUTE
