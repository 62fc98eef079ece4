"""Every order in which sla may hear the two topics ends in one clock, and in what its ToDo shows.

All orders of a story are told side by side, each to an inquiry of its own: the first fact of each
in one transaction, then the second. So hundreds of orders cost a few seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.sla.tables import sent_notices
from services.sla.timers.tick import tick_one
from shared.db import Read
from shared.events import Fact
from shared.events.catalogue import FACTS
from shared.events.todos import TodoReleased
from shared.runtime.ids import new_id
from tests.services.router import desk as router_desk
from tests.services.sla.desk import Inquiry, SlaBench, berlin, sla_bench, utc
from tests.support.clock import ManualClock
from tests.support.migrated import MigratedFiles

MON, TUE, WED, THU = (f"2026-03-0{day}" for day in (2, 3, 4, 5))
AFTERWARDS = berlin("2026-03-12 12:00")
Told = tuple[list[Fact], list[Fact]]
"""What intake told, and what the router told, each in its order."""


@dataclass(frozen=True, slots=True)
class Story:
    """`breached`: the targets of which a breach is true."""

    tell: Callable[[Inquiry], Told]
    state: str
    breached: tuple[str, ...] = ()


def _completed_before_the_hold_is_heard(it: Inquiry) -> Told:
    """The smallest in which a breach would be a lie."""
    return (
        [it.received(), it.held(berlin(f"{MON} 11:00"), berlin(f"{WED} 12:00"))],
        [it.todo_created("inbound"), it.completed(berlin(f"{WED} 11:00"))],
    )


def _answered_in_time_after_a_hold(it: Inquiry) -> Told:
    """Ends in the state that it would have had without the hold, but not with its due time."""
    return (
        [
            it.received(),
            it.held(berlin(f"{MON} 11:00"), berlin(f"{THU} 12:00")),
            it.answered(berlin(f"{TUE} 09:40")),
        ],
        [
            it.todo_created("inbound"),
            it.rerouted("inbound", "technical", berlin(f"{MON} 10:30")),
            it.claimed(berlin(f"{MON} 11:30")),
            it.completed(berlin(f"{TUE} 09:30")),
        ],
    )


def _classified_again(it: Inquiry) -> Told:
    reply, at = new_id(), berlin(f"{MON} 12:00")
    return (
        [
            it.received(),
            it.answered(at, reply),
            it.withdrawn(berlin(f"{MON} 13:00"), reply, revision=1),
            it.held(at, berlin(f"{WED} 12:00"), reply, revision=2),
        ],
        [
            it.todo_created("technical"),
            it.claimed(berlin(f"{MON} 10:20")),
            it.dismissed(berlin(f"{TUE} 16:00"), "no_answer_needed"),
            it.reopened(berlin(f"{WED} 15:00")),
        ],
    )


def _ended_by_everybody(it: Inquiry) -> Told:
    return (
        [
            it.received(),
            it.message_added(berlin(f"{MON} 10:30")),
            it.own_post_seen(berlin(f"{MON} 11:00")),
            it.closed(berlin(f"{TUE} 09:00"), "spam"),
        ],
        [
            it.todo_created("review"),
            it.claimed(berlin(f"{MON} 12:00"), "review"),
            _released(it),
            it.dismissed(berlin(f"{TUE} 09:30")),
            it.reopened(berlin(f"{TUE} 12:00")),
        ],
    )


def _answered_late(it: Inquiry) -> Told:
    return (
        [
            it.received(),
            it.message_added(berlin(f"{TUE} 11:00")),
            it.message_edited(berlin(f"{TUE} 11:30")),
            it.message_withdrawn(berlin(f"{TUE} 11:45")),
            it.answered(berlin(f"{WED} 09:30")),
        ],
        [it.todo_created("inbound"), it.completed(berlin(f"{WED} 09:31"), answer_id=new_id())],
    )


def _appealed(it: Inquiry) -> Told:
    """Of 24 hours 22 were left, until Wednesday at 13:00."""
    return (
        [
            it.received(),
            it.message_added(berlin(f"{TUE} 11:00")),
            it.answered(berlin(f"{WED} 12:30")),
        ],
        [
            it.todo_created("review"),
            it.dismissed(berlin(f"{MON} 12:00")),
            _appeal(it, f"{TUE} 15:00"),
            it.rerouted("review", "technical", berlin(f"{TUE} 16:00")),
        ],
    )


def _dismissed_again(it: Inquiry) -> Told:
    """Of 24 hours 22 were left, and 21 the second time: they ended on Wednesday at 11:00."""
    return (
        [it.received(), it.closed(berlin(f"{THU} 10:00"), "spam")],
        [
            it.todo_created("review"),
            it.dismissed(berlin(f"{MON} 12:00")),
            _appeal(it, f"{MON} 15:00"),
            it.dismissed(berlin(f"{MON} 16:00"), "spam"),
            _appeal(it, f"{TUE} 14:00"),
            it.dismissed(berlin(f"{WED} 16:00")),
        ],
    )


def _appeal(it: Inquiry, at: str) -> Fact:
    return it.reopened(berlin(at), "review").model_copy(update={"time_left": True})


def _released(it: Inquiry) -> TodoReleased:
    return TodoReleased(
        todo_id=it.todo_id, inquiry_id=it.id, conversation_id=it.conversation_id,
        released_at=berlin(f"{MON} 13:00"), released_by="carla",
    )  # fmt: skip


STORIES = {
    "completed before the hold is heard": Story(_completed_before_the_hold_is_heard, "met"),
    "answered in time after a hold": Story(_answered_in_time_after_a_hold, "met"),
    "classified again": Story(_classified_again, "breached", ("follow_up",)),
    "ended by everybody": Story(_ended_by_everybody, "breached", ("first_answer",)),
    "appealed, and answered in time": Story(_appealed, "met"),
    "dismissed again after each appeal": Story(_dismissed_again, "cancelled", ("first_answer",)),
    "answered late": Story(_answered_late, "met_late", ("first_answer",)),
}


@pytest.fixture
async def sla(migrated_files: MigratedFiles, tmp_path: Path) -> AsyncIterator[SlaBench]:
    url = await migrated_files.copy("sla", tmp_path / "sla.sqlite")
    async with sla_bench(url, tmp_path) as bench:
        yield bench


@pytest.fixture
async def router(migrated_files: MigratedFiles, tmp_path: Path) -> AsyncIterator[router_desk.Desk]:
    url = await migrated_files.copy("router", tmp_path / "router.sqlite")
    async with AsyncExitStack() as stack:
        clock = ManualClock(AFTERWARDS)
        yield await stack.enter_async_context(router_desk.opened(url, tmp_path / "router", clock))


def interleaved(first: Sequence[Fact], second: Sequence[Fact]) -> Iterator[list[Fact]]:
    """Every order in which each of the two keeps its own."""
    total = len(first) + len(second)
    for places in combinations(range(total), len(first)):
        one, other = iter(first), iter(second)
        yield [next(one) if place in places else next(other) for place in range(total)]


def orders_of(story: Story) -> list[tuple[Inquiry, list[Fact]]]:
    """Each order, told of an inquiry of its own."""
    count = len(list(interleaved(*story.tell(Inquiry()))))
    inquiries = [Inquiry() for _ in range(count)]
    return [
        (inquiry, list(interleaved(*story.tell(inquiry)))[number])
        for number, inquiry in enumerate(inquiries)
    ]


def moment(fact: Fact) -> datetime:
    """When it happened: before that moment the watermark is, as long as sla has not heard of it."""
    fields = type(fact).model_fields
    (name,) = [each for each in fields if each.endswith("_at") and each != "follow_up_at"]
    found: datetime = getattr(fact, name)
    return found


async def tick(sla: SlaBench, inquiry: Inquiry, ahead: Sequence[Fact]) -> None:
    """As when the watermark of this inquiry alone is before what sla has not heard of it yet."""
    due_until = min(moment(fact) for fact in ahead) - timedelta(seconds=1)
    now, write = sla.clock.now(), sla.service.database.write
    while await write(
        tick_one,
        inquiry_id=inquiry.id,
        policy_versions=sla.policy_versions,
        due_until=due_until,
        now=now,
    ):
        pass


@pytest.mark.parametrize("meanwhile", [False, True], ids=["at the end", "at each watermark"])
@pytest.mark.parametrize("name", STORIES)
async def test_every_order_ends_in_one_clock_and_one_todo(
    sla: SlaBench, router: router_desk.Desk, name: str, meanwhile: bool
) -> None:
    """Whether the timers tell what fell due at the end, or whenever the watermark has advanced."""
    story = STORIES[name]
    orders = orders_of(story)
    sla.clock.set(AFTERWARDS)
    for step in range(len(orders[0][1])):
        sla.clock.advance(timedelta(seconds=1))
        await sla.hears_together(*[order[step] for _, order in orders])
        for inquiry, order in orders if meanwhile else ():
            if ahead := order[step + 1 :]:
                await tick(sla, inquiry, ahead)
    await sla.tick()

    said = await sla.service.drain()
    received = [fact for _, order in orders for fact in order if fact.TYPE == "inquiry.received"]
    # Half of the ToDos are there when their clocks are told of, half come later.
    await router.hears_batch([router_desk.record_of(each) for each in received[::2]])
    await router.service.handle(said)
    await router.hears_batch([router_desk.record_of(each) for each in received[1::2]])

    ends = [await _end(sla, router, inquiry) for inquiry, _ in orders]
    assert all(end == ends[0] for end in ends)
    assert ends[0]["row"]["state"] == story.state
    assert ends[0]["breaches"] == sorted(story.breached)


async def _end(sla: SlaBench, router: router_desk.Desk, inquiry: Inquiry) -> dict[str, Any]:
    """The row, what was told of what fell due, the last that was told, and what the ToDo shows."""
    row = await sla.row(inquiry.id)
    published = await sla.published(inquiry.id)
    answer = [each for each in published if each["target"] != "hand_over"]
    last = {key: answer[-1][key] for key in ("state", "target", "due_at")}
    assert last == {
        "state": row["state"], "target": row["target"], "due_at": utc(row["due_at"]),
    }  # fmt: skip
    page = await router.get("/todos", inquiry_id=str(inquiry.id))
    (todo,) = page["items"]
    assert (todo["deadline"]["state"], todo["deadline"]["target"]) == (row["state"], row["target"])
    assert todo["due_at"] == utc(row["due_at"])
    return {
        "row": {key: value for key, value in row.items() if not key.endswith("_id")},
        "keys": await sla.service.database.read(_keys, inquiry),
        "breaches": sorted(each["target"] for each in published if "breached" in each["type"]),
        "last": last,
        "todo": (todo["deadline"]["warning"], todo["due_at"]),
    }


def _keys(tx: Read, inquiry: Inquiry) -> list[tuple[str, datetime]]:
    """The warnings and breaches that were told, without the name of the reply they follow."""
    rows = tx.rows(select(sent_notices).where(sent_notices.c.inquiry_id == inquiry.id))
    return sorted((row["key"].partition("::")[0], row["at"]) for row in rows)


def test_the_stories_have_every_fact_that_a_clock_may_hear() -> None:
    told_of = {
        fact.TYPE for story in STORIES.values() for topic in story.tell(Inquiry()) for fact in topic
    }
    assert told_of == {each.TYPE for each in FACTS if each.AGGREGATE in {"inquiries", "todos"}}
