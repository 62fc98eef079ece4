"""Policies and desks that came while a clock had ended hold once its end was taken back."""

from __future__ import annotations

from pathlib import Path

from shared.runtime.ids import new_id
from tests.services.sla.desk import Inquiry, berlin, sla_bench
from tests.services.sla.test_policy import STANDARD, TECHNICAL, apply_policy
from tests.services.sla.test_policy import policy as policy_of

MON, TUE, WED, THU = (f"2026-03-0{day}" for day in range(2, 6))


async def test_a_policy_that_came_meanwhile_holds_for_a_reopened_clock(
    database_url: str, tmp_path: Path
) -> None:
    inquiry, same = Inquiry(), Inquiry()
    async with sla_bench(database_url, tmp_path) as bench:
        await apply_policy(bench)
        await bench.hears_together(*[inquiry.received(), same.received()])
        await bench.hears(
            inquiry.dismissed(berlin(f"{MON} 11:00"), "spam"),
            same.dismissed(berlin(f"{MON} 11:00"), "spam"),
            same.reopened(berlin(f"{MON} 11:01")),
        )
        assert await bench.fact_kinds(same.id) == ["started", "cancelled", "reopened"]
    longer = policy_of(STANDARD | {"first_answer": "48h"})
    noon = berlin(f"{MON} 12:00")
    async with sla_bench(database_url, tmp_path, policy=longer, now=noon) as bench:
        await apply_policy(bench)
        assert (await bench.row(inquiry.id))["due_at"] == berlin(f"{TUE} 10:00")
        await bench.hears(inquiry.reopened(noon))
        row = await bench.row(inquiry.id)
        assert (row["state"], row["due_at"]) == ("running", berlin(f"{WED} 10:00"))
        assert [each.get("cause") for each in (await bench.published(inquiry.id))[-2:]] == [
            "reopened", "policy",
        ]  # fmt: skip


async def test_a_policy_that_came_meanwhile_holds_when_a_holding_reply_is_withdrawn(
    database_url: str, tmp_path: Path
) -> None:
    inquiry, reply = Inquiry(), new_id()
    async with sla_bench(database_url, tmp_path) as bench:
        await apply_policy(bench)
        until = berlin(f"{THU} 12:00")
        await bench.hears(inquiry.received(), inquiry.held(berlin(f"{MON} 11:00"), until, reply))
    longer = policy_of(STANDARD | {"first_answer": "48h"})
    noon = berlin(f"{MON} 12:00")
    async with sla_bench(database_url, tmp_path, policy=longer, now=noon) as bench:
        await apply_policy(bench)
        assert (await bench.row(inquiry.id))["due_at"] == until
        await bench.hears(inquiry.withdrawn(noon, reply, revision=1))
        row = await bench.row(inquiry.id)
        assert (row["target"], row["due_at"]) == ("first_answer", berlin(f"{WED} 10:00"))


async def test_a_desk_that_came_after_an_answer_counts_when_that_is_withdrawn(
    database_url: str, tmp_path: Path
) -> None:
    inquiry, reply = Inquiry(), new_id()
    async with sla_bench(database_url, tmp_path, policy=policy_of(STANDARD, TECHNICAL)) as bench:
        await bench.hears(
            inquiry.received(),
            inquiry.todo_created("inbound"),
            inquiry.answered(berlin(f"{MON} 11:00"), reply),
            inquiry.rerouted("inbound", "technical", berlin(f"{MON} 11:01")),
            inquiry.withdrawn(berlin(f"{MON} 11:30"), reply, revision=1),
        )
        row = await bench.row(inquiry.id)
        assert (row["promise"], row["due_at"]) == ("hotline", berlin(f"{MON} 14:00"))
