"""The customer appeals against a dismissal: the clock goes on with the time that was left."""

from __future__ import annotations

from itertools import permutations

import pytest

from shared.events import Fact
from shared.events.todos import TodoReopened
from tests.services.sla.desk import Inquiry, SlaBench, berlin, utc

MON, TUE, WED, THU = (f"2026-03-0{day}" for day in range(2, 6))
MARCH = {"from": "2026-03-01T00:00:00+01:00", "to": "2026-04-01T00:00:00+02:00"}


def appealed(inquiry: Inquiry, at: str, desk: str = "review") -> TodoReopened:
    return inquiry.reopened(berlin(at), desk).model_copy(update={"time_left": True})


async def test_the_clock_stands_still_from_the_dismissal_to_the_appeal(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.todo_created("review"))
    await bench.hears(inquiry.dismissed(berlin(f"{MON} 12:00")))
    assert (await bench.row(inquiry.id))["state"] == "cancelled"
    bench.clock.set(berlin(f"{WED} 12:00"))
    await bench.tick()
    assert "breached" not in await bench.story(inquiry.id)
    bench.clock.set(berlin(f"{WED} 15:00"))
    await bench.hears(appealed(inquiry, f"{WED} 15:00"))
    row = await bench.row(inquiry.id)
    assert (row["state"], row["due_at"]) == ("running", berlin(f"{THU} 13:00"))
    moved = (await bench.published(inquiry.id))[-1]
    assert (moved["type"], moved["cause"], moved["state"]) == (
        "deadline.moved", "reopened", "running",
    )  # fmt: skip
    assert moved["due_at"] == utc(berlin(f"{THU} 13:00"))
    shown = await bench.get(f"deadlines/{inquiry.id}")
    assert [(each["fact"], each["detail"]) for each in shown["history"]] == [
        ("started", "answer"),
        ("cancelled", "netiquette"),
        ("reopened", "an appeal: it goes on with the time that was left"),
    ]
    why = await bench.get(f"deadlines/{inquiry.id}/explanation")
    (target,) = why["targets"]
    (still,) = [span for span in target["intervals"] if span["reason"] == "paused"]
    assert still["name"] == "dismissed (netiquette) until the appeal"
    assert (still["start"], still["end"]) == (
        utc(berlin(f"{MON} 12:00")), utc(berlin(f"{WED} 15:00")),
    )  # fmt: skip
    bench.clock.set(berlin(f"{THU} 13:01"))
    await bench.tick()
    breached = (await bench.published(inquiry.id))[-1]
    assert (breached["type"], breached["at"]) == ("deadline.breached", utc(row["due_at"]))


@pytest.mark.parametrize("last", ["appealed", "dismissed", "answered"])
async def test_in_any_order_of_arrival_and_twice(bench: SlaBench, last: str) -> None:
    first = Inquiry()
    bench.clock.set(berlin(f"{WED} 09:00"))
    stands = None
    for order in list(permutations(range(4)))[::3]:
        inquiry = Inquiry(contact_id=first.contact_id)
        facts: list[Fact] = [
            inquiry.received(),
            inquiry.dismissed(berlin(f"{MON} 12:00")),
            appealed(inquiry, f"{MON} 15:00"),
            inquiry.dismissed(berlin(f"{MON} 16:00"), "spam"),
        ]
        if last == "appealed":
            facts.append(appealed(inquiry, f"{TUE} 14:00"))
        if last == "answered":
            facts[3] = inquiry.answered(berlin(f"{TUE} 12:30"))
        told = [facts[place] for place in order] + facts[4:]
        await bench.hears(*told, *told)
        row = await bench.row(inquiry.id)
        seen = {name: row[name] for name in ("state", "due_at", "breached_at", "answered_at")}
        stands = stands or seen
        assert seen == stands, order
    assert stands is not None
    expected = {
        "appealed": ("running", berlin(f"{WED} 11:00")),
        "dismissed": ("cancelled", berlin(f"{TUE} 13:00")),
        "answered": ("met", berlin(f"{TUE} 13:00")),
    }
    assert (stands["state"], stands["due_at"]) == expected[last]


async def test_an_appeal_in_the_report_is_an_open_inquiry(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.dismissed(berlin(f"{MON} 12:00")))
    (before,) = (await bench.get("reports/promise", **MARCH))["lines"]
    assert (before["cancelled"], before["open"]) == ({"netiquette": 1}, 0)
    await bench.hears(appealed(inquiry, f"{MON} 15:00"))
    (after,) = (await bench.get("reports/promise", **MARCH))["lines"]
    assert (after["cancelled"], after["open"]) == ({}, 1)
