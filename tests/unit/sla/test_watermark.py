"""Until when the timers may tell what fell due."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from services.sla.timers.watermark import ALLOWED_LATENESS, Watermark
from shared.bus.port import BusUnavailableError, Partition, Progress

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE, TWO = Partition("inquiries", 0), Partition("inquiries", 1)
IN = {ONE: Progress(9, 9)}


class World:
    """What intake and the router have published, and how far it is consumed."""

    def __init__(self) -> None:
        self.published: dict[str, datetime] = {}
        self.offsets: Mapping[Partition, Progress] | None = IN
        self.away = False
        self.seconds = 0.0
        self.on_asked: Mapping[str, datetime] = {}

    def all_have_published(self, until: datetime) -> None:
        self.published = dict.fromkeys(("intake", "router"), until + ALLOWED_LATENESS)

    async def newest(self) -> Mapping[str, datetime]:
        return self.published

    async def look(self) -> Mapping[Partition, Progress] | None:
        if self.away:
            raise BusUnavailableError("gone")
        return self.offsets

    def watermark(self) -> Watermark:
        return Watermark(
            self.newest, offsets=self.look, idle_seconds=60, seconds=lambda: self.seconds
        )


async def waits(
    world: World, mark: Watermark, now: datetime, first: int, last: int
) -> datetime | None:
    """Asked again and again, as the timers do while something is due."""
    found = None
    for seconds in range(first, last + 1):
        world.seconds = seconds
        found = await mark.safe_until(now)
    return found


async def test_both_must_have_published_and_the_earlier_counts() -> None:
    world = World()
    mark = world.watermark()
    assert await mark.safe_until(NOW) is None
    assert set(mark.missing) == {"intake", "router"}
    world.published["intake"] = NOW - MINUTE
    assert await mark.safe_until(NOW) is None
    assert set(mark.missing) == {"router"}
    world.published["router"] = NOW - 2 * MINUTE
    assert await mark.safe_until(NOW) == NOW - 2 * MINUTE - ALLOWED_LATENESS
    assert not mark.missing


async def test_progress_beyond_now_is_none_about_what_is_to_come() -> None:
    world = World()
    world.all_have_published(NOW + MINUTE)
    assert await world.watermark().safe_until(NOW) == NOW


async def test_a_clock_that_is_ahead_waits_for_those_of_the_others() -> None:
    world = World()
    mark = world.watermark()
    for seconds in range(0, 600, 10):  # they go on, so they never are idle
        world.seconds = seconds
        true = NOW + timedelta(seconds=seconds)
        world.all_have_published(true)
        assert await mark.safe_until(true + timedelta(days=1)) == true


async def test_facts_that_are_on_the_bus_are_waited_for() -> None:
    world = World()
    mark = world.watermark()
    world.all_have_published(NOW)
    for offsets in (
        None,
        {},
        {ONE: Progress(5, 9), TWO: Progress(7, 7)},
        {ONE: Progress(8, 20), TWO: Progress(7, 30)},
        {ONE: Progress(20, 20)},
    ):
        world.offsets = offsets
        assert await mark.safe_until(NOW) is None
    assert mark.consuming
    # The other partition is consumed later on; it had nothing at the first look.
    world.offsets = {ONE: Progress(9, 20), TWO: Progress(7, 30)}
    assert await mark.safe_until(NOW) == NOW
    assert not mark.consuming


async def test_what_was_safe_stays_safe_while_newer_facts_are_consumed() -> None:
    world = World()
    mark = world.watermark()
    world.all_have_published(NOW)
    assert await mark.safe_until(NOW) == NOW
    world.all_have_published(NOW + MINUTE)
    world.offsets = {ONE: Progress(9, 10)}
    assert await mark.safe_until(NOW + MINUTE) == NOW
    # Progress that is published meanwhile says nothing of the facts before the offsets of then.
    world.all_have_published(NOW + 2 * MINUTE)
    world.offsets = {ONE: Progress(10, 11)}
    assert await mark.safe_until(NOW + 2 * MINUTE) == NOW + MINUTE
    world.offsets = {ONE: Progress(11, 11)}
    assert await mark.safe_until(NOW + 2 * MINUTE) == NOW + 2 * MINUTE


async def test_the_offsets_are_asked_for_after_the_progress() -> None:
    """A fact and then progress may be published between the two questions."""
    world = World()
    world.all_have_published(NOW - MINUTE)
    order: list[str] = []

    async def newest() -> Mapping[str, datetime]:
        order.append("progress")
        return world.published

    async def look() -> Mapping[Partition, Progress]:
        order.append("offsets")
        return IN

    await Watermark(newest, offsets=look, idle_seconds=60).safe_until(NOW)
    assert order == ["progress", "offsets"]


async def test_who_is_idle_is_not_waited_for_longer_than_the_timeout() -> None:
    world = World()
    mark = world.watermark()
    world.published = {"intake": NOW + ALLOWED_LATENESS}
    assert await waits(world, mark, NOW, 0, 30) is None
    world.published = {"intake": NOW + MINUTE + ALLOWED_LATENESS}
    assert await waits(world, mark, NOW + MINUTE, 31, 60) is None
    with capture_logs() as lines:
        assert await waits(world, mark, NOW + MINUTE, 61, 63) == NOW + MINUTE
    assert [(line["event"], line["of"]) for line in lines] == [("timers.source_silent", "router")]
    # It goes on: it is waited for again.
    world.published = {
        "intake": NOW + 2 * MINUTE + ALLOWED_LATENESS,
        "router": NOW + ALLOWED_LATENESS,
    }
    assert await waits(world, mark, NOW + 2 * MINUTE, 64, 123) == NOW
    assert await waits(world, mark, NOW + 2 * MINUTE, 124, 125) == NOW + 2 * MINUTE


async def test_nobody_is_idle_while_nothing_can_arrive() -> None:
    """After an outage of the bus there is time again to say what waited there."""
    world = World()
    mark = world.watermark()
    world.all_have_published(NOW)
    later = NOW + 60 * MINUTE
    assert await mark.safe_until(later) == NOW
    world.away = True
    assert await waits(world, mark, later, 1, 3600) == NOW
    world.away = False
    assert await waits(world, mark, later, 3601, 3660) == NOW
    assert await waits(world, mark, later, 3661, 3662) == later


async def test_who_did_not_ask_for_long_waits_anew() -> None:
    world = World()
    mark = world.watermark()
    world.all_have_published(NOW)
    later = NOW + 60 * MINUTE
    assert await waits(world, mark, later, 0, 10) == NOW
    assert await waits(world, mark, later, 3600, 3660) == NOW
    assert await waits(world, mark, later, 3661, 3662) == later


async def test_progress_may_be_taken_back_by_a_clock_that_was_set() -> None:
    world = World()
    mark = world.watermark()
    world.all_have_published(NOW + 60 * MINUTE)
    assert await mark.safe_until(NOW) == NOW
    world.all_have_published(NOW - MINUTE)
    assert await mark.safe_until(NOW) == NOW - MINUTE


async def test_a_clock_that_was_ahead_meanwhile_makes_nothing_safe_early() -> None:
    world = World()
    mark = world.watermark()
    world.all_have_published(NOW + 9 * MINUTE)
    world.offsets = {ONE: Progress(8, 9)}
    assert await mark.safe_until(NOW + 9 * MINUTE) is None
    assert await mark.safe_until(NOW) is None
    world.offsets = IN
    assert await mark.safe_until(NOW + 9 * MINUTE) == NOW


async def test_who_tells_what_does_not_count_is_not_idle() -> None:
    """As where this machine's clock was ahead when it started: all progress seems to be older."""
    world = World()
    mark = world.watermark()
    for seconds in range(200):
        world.seconds = seconds
        for source in ("intake", "router"):
            mark.alive(source)
        assert await mark.safe_until(NOW) is None
    assert set(mark.missing) == {"intake", "router"}
