"""Messages that leave their inquiry, and inquiries that turn out to be part of another."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.sla.previews.simulate import simulate
from shared.events import Fact
from shared.policy import load_policy, parse_policy
from shared.runtime.ids import new_id
from tests.services.sla.desk import Inquiry, SlaBench, berlin, sla_bench, utc
from tests.services.sla.test_taken_back import MARCH
from tests.unit.policy.raw import shipped

MON, TUE, WED = (f"2026-03-0{day}" for day in range(2, 5))


def new_of(old: Inquiry, received: str) -> Inquiry:
    """An inquiry of its own for a message of that one."""
    return Inquiry(
        channel=old.channel,
        received_at=berlin(received),
        conversation_id=old.conversation_id,
        contact_id=old.contact_id,
    )


async def test_a_message_that_left_has_a_clock_from_its_own_receipt(bench: SlaBench) -> None:
    old = Inquiry()
    new, moved, further = new_of(old, f"{MON} 11:00"), new_id(), new_id()
    bench.clock.set(berlin(f"{WED} 12:00"))
    await bench.hears(
        old.received(),
        old.message_added(berlin(f"{MON} 11:00"), moved),
        old.message_added(berlin(f"{MON} 11:30"), further),
        old.completed(berlin(f"{MON} 10:30")),
        new.received(moved, moved_from=old.id),
        new.message_added(berlin(f"{MON} 11:30"), further, moved_from=old.id),
    )
    row = await bench.row(new.id)
    assert (row["received_at"], row["due_at"]) == (
        berlin(f"{MON} 11:00"),
        berlin(f"{TUE} 11:00"),
    )
    await bench.tick()
    await bench.tick()
    started, breached = await bench.published(new.id)
    assert (started["at"], started["due_at"]) == (utc(row["received_at"]), utc(row["due_at"]))
    assert (breached["type"], breached["at"]) == ("deadline.breached", utc(row["due_at"]))
    assert await bench.story(old.id) == ["started", "met"]


@pytest.mark.parametrize("opens", [True, False], ids=["opens another", "joins another"])
@pytest.mark.parametrize("order", ["as told", "left first", "told again"])
async def test_a_message_takes_the_end_of_a_pause_with_it(
    bench: SlaBench, order: str, *, opens: bool
) -> None:
    old, moved = Inquiry(), new_id()
    new = new_of(old, f"{MON} 13:00" if opens else f"{MON} 12:30")
    await bench.hears(old.received())
    bench.clock.set(berlin(f"{MON} 12:00"))
    await bench.post(f"deadlines/{old.id}/pause", {"reason": "asked"})
    bench.clock.set(berlin(f"{MON} 14:00"))
    at = berlin(f"{MON} 13:00")
    wrote: Fact = old.message_added(at, moved)
    left: Fact = new.message_added(at, moved, moved_from=old.id)
    if opens:
        left = new.received(moved, moved_from=old.id)
    else:
        await bench.hears(new.received())
    match order:
        case "left first":
            await bench.hears(left, wrote)
        case "told again":
            await bench.hears(wrote, left, old.message_added(at, moved))
        case _:
            await bench.hears(wrote)
            assert (await bench.row(old.id))["state"] == "running"
            await bench.hears(left)
            said = (await bench.published(old.id))[-1]
            assert (said["type"], said["cause"], said["state"]) == (
                "deadline.moved",
                "paused",
                "paused",
            )
    row = await bench.row(old.id)
    assert (row["state"], row["due_at"]) == ("paused", berlin("2026-03-17 10:00"))
    shown = await bench.get(f"deadlines/{old.id}")
    assert "left" in [each["fact"] for each in shown["history"]]


async def test_a_message_takes_the_reply_window_with_it(database_url: str, tmp_path: Path) -> None:
    raw = shipped()
    raw["channels"]["x"]["reply_window_hours"] = 24
    async with sla_bench(database_url, tmp_path, policy=parse_policy(raw)) as bench:
        old, moved = Inquiry(channel="x"), new_id()
        new = new_of(old, f"{MON} 11:00")
        await bench.hears(old.received(), old.message_added(berlin(f"{MON} 11:00"), moved))
        assert (await bench.row(old.id))["window_ends_at"] == berlin(f"{TUE} 11:00")
        await bench.hears(new.received(moved, moved_from=old.id))
        assert (await bench.row(old.id))["window_ends_at"] == berlin(f"{TUE} 10:00")
        assert (await bench.row(new.id))["window_ends_at"] == berlin(f"{TUE} 11:00")


async def test_the_inquiry_that_a_message_left_need_not_be_known(bench: SlaBench) -> None:
    unknown, moved = Inquiry(), new_id()
    new = new_of(unknown, f"{MON} 11:00")
    await bench.hears(new.received(moved, moved_from=unknown.id))
    assert await bench.story(new.id) == ["started"]
    await bench.hears(unknown.received())
    assert await bench.story(unknown.id) == ["started"]


async def _merge(bench: SlaBench, *, channel: str = "email") -> tuple[Inquiry, Inquiry]:
    older, younger = Inquiry(channel=channel), Inquiry(channel=channel)
    at, message = berlin(f"{MON} 11:00"), new_id()
    await bench.hears(
        older.received(),
        younger.received(message),
        younger.todo_created("technical"),
        older.message_added(younger.received_at, message, moved_from=younger.id),
        younger.closed(at, "duplicate", merged_into=older.id),
    )
    return older, younger


async def test_an_inquiry_that_is_part_of_another_counts_nowhere(
    database_url: str, tmp_path: Path
) -> None:
    raw = shipped()
    raw["promises"] = [{"name": "answer", "first_answer": "24h", "hand_over": "4h"}]
    async with sla_bench(database_url, tmp_path, policy=parse_policy(raw)) as bench:
        older, younger = await _merge(bench)
        await _merge(bench, channel="youtube")
        cancelled = (await bench.published(younger.id))[-2:]
        assert {(e["type"], e["reason"]) for e in cancelled} == {
            ("deadline.cancelled", "duplicate")
        }
        bench.clock.set(berlin(f"{WED} 12:00"))
        await bench.tick()
        assert "breached" not in await bench.story(younger.id)
        assert "breached" in await bench.story(older.id)
        report = await bench.get("reports/promise", **MARCH)
        ((line,), hand_over, (best,)) = (
            report["lines"],
            report["hand_over"],
            report["best_effort"],
        )
        assert (line["promised"], line["cancelled"], line["missed"]) == (1, {}, 1)
        assert hand_over == []
        assert (best["count"], best["closed"], best["open"]) == (1, 0, 1)
        answer = await bench.http.get("/sla/v1/reports/promise", params={**MARCH, "format": "csv"})
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(row["class"], row["promised"], row["count"]) for row in rows] == [
            ("promised", "1", ""),
            ("promised_total", "1", ""),
            ("best_effort", "", "1"),
        ]
        start, end = berlin("2026-03-01 00:00"), berlin("2026-04-01 00:00")
        simulated = await simulate(
            bench.service.database, load_policy(), start=start, end=end, now=bench.clock.now()
        )
        assert simulated.inquiries == 2
        await _is_shown(bench, younger.id, into=older.id)


async def _is_shown(bench: SlaBench, younger: UUID, *, into: UUID) -> None:
    shown: dict[str, Any] = await bench.get(f"deadlines/{younger}")
    assert (shown["state"], shown["cancel_reason"]) == ("cancelled", "duplicate")
    assert shown["merged_into"] == str(into)
    (said,) = [each for each in shown["history"] if each["fact"] == "cancelled"]
    assert said["detail"] == f"part of the inquiry {into}"
    listed = {each["inquiry_id"]: each for each in (await bench.get("deadlines"))["items"]}
    assert listed[str(younger)]["merged_into"] == str(into)


async def test_a_reopening_does_not_bring_it_back(bench: SlaBench) -> None:
    _, younger = await _merge(bench)
    before = await bench.row(younger.id)
    await bench.hears(younger.reopened(berlin(f"{MON} 12:00")))
    assert await bench.row(younger.id) == before
    assert await bench.story(younger.id) == ["started", "cancelled"]
    early = Inquiry()
    await bench.hears(
        early.closed(berlin(f"{MON} 11:00"), "duplicate", merged_into=younger.id),
        early.reopened(berlin(f"{MON} 12:00")),
        early.received(),
    )
    row = await bench.row(early.id)
    assert (row["state"], row["merged_into"]) == ("cancelled", younger.id)
