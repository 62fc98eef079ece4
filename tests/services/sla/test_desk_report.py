"""Which desk answered, which had an inquiry for how long, and where a promise was broken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.sla.reports import desks
from services.sla.reports.desks import Stay, stays_of
from tests.services.sla.desk import Inquiry, SlaBench, berlin

MON, TUE, WED = (f"2026-03-0{day}" for day in (2, 3, 4))
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}
HOUR = 3600


async def shares(bench: SlaBench) -> dict[str, dict[str, Any]]:
    report = await bench.get("reports/desks", **MARCH)
    assert report["timezone"] == "Europe/Berlin"
    return {line.pop("desk"): line for line in report["desks"]}


async def test_both_desks_have_their_share_of_what_was_handed_over(bench: SlaBench) -> None:
    stayed, moved, late = Inquiry(), Inquiry(), Inquiry()
    for each in (stayed, moved, late):
        await bench.hears(each.received(), each.todo_created("technical"))
    await bench.hears(
        stayed.answered(berlin(f"{MON} 12:00")),
        # Two opening hours here, then six there over the evening, and back for one.
        moved.rerouted("technical", "inbound", berlin(f"{MON} 12:00")),
        moved.rerouted("inbound", "technical", berlin(f"{TUE} 10:00")),
        moved.answered(berlin(f"{TUE} 11:00")),
        late.rerouted("technical", "inbound", berlin(f"{TUE} 09:30")),
        late.completed(berlin(f"{WED} 09:30")),
    )
    # `moved` became late on Tuesday at 10:00, when it had come back; `late` at the inbound desk.
    bench.clock.set(berlin(f"{WED} 12:00"))
    await bench.tick()
    found = await shares(bench)
    assert found["technical"] == {
        "inquiries": 3,
        "answered": 2,
        "held_seconds": (2 + 2 + 1) * HOUR + 7 * HOUR + HOUR // 2,
        "held_percent": 47.1,
        "handed_over_to": 1,
        "handed_over_from": 2,
        "missed": 1,
    }
    assert found["inbound"] == {
        "inquiries": 2,
        "answered": 1,
        "held_seconds": 6 * HOUR + 7 * HOUR + HOUR,
        "held_percent": 52.8,
        "handed_over_to": 2,
        "handed_over_from": 1,
        "missed": 1,
    }


async def test_what_is_heard_twice_or_late_counts_once(bench: SlaBench) -> None:
    inquiry = Inquiry()
    moved = inquiry.rerouted("technical", "inbound", berlin(f"{MON} 12:00"))
    answered = inquiry.answered(berlin(f"{MON} 14:00"))
    await bench.hears(answered, moved, inquiry.received(), inquiry.todo_created("technical"))
    first = await shares(bench)
    await bench.hears(moved, answered, inquiry.received())
    assert await shares(bench) == first
    assert (first["inbound"]["answered"], first["inbound"]["held_seconds"]) == (1, 2 * HOUR)
    assert (first["technical"]["answered"], first["technical"]["held_seconds"]) == (0, 2 * HOUR)


async def test_any_number_of_them_is_read_in_pages(bench: SlaBench, monkeypatch: Any) -> None:
    monkeypatch.setattr(desks, "AT_ONCE", 2)
    inquiries = [Inquiry() for _ in range(5)]
    for each in inquiries:
        await bench.hears(
            each.received(), each.rerouted("technical", "inbound", berlin(f"{MON} 12:00"))
        )
    found = await shares(bench)
    assert (found["inbound"]["inquiries"], found["technical"]["handed_over_from"]) == (5, 5)
    assert found["inbound"]["held_percent"] is None


async def test_what_nobody_has_yet_and_what_has_no_promise(bench: SlaBench) -> None:
    await bench.hears(Inquiry().received(), Inquiry(channel="youtube").received())
    report = await bench.get("reports/desks", **MARCH)
    assert [(line["desk"], line["inquiries"]) for line in report["desks"]] == [(None, 1)]
    answer = await bench.request("GET", "reports/desks", params={"week": "never"})
    assert answer.status_code == 422


def test_stays_follow_the_moves_in_whatever_order() -> None:
    noon, hour = berlin(f"{MON} 12:00"), timedelta(hours=1)
    moves = [(noon + hour, "b", "c"), (noon, "a", "b")]
    stays = stays_of(noon - hour, moves)
    assert stays == [
        Stay("a", noon - hour, noon),
        Stay("b", noon, noon + hour),
        Stay("c", noon + hour, None),
    ]
    # A clock of another host may be behind: nothing is moved before it was received.
    assert stays_of(noon, [(noon - hour, "a", "b")]) == [
        Stay("a", noon, noon),
        Stay("b", noon, None),
    ]
