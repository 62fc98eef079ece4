"""Several promises, desks that bring a stricter one, and a policy that changes."""

from __future__ import annotations

import asyncio
import tomllib
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from services.sla.previews.simulate import simulate
from services.sla.promises.policy_version import policy_version_from, policy_version_of
from services.sla.tables import clock_events
from shared.events.inquiries import HashtagUse
from shared.policy import Policy, PolicyError, parse_policy
from shared.runtime.ids import new_id
from tests.services.sla.desk import MONDAY_TEN, Inquiry, SlaBench, berlin, sla_bench, utc


def policy(*promises: dict[str, Any]) -> Policy:
    """The shipped policy, with these promises instead of its own."""
    raw = tomllib.loads((files("services") / "desk.toml").read_text(encoding="utf-8"))
    if promises:
        raw["promises"] = list(promises)
    return parse_policy(raw)


STANDARD = {"name": "answer", "first_answer": "24h", "warn": ["75%"]}
TECHNICAL = {
    "name": "hotline",
    "first_answer": "4h",
    "counting": "opening-hours",
    "match": {"desks": ["technical"]},
}
EVENT = {
    "name": "conference",
    "first_answer": "1h",
    "counting": "wall-clock",
    "match": {"hashtags": ["iico2026"]},
}


async def test_the_desk_brings_a_stricter_promise(database_url: str, tmp_path: Path) -> None:
    async with sla_bench(database_url, tmp_path, policy=policy(STANDARD, TECHNICAL)) as bench:
        inquiry = Inquiry()
        await bench.hears(inquiry.received(), inquiry.todo_created("technical"))
        started, moved = await bench.published(inquiry.id)
        assert started["due_at"] == utc(berlin("2026-03-03 10:00"))
        assert (moved["type"], moved["cause"]) == ("deadline.moved", "desk")
        assert moved["due_at"] == utc(berlin("2026-03-02 14:00"))
        shown = await bench.get(f"deadlines/{inquiry.id}/explanation")
        assert [(each["promise"], each["chosen"]) for each in shown["promises"]] == [
            ("answer", False),
            ("hotline", True),
        ]
        assert shown["promises"][1]["because"] == "holds for desks technical"
        assert shown["targets"][0]["target_seconds"] == 4 * 3600
        await bench.hears(inquiry.rerouted("technical", "inbound", berlin("2026-03-02 11:00")))
        assert (await bench.row(inquiry.id))["promise"] == "answer"


async def test_a_preview_asks_by_all_that_promises_ask_by(
    database_url: str, tmp_path: Path
) -> None:
    contact = new_id()
    friend = {"name": "friend", "first_answer": "30m", "counting": "wall-clock",
              "match": {"contacts": [str(contact)]}}  # fmt: skip
    promises = policy(STANDARD, TECHNICAL, EVENT, friend)
    asked = {"received_at": "2026-03-02T10:00:00+01:00", "channel": "email"}
    async with sla_bench(database_url, tmp_path, policy=promises) as bench:
        for more, promise, due in (
            ({}, "answer", "2026-03-03 10:00"),
            ({"desk": "technical"}, "hotline", "2026-03-02 14:00"),
            ({"desk": "inbound"}, "answer", "2026-03-03 10:00"),
            ({"channel": "hotline"}, "hotline", "2026-03-02 14:00"),
            ({"desk": "technical", "hashtags": ["#IICO2026"]}, "conference", "2026-03-02 11:00"),
            ({"hashtags": ["iico2025", "other"]}, "answer", "2026-03-03 10:00"),
            ({"contact_id": str(contact)}, "friend", "2026-03-02 10:30"),
        ):
            shown = (await bench.post("deadlines/preview", asked | more)).json()
            assert (shown["due_at"], shown["explanation"]["promise"]) == (
                utc(berlin(due)),
                promise,
            ), more
        for wrong in (
            {"desk": "kitchen"},
            {"hashtags": ["two words"]},
            {"hashtags": ["#"]},
            {"contact_id": "erika"},
        ):
            answer = await bench.post("deadlines/preview", asked | wrong)
            assert answer.status_code == 422
            assert next(iter(wrong)) in answer.json()["errors"][0]["field"]


async def test_a_desk_known_first_starts_with_its_promise(
    database_url: str, tmp_path: Path
) -> None:
    async with sla_bench(database_url, tmp_path, policy=policy(STANDARD, TECHNICAL)) as bench:
        inquiry, hotline = Inquiry(), Inquiry(channel="hotline")
        await bench.hears(inquiry.todo_created("technical"), inquiry.received(), hotline.received())
        for each in (inquiry, hotline):
            (started,) = await bench.published(each.id)
            assert started["due_at"] == utc(berlin("2026-03-02 14:00"))
            assert started["promise"] == "hotline"


async def test_a_hashtag_with_its_year(database_url: str, tmp_path: Path) -> None:
    async with sla_bench(database_url, tmp_path, policy=policy(STANDARD, EVENT)) as bench:
        this_year = Inquiry(hashtags=(HashtagUse(tag="iico", year=2026),))
        last_year = Inquiry(hashtags=(HashtagUse(tag="iico", year=2025),))
        await bench.hears(this_year.received(), last_year.received())
        assert (await bench.row(this_year.id))["promise"] == "conference"
        assert (await bench.row(last_year.id))["promise"] == "answer"


async def apply_policy(bench: SlaBench) -> None:
    """Run the loop of the timers until it has looked once at everything."""
    ticker = bench.ticker(claim_rows=2)
    stop = asyncio.Event()
    running = asyncio.create_task(ticker.run(stop))
    async with asyncio.timeout(10):
        await ticker.policy.applied.wait()
    stop.set()
    await running


async def test_a_new_policy_moves_open_clocks_only(database_url: str, tmp_path: Path) -> None:
    open_, paused, met, breached, held = (Inquiry() for _ in range(5))
    async with sla_bench(database_url, tmp_path) as bench:
        await apply_policy(bench)
        early = Inquiry(received_at=berlin("2026-02-26 10:00"))
        await bench.hears_together(
            *[each.received() for each in (open_, paused, met, breached, held, early)]
        )
        await bench.hears(
            met.answered(berlin("2026-03-02 11:00")),
            held.held(berlin("2026-03-02 11:00"), berlin("2026-03-04 12:00")),
        )
        bench.clock.set(berlin("2026-03-02 12:00"))
        await bench.post(f"deadlines/{paused.id}/pause", {"reason": "asked"})
        await bench.tick()
    closed = _with_closure()
    now = berlin("2026-03-02 13:00")
    async with sla_bench(database_url, tmp_path, policy=closed, now=now) as bench:
        await apply_policy(bench)
        await apply_policy(bench)
        moved = (await bench.published(open_.id))[-1]
        assert (moved["type"], moved["cause"]) == ("deadline.moved", "policy")
        assert moved["due_at"] == utc(berlin("2026-03-04 10:00"))
        assert await bench.story(open_.id) == ["started", "moved"]
        assert await bench.story(met.id) == ["started", "met"]
        assert await bench.story(held.id) == ["started", "moved"]
        assert (await bench.row(held.id))["due_at"] == berlin("2026-03-04 12:00")
        assert await bench.story(early.id) == ["started", "breached"]
        shown = await bench.get(f"deadlines/{open_.id}/explanation")
        assert ("closure", "Umzug") in [
            (each["reason"], each["name"]) for each in shown["targets"][0]["intervals"]
        ]
        # The deadline of the paused clock was not moved, but its rest counts by the new calendar.
        assert await bench.story(paused.id) == ["started", "moved"]
        await bench.post(f"deadlines/{paused.id}/resume")
        assert (await bench.row(paused.id))["due_at"] == berlin("2026-03-04 11:00")
        before = await bench.get(
            f"deadlines/{open_.id}/explanation", as_of="2026-03-02T12:30:00+01:00"
        )
        assert before["targets"][0]["due_at"] == utc(berlin("2026-03-03 10:00"))
        assert "Umzug" not in str(before)


async def _paused_for_an_hour(bench: SlaBench) -> Inquiry:
    inquiry = Inquiry()
    await apply_policy(bench)
    await bench.hears(inquiry.received())
    for moment, verb in (("11:00", "pause"), ("12:00", "resume")):
        bench.clock.set(berlin(f"2026-03-02 {moment}"))
        body = {"reason": "asked"} if verb == "pause" else None
        assert (await bench.post(f"deadlines/{inquiry.id}/{verb}", body)).status_code == 200
    return inquiry


async def test_a_new_calendar_moves_a_clock_that_was_paused(
    database_url: str, tmp_path: Path
) -> None:
    async with sla_bench(database_url, tmp_path, policy=_with_closure()) as bench:
        inquiry = await _paused_for_an_hour(bench)
        assert (await bench.row(inquiry.id))["due_at"] == berlin("2026-03-04 11:00")
    async with sla_bench(database_url, tmp_path, now=berlin("2026-03-02 13:00")) as bench:
        await apply_policy(bench)
        (listed,) = (await bench.get("deadlines"))["items"]
        shown = await bench.get(f"deadlines/{inquiry.id}")
        assert listed["due_at"] == shown["due_at"] == utc(berlin("2026-03-03 11:00"))
        before = await bench.get(f"deadlines/{inquiry.id}", as_of="2026-03-02T12:30:00+01:00")
        assert before["due_at"] == utc(berlin("2026-03-04 11:00"))
        bench.clock.set(berlin("2026-03-03 11:00:01"))
        await bench.tick()
        assert await bench.story(inquiry.id) == [
            "started", "moved", "moved", "moved", "breached",
        ]  # fmt: skip


async def test_a_new_calendar_calls_no_answer_late_that_was_in_time(
    database_url: str, tmp_path: Path
) -> None:
    async with sla_bench(database_url, tmp_path, policy=_with_closure()) as bench:
        inquiry = await _paused_for_an_hour(bench)
    # The answer waits on the bus while the desk is started with the new policy.
    now = berlin("2026-03-04 09:30")
    async with sla_bench(database_url, tmp_path, now=now) as bench:
        await bench.hears(inquiry.answered(berlin("2026-03-04 09:20")))
        await apply_policy(bench)
        await bench.tick()
        assert (await bench.story(inquiry.id))[-1] == "met"
        assert "breached" not in await bench.story(inquiry.id)
        assert (await bench.row(inquiry.id))["state"] == "met"


async def test_a_new_calendar_unstates_no_breach_that_happened_while_nobody_ran(
    database_url: str, tmp_path: Path
) -> None:
    raw = tomllib.loads((files("services") / "desk.toml").read_text(encoding="utf-8"))
    monday = tomllib.loads("closures = [{from = 2026-03-02, to = 2026-03-02, name = 'Umzug'}]")
    raw["calendar"] |= monday
    async with sla_bench(database_url, tmp_path) as bench:
        inquiry = await _paused_for_an_hour(bench)
    now = berlin("2026-03-03 14:00")
    async with sla_bench(database_url, tmp_path, policy=parse_policy(raw), now=now) as bench:
        await apply_policy(bench)
        await bench.tick()
        breached = (await bench.published(inquiry.id))[-1]
        assert breached["type"] == "deadline.breached"
        assert breached["at"] == breached["due_at"] == utc(berlin("2026-03-03 11:00"))
        assert await bench.story(inquiry.id) == ["started", "moved", "moved", "breached"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_while_a_policy_is_rolled_out_the_one_started_last_holds_for_all(
    database_url: str, tmp_path: Path
) -> None:
    before, during, after = (Inquiry() for _ in range(3))
    as_before, as_new = berlin("2026-03-03 10:00"), berlin("2026-03-04 10:00")
    async with (
        sla_bench(database_url, tmp_path) as old,
        sla_bench(database_url, tmp_path, policy=_with_closure()) as new,
    ):
        await apply_policy(old)
        await new.hears(before.received())  # it runs, and has not taken over yet
        assert (await new.row(before.id))["due_at"] == as_before
        await apply_policy(new)
        assert (await new.row(before.id))["due_at"] == as_new
        await old.hears(during.received(), before.todo_created("technical"))
        assert (await old.row(during.id))["due_at"] == as_new
        assert await old.story(before.id) == ["started", "moved"]
        # Taken back: the old one is started again.
        await apply_policy(old)
        await new.hears(after.received())
        for each in (before, during, after):
            assert (await new.row(each.id))["due_at"] == as_before


async def test_a_second_holding_reply_goes_by_the_promise_that_the_clock_is_under(
    database_url: str, tmp_path: Path
) -> None:
    """The next policy has other names, and moves no clock that awaits what was told."""
    held = Inquiry()
    async with sla_bench(database_url, tmp_path) as bench:
        await apply_policy(bench)
        await bench.hears(
            held.received(), held.held(berlin("2026-03-02 11:00"), berlin("2026-03-04 12:00"))
        )
    now = berlin("2026-03-03 11:00")
    renamed = policy({**STANDARD, "name": "reply"})
    async with sla_bench(database_url, tmp_path, policy=renamed, now=now) as bench:
        await apply_policy(bench)
        await bench.hears(held.held(now, None))
        row = await bench.row(held.id)
        assert (row["target"], row["due_at"]) == ("follow_up", berlin("2026-03-04 11:00"))


async def test_a_broken_clock_keeps_no_other_from_a_new_policy(
    database_url: str, tmp_path: Path
) -> None:
    clocks = sorted((Inquiry() for _ in range(5)), key=lambda each: each.id)
    broken = clocks[2]
    async with sla_bench(database_url, tmp_path) as bench:
        await bench.hears_together(*[each.received() for each in clocks])
        mine = clock_events.c.inquiry_id == broken.id
        await bench.service.database.write(
            lambda tx: tx.execute(update(clock_events).where(mine).values(kind="nonsense"))
        )
    async with sla_bench(database_url, tmp_path, policy=_with_closure()) as bench:
        await apply_policy(bench)
        for each in clocks:
            expected = ["started"] if each is broken else ["started", "moved"]
            assert await bench.story(each.id) == expected


def _with_closure() -> Policy:
    raw = tomllib.loads((files("services") / "desk.toml").read_text(encoding="utf-8"))
    extra = tomllib.loads(
        "[[calendar.closures]]\nfrom = 2026-03-03\nto = 2026-03-03\nname = 'Umzug'\n"
    )
    raw["calendar"] |= extra["calendar"]
    return parse_policy(raw)


async def test_an_edition_is_known_by_its_content() -> None:
    now = berlin("2026-03-02 10:00")
    policy_version = policy_version_of(_with_closure(), now=now)
    assert (
        policy_version_of(_with_closure(), now=now + timedelta(days=200)).key == policy_version.key
    )
    assert policy_version_of(policy(), now=now).key != policy_version.key
    again = policy_version_from(policy_version.key, policy_version.document, now=now)
    assert again.promises == policy_version.promises
    assert again.calendar is policy_version.calendar
    assert policy_version_of(policy(), now=now + timedelta(days=400)).key == (
        policy_version_of(policy(), now=now).key
    )


async def test_an_edition_with_a_key_of_an_earlier_release_is_understood() -> None:
    now = berlin("2026-03-02 10:00")
    policy_version = policy_version_of(policy(), now=now)
    text = policy_version.document.replace('"pause_bound"', '"retired":null,"pause_bound"')
    assert text != policy_version.document
    assert (
        policy_version_from(policy_version.key, text, now=now).promises == policy_version.promises
    )


async def test_closures_of_a_file_are_kept_with_the_edition(tmp_path: Path) -> None:
    (tmp_path / "closed.ics").write_text(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260303\r\nSUMMARY:Umzug\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    raw = tomllib.loads((files("services") / "desk.toml").read_text(encoding="utf-8"))
    raw["calendar"]["ical_file"] = "closed.ics"
    policy_version = policy_version_of(parse_policy(raw, folder=tmp_path), now=MONDAY_TEN)
    (tmp_path / "closed.ics").unlink()
    again = policy_version_from(policy_version.key, policy_version.document, now=MONDAY_TEN)
    assert again.calendar.rules == policy_version.calendar.rules
    assert [closure.name for closure in again.calendar.rules.closures] == ["Umzug"]


def mistakes(raw: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(PolicyError) as refused:
        policy_version_of(parse_policy(raw, folder=folder), now=MONDAY_TEN)
    return [(each.path, each.wrong) for each in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (b"hello", "not a whole iCalendar file"),
        (b"\xff\xfe\x00", "from 0 on are not UTF-8"),
        (
            (
                b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260303\r\n"
                b"DTEND;VALUE=DATE:20280303\r\nSUMMARY:Umzug\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            ),
            "'Umzug' is no closure: the closure is longer than a year",
        ),
    ],
)
def test_a_file_of_closures_that_cannot_be_understood_is_named(
    text: bytes, wrong: str, tmp_path: Path
) -> None:
    (tmp_path / "closed.ics").write_bytes(text)
    raw = tomllib.loads((files("services") / "desk.toml").read_text(encoding="utf-8"))
    raw["calendar"]["ical_file"] = "closed.ics"
    ((path, said),) = mistakes(raw, tmp_path)
    assert path == "calendar.ical_file"
    assert wrong in said


def test_a_target_that_the_calendar_cannot_hold_is_named(tmp_path: Path) -> None:
    raw = tomllib.loads((files("services") / "desk.toml").read_text(encoding="utf-8"))
    raw["calendar"]["hours"] = {"monday": ["09:00-10:00"]}
    slow = {"first_answer": "300d", "follow_up": "366d", "counting": "opening-hours"}
    raw["promises"] = [{"name": "answer", **slow}]
    assert mistakes(raw, tmp_path) == [
        (f"promises[0].{name}", "counted by opening-hours it is not over by the end of 2036")
        for name in ("first_answer", "follow_up")
    ]


async def test_a_simulation_shows_what_would_change_and_changes_nothing(bench: SlaBench) -> None:
    quick, slow, cancelled = Inquiry(), Inquiry(), Inquiry()
    silent, held = Inquiry(channel="youtube"), Inquiry()
    await bench.hears_together(
        *[each.received() for each in (quick, slow, cancelled, silent, held)]
    )
    bench.clock.set(berlin("2026-03-03 12:00"))
    await bench.hears(
        quick.answered(berlin("2026-03-02 11:00")),
        slow.answered(berlin("2026-03-02 16:00")),
        cancelled.closed(berlin("2026-03-02 10:30")),
        held.held(berlin("2026-03-02 15:00"), berlin("2026-03-05 12:00")),
    )
    published, row = await bench.published(), await bench.row(slow.id)
    found = await simulate(
        bench.service.database,
        policy({**STANDARD, "first_answer": "4h", "counting": "opening-hours"}),
        start=berlin("2026-03-01 00:00"),
        end=berlin("2026-04-01 00:00"),
        now=bench.clock.now(),
    )
    assert (found.inquiries, found.earlier, found.later) == (5, 4, 0)
    assert found.changed == {("met", "met late"): 1}
    told = found.as_json()
    assert told["outcomes"] == {"cancelled": 1, "met": 2, "no clock": 1, "running": 1}
    assert "1 that were met would be met late." in found.as_text()
    assert (await bench.published(), await bench.row(slow.id)) == (published, row)


async def test_the_end_of_a_reply_window_is_announced_once(
    database_url: str, tmp_path: Path
) -> None:
    raw = tomllib.loads((files("services") / "desk.toml").read_text(encoding="utf-8"))
    raw["channels"]["facebook"]["reply_window_hours"] = 6
    async with sla_bench(database_url, tmp_path, policy=parse_policy(raw)) as bench:
        inquiry = Inquiry(channel="facebook")
        await bench.hears(inquiry.received())
        for moment in ("2026-03-02 14:59:59", "2026-03-02 15:00", "2026-03-02 15:30"):
            bench.clock.set(berlin(moment))
            await bench.tick()
        (closing,) = [each for each in await bench.published(inquiry.id) if "level" in each]
        assert closing["level"] == "window_closing"
        assert closing["at"] == utc(berlin("2026-03-02 15:00"))
        assert closing["due_at"] == utc(berlin("2026-03-03 10:00"))
