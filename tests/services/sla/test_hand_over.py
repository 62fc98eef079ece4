"""The hand-over to the technical desk: from the facts of the router to events and reports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.sla.previews.simulate import simulate
from shared.policy import Policy, load_policy, parse_policy
from tests.services.sla.desk import Inquiry, SlaBench, berlin, sla_bench, utc
from tests.services.sla.test_policy import apply_policy
from tests.unit.policy.raw import shipped

TEN, NOON = berlin("2026-03-02 10:00"), berlin("2026-03-02 12:00")
MARCH = {"from": "2026-03-01T00:00:00+01:00", "to": "2026-04-01T00:00:00+02:00"}


def policy(hand_over: str = "2h") -> Policy:
    """The shipped policy, counted in opening hours, with a hand-over."""
    raw: dict[str, Any] = shipped()
    raw["promises"][0] |= {
        "counting": "opening-hours",
        "first_answer": "8h",
        "hand_over": hand_over,
    }
    return parse_policy(raw)


@pytest.fixture
async def bench(database_url: str, tmp_path: Path) -> AsyncIterator[SlaBench]:
    async with sla_bench(database_url, tmp_path, policy=policy()) as made:
        yield made


async def hand_over(bench: SlaBench, inquiry: Inquiry) -> tuple[str, str] | None:
    """State and due time of the hand-over; the list and the single deadline say the same."""
    detail = (await bench.get(f"deadlines/{inquiry.id}"))["hand_over"]
    listed = {each["inquiry_id"]: each for each in (await bench.get("deadlines"))["items"]}
    assert listed[str(inquiry.id)]["hand_over"] == detail
    return detail and (detail["state"], detail["due_at"])


async def told(bench: SlaBench, inquiry: Inquiry) -> list[str]:
    """What was published of the hand-over, in order."""
    return [
        each["type"].removeprefix("deadline.") + (f" {each['level']}" if "level" in each else "")
        for each in await bench.published(inquiry.id)
        if each["target"] == "hand_over"
    ]


async def test_it_is_warned_of_breached_and_met_late_beside_the_answer(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.todo_created("technical"))
    assert await hand_over(bench, inquiry) == ("running", utc(NOON))
    assert (await bench.row(inquiry.id))["state"] == "running"
    for time in ("11:00", "11:30", "12:00:01", "12:30"):
        bench.clock.set(berlin(f"2026-03-02 {time}"))
        await bench.tick()
    assert await hand_over(bench, inquiry) == ("breached", utc(NOON))
    await bench.hears(inquiry.claimed(bench.clock.now()))
    expected = ["started", "warning 1h before end", "warning 75%", "breached", "met"]
    assert await told(bench, inquiry) == expected
    shown = await bench.get(f"deadlines/{inquiry.id}")
    assert (shown["state"], shown["due_at"]) == ("running", utc(berlin("2026-03-03 10:00")))
    assert (shown["breached_at"], shown["hand_over"]["state"]) == (None, "met_late")
    assert shown["hand_over"]["taken_over_at"] == utc(bench.clock.now())
    assert [(each["number"], each["target"]) for each in shown["targets"]] == [
        (1, "first_answer"),
        (0, "hand_over"),
    ]
    assert [(each["fact"], each["detail"]) for each in shown["history"]] == [
        ("started", "answer"),
        ("assigned", "technical"),
        ("warned", "1h before end"),
        ("warned", "75%"),
        ("breached", "hand_over"),
        ("taken_over", None),
        ("met_late", "hand_over"),
    ]


async def test_its_breach_shows_before_the_timers_look(bench: SlaBench) -> None:
    late, early = Inquiry(), Inquiry(received_at=berlin("2026-03-02 11:30"))
    for each in (late, early):
        await bench.hears(each.received(), each.todo_created("technical"))
    bench.clock.set(berlin("2026-03-02 12:30"))
    assert await hand_over(bench, late) == ("breached", utc(NOON))
    for state, which in (("breached", late), ("running", early)):
        found = (await bench.get("deadlines", hand_over=state))["items"]
        assert [each["inquiry_id"] for each in found] == [str(which.id)]


async def test_only_the_technical_desk_takes_over(bench: SlaBench) -> None:
    inquiry, other = Inquiry(), Inquiry()
    await bench.hears(inquiry.received(), inquiry.todo_created("inbound"))
    await bench.hears(inquiry.claimed(TEN, "inbound"))
    assert await hand_over(bench, inquiry) is None
    await bench.hears(inquiry.rerouted("inbound", "technical", berlin("2026-03-02 11:30")))
    assert await hand_over(bench, inquiry) == ("running", utc(NOON))
    await bench.hears(inquiry.rerouted("technical", "inbound", berlin("2026-03-02 11:40")))
    assert await hand_over(bench, inquiry) == ("cancelled", utc(NOON))
    cancelled = (await bench.published(inquiry.id))[-1]
    assert (cancelled["type"], cancelled["reason"]) == ("deadline.cancelled", "rerouted")
    await bench.hears(other.received(), other.todo_created("technical"))
    await bench.hears(other.claimed(berlin("2026-03-02 10:30")))
    assert await told(bench, other) == ["started", "met"]


async def test_the_hotline_and_what_comes_early_are_owed_like_the_rest(bench: SlaBench) -> None:
    hotline, early = Inquiry(channel="hotline"), Inquiry()
    await bench.hears(hotline.received(), hotline.todo_created("technical"))
    await bench.hears(early.todo_created("technical"), early.received())
    for each in (hotline, early):
        assert await hand_over(bench, each) == ("running", utc(NOON))
        assert await told(bench, each) == ["started"]


async def test_the_answer_ends_it_and_so_does_the_decision_that_none_is_owed(
    bench: SlaBench,
) -> None:
    answered, dismissed = Inquiry(), Inquiry()
    for each in (answered, dismissed):
        await bench.hears(each.received(), each.todo_created("technical"))
    await bench.hears(answered.answered(berlin("2026-03-02 11:00")))
    await bench.hears(dismissed.dismissed(berlin("2026-03-02 11:00")))
    assert await told(bench, answered) == ["started", "met"]
    assert await told(bench, dismissed) == ["started", "cancelled"]
    bench.clock.set(berlin("2026-03-02 15:00"))
    await bench.tick()
    assert await told(bench, answered) == ["started", "met"]


async def test_it_stands_still_with_the_clock(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.todo_created("technical"))
    bench.clock.set(berlin("2026-03-02 11:00"))
    await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "asked"})
    assert (await hand_over(bench, inquiry) or ("",))[0] == "paused"
    bench.clock.set(berlin("2026-03-02 14:00"))
    await bench.post(f"deadlines/{inquiry.id}/resume")
    assert await hand_over(bench, inquiry) == ("running", utc(berlin("2026-03-02 15:00")))
    assert await told(bench, inquiry) == ["started", "moved", "moved"]
    explained = await bench.get(f"deadlines/{inquiry.id}/explanation")
    _, why = explained["targets"]
    assert (why["target"], why["counted_seconds"]) == ("hand_over", 7200)
    assert [each["reason"] for each in why["intervals"]] == ["open", "paused", "open"]


async def test_a_best_effort_inquiry_owes_none(bench: SlaBench) -> None:
    inquiry = Inquiry(channel="youtube")
    await bench.hears(inquiry.received(), inquiry.todo_created("technical"))
    await bench.hears(inquiry.claimed(TEN))
    assert await bench.published(inquiry.id) == []
    assert await bench.hand_over_row(inquiry.id) is None


async def test_a_policy_that_brings_it_knows_who_was_claimed(
    database_url: str, tmp_path: Path
) -> None:
    waiting, claimed = Inquiry(), Inquiry()
    async with sla_bench(database_url, tmp_path, policy=load_policy()) as bench:
        await apply_policy(bench)
        for each in (waiting, claimed):
            await bench.hears(each.received(), each.todo_created("technical"))
        await bench.hears(claimed.claimed(berlin("2026-03-02 10:30")))
        assert await hand_over(bench, waiting) is None
    async with sla_bench(
        database_url, tmp_path, policy=policy(), now=berlin("2026-03-02 10:45")
    ) as bench:
        await apply_policy(bench)
        assert await hand_over(bench, waiting) == ("running", utc(NOON))
        assert await hand_over(bench, claimed) is None
        assert await told(bench, waiting) == ["started"]
    async with sla_bench(
        database_url, tmp_path, policy=policy("4h"), now=berlin("2026-03-02 11:30")
    ) as bench:
        await apply_policy(bench)
        assert await hand_over(bench, waiting) == ("running", utc(berlin("2026-03-02 14:00")))
        assert await told(bench, waiting) == ["started", "moved"]
    async with sla_bench(
        database_url, tmp_path, policy=load_policy(), now=berlin("2026-03-02 11:45")
    ) as bench:
        await apply_policy(bench)
        assert (await hand_over(bench, waiting) or ("",))[0] == "cancelled"
        assert (await bench.published(waiting.id))[-1]["reason"] == "policy"


async def test_reports_and_the_calendar_have_it_as_its_own_class(bench: SlaBench) -> None:
    taken, late, open_, plain = Inquiry(), Inquiry(), Inquiry(channel="x"), Inquiry()
    for each in (taken, late, open_):
        await bench.hears(each.received(), each.todo_created("technical"))
    await bench.hears(plain.received(), plain.todo_created("inbound"))
    await bench.hears(taken.claimed(berlin("2026-03-02 11:00")))
    bench.clock.set(berlin("2026-03-02 13:00"))
    await bench.hears(late.claimed(bench.clock.now()))
    report = await bench.get("reports/promise", **MARCH)
    assert [line["promised"] for line in report["lines"]] == [3, 1]
    email, x = report["hand_over"]
    assert email == {
        "group": "email", "owed": 2, "met": 1, "met_late": 1, "breached": 0, "open": 0,
        "cancelled": 0, "missed": 1, "kept_percent": 50.0,
    }  # fmt: skip
    total = report["hand_over_total"]
    assert (total["owed"], total["missed"], total["kept_percent"]) == (3, 2, 33.3)
    assert (x["owed"], x["breached"], x["missed"]) == (1, 1, 1)
    asked = {**MARCH, "format": "csv"}
    text = (await bench.http.get("/sla/v1/reports/promise", params=asked)).text
    assert "hand_over,email,2,1,1,0,0,0,1," in text
    ics = (await bench.http.get("/sla/v1/deadlines.ics")).text
    assert ics.count(f"UID:{open_.id}") == 2
    assert f"UID:{open_.id}-hand-over@inbound-desk" in ics.replace("\r\n ", "")
    assert ics.count(f"UID:{taken.id}") == 1


async def test_a_look_into_the_past_shows_what_was_owed_then(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.todo_created("technical"))
    bench.clock.set(berlin("2026-03-02 13:00"))
    await bench.tick()
    await bench.hears(inquiry.claimed(bench.clock.now()))
    shown = [
        (await bench.get(f"deadlines/{inquiry.id}", as_of=f"2026-03-02T{time}+01:00"))["hand_over"]
        for time in ("10:00:00", "11:00:00", "12:30:00", "14:00:00")
    ]
    states = [each and each["state"] for each in shown]
    assert states == [None, "running", "breached", "met_late"]


async def test_a_simulation_says_what_it_would_have_meant(
    database_url: str, tmp_path: Path
) -> None:
    taken, late, elsewhere = Inquiry(), Inquiry(), Inquiry()
    async with sla_bench(database_url, tmp_path, policy=load_policy()) as bench:
        for each, desk in ((taken, "technical"), (late, "technical"), (elsewhere, "inbound")):
            await bench.hears(each.received(), each.todo_created(desk))
        await bench.hears(taken.claimed(berlin("2026-03-02 11:00")))
        bench.clock.set(berlin("2026-03-02 15:00"))
        found = await simulate(
            bench.service.database,
            policy(),
            start=berlin("2026-03-01 00:00"),
            end=berlin("2026-04-01 00:00"),
            now=bench.clock.now(),
        )
    assert (dict(found.hand_over), dict(found.hand_over_would_be)) == (
        {},
        {"met": 1, "breached": 1},
    )
    assert "Hand-overs to the technical desk: none -> 1 breached, 1 met." in found.as_text()
    shown = {each["inquiry_id"]: each["hand_over_would_be"] for each in found.as_json()["examples"]}
    assert shown == {str(taken.id): "met", str(late.id): "breached"}
