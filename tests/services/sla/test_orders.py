"""Facts of the two topics may come in any order: the clock ends up in the same state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import pytest

from shared.events import Fact
from shared.runtime.ids import new_id
from tests.services.sla.desk import Inquiry, SlaBench, berlin, utc

Story = Callable[[Inquiry], tuple[list[Fact], list[Fact]]]


def _answered(inquiry: Inquiry) -> tuple[list[Fact], list[Fact]]:
    return (
        [
            inquiry.received(),
            inquiry.message_added(berlin("2026-03-02 10:30")),
            inquiry.answered(berlin("2026-03-02 12:00")),
        ],
        [inquiry.todo_created("inbound"), inquiry.dismissed(berlin("2026-03-02 13:00"))],
    )


def _dismissed(inquiry: Inquiry) -> tuple[list[Fact], list[Fact]]:
    return (
        [inquiry.received(), inquiry.answered(berlin("2026-03-02 12:00"))],
        [
            inquiry.todo_created("review"),
            inquiry.rerouted("review", "inbound", berlin("2026-03-02 10:10")),
            inquiry.dismissed(berlin("2026-03-02 11:00")),
        ],
    )


def _held(inquiry: Inquiry) -> tuple[list[Fact], list[Fact]]:
    return (
        [
            inquiry.received(),
            inquiry.held(berlin("2026-03-02 11:00"), berlin("2026-03-04 12:00")),
            inquiry.answered(berlin("2026-03-05 12:00")),
        ],
        [inquiry.todo_created("technical")],
    )


def _completed_before_the_holding_reply_is_heard(
    inquiry: Inquiry,
) -> tuple[list[Fact], list[Fact]]:
    return (
        [
            inquiry.received(),
            inquiry.held(berlin("2026-03-02 11:00"), berlin("2026-03-04 12:00")),
        ],
        [inquiry.todo_created("inbound"), inquiry.completed(berlin("2026-03-04 11:00"))],
    )


def _reopened(inquiry: Inquiry) -> tuple[list[Fact], list[Fact]]:
    return (
        [
            inquiry.received(),
            inquiry.closed(berlin("2026-03-02 12:00"), "spam"),
            inquiry.answered(berlin("2026-03-05 12:00")),
        ],
        [
            inquiry.todo_created("technical"),
            inquiry.dismissed(berlin("2026-03-02 11:00")),
            inquiry.reopened(berlin("2026-03-04 12:00")),
        ],
    )


def _classified_again(inquiry: Inquiry) -> tuple[list[Fact], list[Fact]]:
    reply, at = new_id(), berlin("2026-03-02 12:00")
    return (
        [
            inquiry.received(),
            inquiry.answered(at, reply),
            inquiry.withdrawn(berlin("2026-03-02 13:00"), reply, revision=1),
            inquiry.held(at, None, reply, revision=2),
        ],
        [inquiry.todo_created("technical"), inquiry.completed(berlin("2026-03-03 11:00"))],
    )


def _merged(inquiry: Inquiry) -> tuple[list[Fact], list[Fact]]:
    older = Inquiry()
    return (
        [
            inquiry.received(),
            inquiry.closed(berlin("2026-03-02 12:00"), "duplicate", merged_into=older.id),
        ],
        [
            inquiry.todo_created("technical"),
            inquiry.completed(berlin("2026-03-02 13:00")),
            inquiry.reopened(berlin("2026-03-02 14:00")),
        ],
    )


def _interleaved(first: Sequence[Fact], second: Sequence[Fact]) -> Iterator[list[Fact]]:
    """Every order in which each of the two keeps its own."""
    total = len(first) + len(second)
    for places in combinations(range(total), len(first)):
        one, other = iter(first), iter(second)
        yield [next(one) if place in places else next(other) for place in range(total)]


@pytest.mark.parametrize(
    ("story", "ending", "told"),
    [
        (_answered, "met", "deadline.met"),
        (_dismissed, "cancelled", "deadline.cancelled"),
        (_held, "met_late", "deadline.met"),
        (_completed_before_the_holding_reply_is_heard, "met", "deadline.met"),
        (_reopened, "met_late", "deadline.met"),
        (_classified_again, "met", "deadline.met"),
        (_merged, "cancelled", "deadline.cancelled"),
    ],
)
async def test_every_order_ends_the_same(
    bench: SlaBench, story: Story, ending: str, told: str
) -> None:
    """One row, the same breaches, and a last word that says how the clock stands."""
    bench.clock.set(berlin("2026-03-06 12:00"))
    rows = []
    orders = _interleaved(*story(Inquiry()))
    for number, _ in enumerate(orders):
        inquiry = Inquiry()
        order = list(_interleaved(*story(inquiry)))[number]
        await bench.hears(*order)
        await bench.tick()
        row = await bench.row(inquiry.id)
        assert row["state"] == ending
        published = await bench.story(inquiry.id)
        assert published[0] == "started"
        assert published.count("started") == 1
        last = (await bench.published(inquiry.id))[-1]
        assert (last["type"], last["state"], last["target"]) == (told, ending, row["target"])
        assert last["due_at"] == utc(row["due_at"])
        breaches = published.count("breached")
        assert breaches == (row["breached_at"] is not None)
        ours = {k: v for k, v in row.items() if not k.endswith("_id") and k != "merged_into"}
        rows.append(ours | {"breaches": breaches, "merged": row["merged_into"] is not None})
    assert len(rows) > 3
    assert all(row == rows[0] for row in rows)


async def test_a_dismissal_before_the_inquiry_is_kept(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.dismissed(berlin("2026-03-02 10:05")))
    assert (await bench.row(inquiry.id))["state"] == "awaited"
    assert await bench.published() == []
    answer = await bench.http.get(f"/sla/v1/deadlines/{inquiry.id}")
    assert answer.status_code == 404
    await bench.hears(inquiry.received())
    assert await bench.story(inquiry.id) == ["started", "cancelled"]


async def test_best_effort_inquiries_take_early_facts_too(bench: SlaBench) -> None:
    inquiry = Inquiry(channel="pinterest")
    await bench.hears(
        inquiry.todo_created("inbound"),
        inquiry.dismissed(berlin("2026-03-02 10:05"), "spam"),
        inquiry.received(),
    )
    row = await bench.row(inquiry.id)
    assert (row["state"], row["desk"], row["cancel_reason"]) == ("best_effort", "inbound", "spam")
    assert await bench.published() == []
