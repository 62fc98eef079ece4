"""Ends that are heard late, corrected or taken back: what the clock, the report and others see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from shared.db import Write
from shared.events import Fact
from shared.policy import parse_policy
from shared.runtime.ids import new_id
from tests.services.sla.desk import Inquiry, SlaBench, berlin, sla_bench, utc
from tests.unit.policy.raw import shipped

MON, TUE, WED, THU = (f"2026-03-0{day}" for day in range(2, 6))
MARCH = {"from": "2026-03-01T00:00:00+01:00", "to": "2026-04-01T00:00:00+02:00"}


async def told(bench: SlaBench, inquiry: Inquiry) -> list[str]:
    """The published types without the warnings, which are not at issue here."""
    return [each for each in await bench.story(inquiry.id) if each != "warning"]


async def report_line(bench: SlaBench) -> dict[str, Any]:
    line: dict[str, Any]
    (line,) = (await bench.get("reports/promise", **MARCH))["lines"]
    return line


async def test_an_earlier_answer_that_is_heard_late_reaches_the_others(bench: SlaBench) -> None:
    inquiry = Inquiry()
    noon, eleven = berlin(f"{MON} 12:00"), berlin(f"{MON} 11:00")
    await bench.hears(inquiry.received(), inquiry.answered(noon), inquiry.answered(eleven))
    started, first, again = await bench.published(inquiry.id)
    assert (first["type"], again["type"]) == ("deadline.met", "deadline.met")
    assert (first["at"], again["at"]) == (utc(noon), utc(eleven))
    assert (await bench.row(inquiry.id))["answered_at"] == eleven
    assert started["type"] == "deadline.started"
    # A later one is stored, and changes nothing.
    await bench.hears(inquiry.answered(berlin(f"{MON} 13:00")))
    assert len(await bench.published(inquiry.id)) == 3


async def test_a_late_answer_that_was_told_is_corrected_by_one_in_time(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin(f"{WED} 12:00"))
    await bench.hears(inquiry.completed(berlin(f"{WED} 11:00")))
    await bench.tick()
    assert await told(bench, inquiry) == ["started", "breached", "met"]
    assert (await bench.published(inquiry.id))[-1]["state"] == "met_late"
    assert (await report_line(bench))["met_late"] == 1
    await bench.hears(inquiry.answered(berlin(f"{MON} 11:00")))
    assert await told(bench, inquiry) == ["started", "breached", "met", "met"]
    met = (await bench.published(inquiry.id))[-1]
    assert (met["state"], met["at"]) == ("met", utc(berlin(f"{MON} 11:00")))
    line = await report_line(bench)
    assert (line["met"], line["met_late"], line["missed"]) == (1, 0, 0)
    shown = await bench.get(f"deadlines/{inquiry.id}")
    corrected = [each for each in shown["history"] if each["fact"] == "breached"]
    assert [each["detail"] for each in corrected] == ["told, and corrected since"]
    await bench.tick()
    assert await told(bench, inquiry) == ["started", "breached", "met", "met"]


async def test_no_breach_is_told_that_a_holding_reply_on_its_way_prevents(bench: SlaBench) -> None:
    inquiry = Inquiry()
    bench.clock.set(berlin(f"{WED} 11:00"))
    await bench.hears(
        inquiry.received(),
        inquiry.todo_created("inbound"),
        inquiry.completed(berlin(f"{WED} 11:00")),
    )
    row = await bench.row(inquiry.id)
    assert (row["state"], row["next_action_at"]) == (
        "met_late",
        berlin(f"{TUE} 10:00"),
    )
    await bench.hears(inquiry.held(berlin(f"{MON} 11:00"), berlin(f"{WED} 12:00")))
    await bench.tick()
    assert await told(bench, inquiry) == ["started", "met"]
    met = (await bench.published(inquiry.id))[-1]
    assert (met["state"], met["target"]) == ("met", "follow_up")
    row = await bench.row(inquiry.id)
    assert (row["breached_at"], row["next_action_at"], row["said"]) == (None, None, None)


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (lambda inquiry, at: inquiry.answered(at), ("deadline.met", "met_late")),
        (lambda inquiry, at: inquiry.completed(at), ("deadline.met", "met_late")),
        (lambda inquiry, at: inquiry.dismissed(at, "spam"), ("deadline.cancelled", "cancelled")),
        (
            lambda inquiry, at: inquiry.held(at, at + timedelta(days=9)),
            ("deadline.moved", "running"),
        ),
    ],
    ids=["answered", "completed", "dismissed", "held"],
)
async def test_a_breach_is_told_before_what_came_after_it(
    bench: SlaBench, end: Callable[[Inquiry, Any], Fact], last: tuple[str, str]
) -> None:
    """The last word is how the clock stands: whoever keeps a copy keeps a right one."""
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin(f"{WED} 12:00"))
    await bench.hears(end(inquiry, berlin(f"{WED} 11:00")))
    assert await bench.story(inquiry.id) == ["started"]
    # The timers know all that was recorded until then, and nothing later.
    await bench.ticker().tick(berlin(f"{TUE} 10:00:01"))
    assert await told(bench, inquiry) == ["started", "breached", last[0].removeprefix("deadline.")]
    ended = (await bench.published(inquiry.id))[-1]
    assert (ended["type"], ended["state"]) == last
    await bench.tick()
    assert len(await told(bench, inquiry)) == 3


@pytest.mark.parametrize("end", ["completed", "dismissed", "closed"])
@pytest.mark.parametrize("reopened_first", [False, True])
async def test_a_reopened_clock_runs_on_as_if_it_had_never_ended(
    bench: SlaBench, end: str, *, reopened_first: bool
) -> None:
    inquiry = Inquiry()
    ended = getattr(inquiry, end)(berlin(f"{MON} 12:00"))
    reopened = inquiry.reopened(berlin(f"{MON} 15:00"))
    bench.clock.set(berlin(f"{MON} 15:00"))
    await bench.hears(inquiry.received())
    await bench.hears(*((reopened, ended) if reopened_first else (ended, reopened)))
    row = await bench.row(inquiry.id)
    assert (row["state"], row["due_at"]) == ("running", berlin(f"{TUE} 10:00"))
    assert (row["answered_at"], row["cancelled_at"], row["cancel_reason"]) == (None, None, None)
    assert row["next_action_at"] == berlin(f"{MON} 16:00")
    if not reopened_first:
        moved = (await bench.published(inquiry.id))[-1]
        assert (moved["type"], moved["cause"]) == ("deadline.moved", "reopened")
        assert (moved["state"], moved["target"]) == ("running", "first_answer")
        assert (moved["due_at"], moved["at"]) == (utc(row["due_at"]), utc(berlin(f"{MON} 15:00")))
    bench.clock.set(berlin(f"{WED} 12:00"))
    await bench.tick()
    breached = (await bench.published(inquiry.id))[-1]
    assert (breached["type"], breached["at"]) == ("deadline.breached", utc(row["due_at"]))
    shown = await bench.get(f"deadlines/{inquiry.id}")
    history = [each["fact"] for each in shown["history"]]
    kind = "answered" if end == "completed" else "cancelled"
    assert [each for each in history if each != "warned"] == [
        "started", kind, "reopened", "breached",
    ]  # fmt: skip
    then = await bench.get(f"deadlines/{inquiry.id}", as_of=berlin(f"{MON} 13:00").isoformat())
    assert then["state"] == ("met" if end == "completed" else "cancelled")
    why = await bench.get(f"deadlines/{inquiry.id}/explanation")
    assert why["targets"][0]["due_at"] == utc(berlin(f"{TUE} 10:00"))


async def test_a_breach_that_the_end_had_covered_is_told_once_by_the_timers(
    bench: SlaBench,
) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.dismissed(berlin(f"{MON} 12:00"), "spam"))
    bench.clock.set(berlin(f"{THU} 12:00"))
    await bench.tick()
    await bench.hears(inquiry.reopened(berlin(f"{THU} 12:00")))
    moved = (await bench.published(inquiry.id))[-1]
    assert (moved["cause"], moved["state"]) == ("reopened", "breached")
    # Before the word of the others reaches the reopening, nothing is sure.
    await bench.ticker().tick(berlin(f"{THU} 11:59"))
    assert "breached" not in await bench.story(inquiry.id)
    await bench.tick()
    await bench.tick()
    story = await bench.published(inquiry.id)
    assert [each["type"] for each in story] == [
        "deadline.started", "deadline.cancelled", "deadline.moved", "deadline.breached",
    ]  # fmt: skip
    assert story[-1]["at"] == utc(berlin(f"{TUE} 10:00"))
    line = await report_line(bench)
    assert (line["breached"], line["cancelled"], line["missed"]) == (1, {}, 1)
    await bench.hears(inquiry.answered(berlin(f"{THU} 13:00")))
    assert (await bench.published(inquiry.id))[-1]["state"] == "met_late"


async def test_a_breach_that_was_told_is_not_told_again_after_a_reopening(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin(f"{WED} 12:00"))
    await bench.tick()
    await bench.hears(
        inquiry.completed(berlin(f"{WED} 12:00")), inquiry.reopened(berlin(f"{WED} 13:00"))
    )
    bench.clock.set(berlin(f"{THU} 12:00"))
    await bench.tick()
    assert await told(bench, inquiry) == ["started", "breached", "met", "moved"]
    moved = (await bench.published(inquiry.id))[-1]
    assert (moved["cause"], moved["state"]) == ("reopened", "breached")


async def test_a_paused_clock_is_paused_again_when_its_end_is_taken_back(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin(f"{MON} 12:00"))
    await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "asked"})
    await bench.hears(
        inquiry.dismissed(berlin(f"{MON} 13:00"), "spam"), inquiry.reopened(berlin(f"{MON} 14:00"))
    )
    assert (await bench.row(inquiry.id))["state"] == "paused"
    moved = (await bench.published(inquiry.id))[-1]
    assert (moved["cause"], moved["state"]) == ("reopened", "paused")


async def test_an_answer_stands_when_the_todo_is_reopened(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(
        inquiry.received(),
        inquiry.dismissed(berlin(f"{MON} 11:00"), "spam"),
        inquiry.answered(berlin(f"{MON} 12:00")),
        inquiry.reopened(berlin(f"{MON} 13:00")),
    )
    assert await told(bench, inquiry) == ["started", "cancelled", "met"]
    met = (await bench.published(inquiry.id))[-1]
    assert (met["state"], met["at"]) == ("met", utc(berlin(f"{MON} 12:00")))
    row = await bench.row(inquiry.id)
    assert (row["cancelled_at"], row["cancel_reason"]) == (None, None)


async def test_a_reply_is_classified_again_and_again(bench: SlaBench) -> None:
    inquiry, reply = Inquiry(), new_id()
    at, until = berlin(f"{MON} 12:00"), berlin(f"{WED} 12:00")
    bench.clock.set(berlin(f"{MON} 13:00"))
    await bench.hears(inquiry.received(), inquiry.answered(at, reply))
    await bench.hears(inquiry.withdrawn(bench.clock.now(), reply, revision=1))
    moved = (await bench.published(inquiry.id))[-1]
    assert (moved["cause"], moved["due_at"]) == ("reopened", utc(berlin(f"{TUE} 10:00")))
    await bench.hears(inquiry.held(at, until, reply, revision=2))
    moved = (await bench.published(inquiry.id))[-1]
    assert (moved["cause"], moved["target"], moved["due_at"]) == ("held", "follow_up", utc(until))
    await bench.hears(
        inquiry.withdrawn(bench.clock.now(), reply, revision=3),
        inquiry.answered(at, reply, revision=4),
    )
    met = (await bench.published(inquiry.id))[-1]
    assert (met["type"], met["target"], met["at"]) == ("deadline.met", "first_answer", utc(at))
    # What is older than that says nothing any more.
    await bench.hears(inquiry.withdrawn(bench.clock.now(), reply, revision=1))
    assert (await bench.published(inquiry.id))[-1] == met
    assert (await bench.row(inquiry.id))["state"] == "met"


async def test_an_own_post_that_was_seen_changes_nothing(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.own_post_seen(berlin(f"{MON} 12:00")))
    assert await bench.story(inquiry.id) == ["started"]
    assert await bench.fact_kinds(inquiry.id) == ["started"]


async def test_a_best_effort_inquiry_has_its_earliest_end_that_stands(bench: SlaBench) -> None:
    inquiry, reply = Inquiry(channel="youtube"), new_id()
    await bench.hears(
        inquiry.received(),
        inquiry.answered(berlin(f"{MON} 12:00"), reply),
        inquiry.dismissed(berlin(f"{MON} 11:00"), "spam"),
    )

    async def end() -> tuple[Any, ...]:
        row = await bench.row(inquiry.id)
        return row["answered_at"], row["cancelled_at"], row["answer_wall_seconds"]

    assert await end() == (None, berlin(f"{MON} 11:00"), None)
    await bench.hears(inquiry.reopened(berlin(f"{MON} 13:00")))
    assert await end() == (berlin(f"{MON} 12:00"), None, 7200)
    await bench.hears(inquiry.withdrawn(berlin(f"{MON} 14:00"), reply, revision=1))
    assert await end() == (None, None, None)
    # A holding reply that names no moment counts as none where nothing is promised.
    await bench.hears(inquiry.answered(berlin(f"{MON} 12:00"), reply, revision=2))
    await bench.hears(inquiry.held(berlin(f"{MON} 12:00"), None, reply, revision=4))
    assert await end() == (None, None, None)
    (line,) = (await bench.get("reports/promise", **MARCH))["best_effort"]
    assert (line["count"], line["answered"], line["open"]) == (1, 0, 1)
    assert await bench.published() == []


async def test_the_hand_over_is_owed_again(database_url: str, tmp_path: Path) -> None:
    raw = shipped()
    raw["promises"] = [{"name": "answer", "first_answer": "24h", "hand_over": "4h", "warn": []}]
    async with sla_bench(database_url, tmp_path, policy=parse_policy(raw)) as bench:
        inquiry = Inquiry()
        await bench.hears(
            inquiry.received(),
            inquiry.todo_created("technical"),
            inquiry.dismissed(berlin(f"{MON} 10:30"), "spam"),
            inquiry.reopened(berlin(f"{MON} 10:45"), "technical"),
        )
        hand_over = [e for e in await bench.published(inquiry.id) if e["target"] == "hand_over"]
        assert [each["type"] for each in hand_over] == [
            "deadline.started", "deadline.cancelled", "deadline.moved",
        ]  # fmt: skip
        assert (hand_over[-1]["cause"], hand_over[-1]["state"]) == ("reopened", "running")
        bench.clock.set(berlin(f"{TUE} 12:00"))
        await bench.hears(inquiry.claimed(berlin(f"{TUE} 11:00")))
        assert len([e for e in await bench.published() if e["target"] == "hand_over"]) == 3
        await bench.tick()
        hand_over = [e for e in await bench.published(inquiry.id) if e["target"] == "hand_over"]
        assert [each["type"] for each in hand_over[3:]] == ["deadline.breached", "deadline.met"]
        assert hand_over[-1]["state"] == "met_late"
        await bench.hears(inquiry.answered(berlin(f"{MON} 11:00")))
        hand_over = [e for e in await bench.published(inquiry.id) if e["target"] == "hand_over"]
        assert (hand_over[-1]["type"], hand_over[-1]["state"]) == ("deadline.met", "met")
        row = await bench.hand_over_row(inquiry.id)
        assert row is not None
        assert row.breached_at is None


async def test_a_message_ends_the_pause_in_which_it_was_written(bench: SlaBench) -> None:
    """Also when the pause is over by the time the message is heard of."""
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin(f"{MON} 12:00"))
    until = {"reason": "asked", "until": berlin(f"{TUE} 12:00").isoformat()}
    await bench.post(f"deadlines/{inquiry.id}/pause", until)
    bench.clock.set(berlin(f"{TUE} 13:00"))
    await bench.tick()
    assert (await bench.row(inquiry.id))["due_at"] == berlin(f"{WED} 10:00")
    await bench.hears(inquiry.message_added(berlin(f"{MON} 13:00")))
    row = await bench.row(inquiry.id)
    assert (row["state"], row["due_at"]) == ("breached", berlin(f"{TUE} 11:00"))


async def test_rows_of_before_replies_had_names_are_read(bench: SlaBench) -> None:
    """As the release before wrote them, with what they are about only in their moments."""
    answered, held, called = Inquiry(), Inquiry(), Inquiry()
    await bench.hears_together(*[each.received() for each in (answered, held, called)])
    at = berlin(f"{MON} 12:00")
    replies = {each.id: new_id() for each in (answered, held)}
    await bench.hears(
        answered.answered(at, replies[answered.id]),
        held.held(at, berlin(f"{WED} 12:00"), replies[held.id]),
        called.completed(at),
    )

    def as_before(tx: Write) -> None:
        body = f'{{"follow_up_at": "{berlin(f"{WED} 12:00").isoformat()}", "by": "anna"}}'
        for kind, old in (("answered", '{"by": "anna"}'), ("held", body)):
            tx.execute(
                text("UPDATE clock_facts SET body = :body WHERE kind = :kind"),
                {"body": old, "kind": kind},
            )

    await bench.service.database.write(as_before)
    bench.clock.set(berlin(f"{MON} 13:00"))
    now = bench.clock.now()
    for each in (answered, held, called):
        assert (await bench.get(f"deadlines/{each.id}"))["state"] in {"met", "running"}
    await bench.hears(
        answered.withdrawn(now, replies[answered.id], revision=1),
        held.answered(at, replies[held.id], revision=2),
        called.reopened(now),
    )
    assert (await bench.row(answered.id))["state"] == "running"
    assert (await bench.row(called.id))["state"] == "running"
    row = await bench.row(held.id)
    assert (row["state"], row["target"], row["answered_at"]) == ("met", "first_answer", at)
