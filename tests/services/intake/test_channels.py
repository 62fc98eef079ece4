"""What an operator sees of the channels, and when the desk says that one is silent."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.cli.reaching import public_address
from services.intake.channels import store
from services.intake.channels.activity import Activity, Tally
from services.intake.channels.domain import WEEK
from services.intake.channels.usecases import Channels
from shared.db import DatabaseUnavailableError
from shared.policy import Verification
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import (
    READER,
    STRANGE_SECRET,
    Desk,
    message,
    opened,
    policy,
    problem,
)
from tests.support.clock import ManualClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REASON = "facebook has been silent for 3 hours, in which usually 12 messages come"


async def channel(desk: Desk, name: str = "facebook") -> dict[str, Any]:
    found: dict[str, Any] = await desk.get(f"/channels/{name}")
    return found


async def readiness(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = (await desk.http.get("/intake/health/ready")).json()["checks"]
    return dict(found["channels"])


async def metric(desk: Desk, name: str, channel: str = "facebook") -> float:
    text = (await desk.http.get("/intake/metrics")).text
    (line,) = [
        each for each in text.splitlines() if each.startswith(f'{name}{{channel="{channel}"')
    ]
    return float(line.split()[-1])


async def write(desk: Desk, tally: Tally) -> None:
    await desk.service.database.write(store.add, tally)


def usual_weeks(*, each_hour: int = 4, weeks: int = 8) -> Tally:
    """Messages in every hour of eight weeks, the last an hour ago."""
    tally = Tally()
    for hour in range(1, weeks * 168 + 48):
        tally.add("facebook", "message", NOON - HOUR * hour, n=each_hour)
    return tally


async def test_what_came_last_is_shown_whichever_way_it_came(desk: Desk) -> None:
    await desk.accepted(message())
    desk.clock.advance(HOUR)
    await desk.new_inquiry(channel="web_form")
    listed = {each["name"]: each for each in (await desk.get("/channels"))["items"]}
    assert [*listed] == [*policy().channels]
    assert listed["facebook"]["last_delivery_at"] == "2026-11-24T12:00:00Z"
    assert listed["facebook"]["last_message_at"] == "2026-11-24T12:00:00Z"
    assert listed["web_form"]["last_delivery_at"] is None
    assert listed["web_form"]["last_message_at"] == "2026-11-24T13:00:00Z"
    assert listed["x"]["last_message_at"] is None
    assert listed["facebook"]["connector"] == "standard_webhooks"
    assert (listed["facebook"]["has_secret"], listed["web_form"]["has_secret"]) == (True, False)
    assert listed["youtube"]["service_level"] == "best_effort"


async def test_a_repeat_is_a_delivery_and_no_new_message(desk: Desk) -> None:
    posted = message()
    await desk.accepted(posted)
    desk.clock.advance(HOUR)
    assert (await desk.deliver(posted)).status_code == 200
    shown = await channel(desk)
    assert shown["last_delivery_at"] == "2026-11-24T13:00:00Z"
    assert shown["last_message_at"] == "2026-11-24T12:00:00Z"


async def test_it_is_known_after_a_restart_and_of_every_instance(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    for _ in range(2):
        async with opened(database_url, tmp_path, clock) as desk:
            await desk.deliver(message(author=..., text=...))  # empty: ignored
            await channel(desk)
            clock.advance(HOUR)
    async with opened(database_url, tmp_path, clock) as desk:
        older = Tally()
        older.add("facebook", "delivery", NOON - DAY)
        older.add("facebook", "ignored", NOON, kind="empty")
        await write(desk, older)
        shown = await channel(desk)
        assert shown["last_delivery_at"] == "2026-11-24T13:00:00Z"
        assert shown["ignored"] == [{"kind": "empty", "count": 3}]


async def test_instances_add_up_side_by_side(desk: Desk) -> None:
    names = ("facebook", "x", "email")
    tallies = []
    for turn in range(6):
        tally = Tally()
        for name in names if turn % 2 else reversed(names):
            tally.add(name, "message", NOON + HOUR * turn)
            tally.add(name, "failure", NOON, kind="headers", detail=f"{turn}")
        tallies.append(tally)
    await asyncio.gather(*(write(desk, each) for each in tallies))
    for name in names:
        shown = await channel(desk, name)
        assert shown["last_message_at"] == "2026-11-24T17:00:00Z"
        assert shown["signature_failures"]["last_24_hours"] == [{"kind": "headers", "count": 6}]


async def test_a_channel_is_silent_when_much_usually_comes_in_that_time(desk: Desk) -> None:
    await write(desk, usual_weeks())
    shown = await channel(desk)
    assert (shown["usual_gap_seconds"], shown["usual_since_last"]) == (900, 4)
    assert len(shown["usual_week"]) == 168
    assert shown["usual_week"][0] == {"weekday": "monday", "hour": 0, "messages": 4.0}
    assert shown["unusually_silent"] is False
    assert await readiness(desk) == {"status": "ok"}
    assert await metric(desk, "desk_channel_silent") == 0
    desk.clock.advance(2 * HOUR)
    shown = await channel(desk)
    assert shown["unusually_silent"] is True
    assert shown["problems"] == [REASON]


async def test_readiness_says_so_until_the_next_message(desk: Desk) -> None:
    await write(desk, usual_weeks())
    desk.clock.advance(2 * HOUR)
    assert await readiness(desk) == {"status": "degraded", "reason": REASON}
    assert await metric(desk, "desk_channel_silent") == 1
    last = await metric(desk, "desk_channel_last_message_timestamp_seconds")
    assert last == (NOON - HOUR).timestamp()
    await desk.accepted(message())
    assert (await channel(desk))["problems"] == []


async def test_on_a_channel_without_a_promise_silence_degrades_nothing(desk: Desk) -> None:
    tally = Tally()
    for (_, hour, what, _), n in usual_weeks().counts.items():
        tally.add("youtube", what, hour, n=n)
    await write(desk, tally)
    desk.clock.advance(3 * HOUR)
    assert (await channel(desk, "youtube"))["unusually_silent"] is True
    assert await readiness(desk) == {"status": "ok"}


async def test_failures_are_counted_for_a_day_and_named(desk: Desk) -> None:
    body = b'{"type": "message.created", "data": {"id": "m"}}'
    for headers in (desk.signed(body, secret=STRANGE_SECRET), {}):
        answer = await desk.deliver_raw(body, headers=headers)
        assert answer.status_code == 401
    shown = await channel(desk)
    assert shown["signature_failures"] == {
        "last_at": "2026-11-24T12:00:00Z",
        "last_problem": "webhook-id is missing",
        "last_24_hours": [{"kind": "headers", "count": 1}, {"kind": "signature", "count": 1}],
    }
    (said,) = shown["problems"]
    assert said.endswith("nothing that did since: webhook-id is missing")
    assert await readiness(desk) == {"status": "ok"}, "a forger could do that"
    desk.clock.advance(25 * HOUR)
    shown = await channel(desk)
    assert shown["signature_failures"]["last_24_hours"] == []
    assert shown["signature_failures"]["last_at"] == "2026-11-24T12:00:00Z"
    assert shown["problems"] == []


async def test_what_is_kept_aside_is_counted_with_its_age(desk: Desk) -> None:
    await desk.deliver([{"text": "no id"}])
    desk.clock.advance(HOUR)
    await desk.deliver([{"text": "none either"}])
    shown = await channel(desk)
    assert shown["quarantined"] == {"count": 2, "oldest_at": "2026-11-24T12:00:00Z"}
    assert (await channel(desk, "x"))["quarantined"] == {"count": 0, "oldest_at": None}


@pytest.mark.parametrize(
    ("facebook", "reason"),
    [
        (
            {"verification": Verification.OBSERVE},
            "facebook accepts what does not prove who sent it",
        ),
        (
            {"expires": date(2026, 12, 8)},
            "the secret or token of facebook ends on 2026-12-08 (in 13 days)",
        ),
        (
            {"expires": date(2026, 11, 20)},
            "the secret or token of facebook ended on 2026-11-20 (4 days ago)",
        ),
        ({"expires": date(2026, 12, 9)}, None),
    ],
)
async def test_what_an_operator_has_to_do_is_said_in_readiness(
    database_url: str, tmp_path: Path, clock: ManualClock, facebook: Any, reason: str | None
) -> None:
    async with opened(database_url, tmp_path, clock, facebook=facebook) as desk:
        assert (await readiness(desk)).get("reason") == reason
        assert (await channel(desk))["problems"] == ([reason] if reason else [])
        observes = "verification" in facebook
        assert await metric(desk, "desk_channel_observes") == observes
        if not observes:
            expires = await metric(desk, "desk_channel_expiry_timestamp_seconds")
            assert (await channel(desk))["expires"] == str(facebook["expires"])
            assert abs(expires - NOON.timestamp()) < 16 * 86_400


async def test_who_may_read_may_see_the_channels_and_there_are_no_others(desk: Desk) -> None:
    assert (await desk.get("/channels", key=READER))["items"]
    answer = await desk.request("GET", "/channels/facebok", key=READER)
    found = problem(answer, 404, "unknown-channel")
    assert "did you mean facebook?" in found["detail"]
    assert (await desk.request("GET", "/channels", key=None)).status_code == 401


async def test_the_loop_writes_what_was_counted_also_at_its_end(desk: Desk) -> None:
    await desk.accepted(message())
    (loop,) = [loop for name, loop in desk.service.own_loops if name == "channels"]
    stop = asyncio.Event()
    stop.set()
    await loop(stop)
    found = await desk.service.database.read(store.latest)
    assert found["facebook", "message"]["at"] == NOON


async def test_what_is_older_than_the_weeks_that_count_is_forgotten_but_not_when_it_came(
    desk: Desk,
) -> None:
    await write(desk, usual_weeks())
    desk.clock.advance(9 * WEEK)
    before = desk.clock.now() - 8 * WEEK
    await desk.service.database.write(store.forget, before=before)
    kept = await desk.service.database.read(store.messages_by_hour, NOON - 9 * WEEK)
    assert kept == {}
    assert (await channel(desk))["last_message_at"] == "2026-11-24T11:00:00Z"


class _Away:
    """A database that takes nothing."""

    async def write(self, *_: Any, **__: Any) -> None:
        raise DatabaseUnavailableError("away")


async def test_what_cannot_be_written_counts_later(clock: ManualClock) -> None:
    activity = Activity()
    away: Any = _Away()
    channels = Channels(
        away,
        clock,
        {},
        activity,
        quarantine=lambda _tx, _names: {},
        zone=ZoneInfo("UTC"),
        polls=lambda _tx, _now: {},
    )
    activity.accepted("x", NOON)
    with pytest.raises(DatabaseUnavailableError):
        await channels.flush()
    activity.accepted("x", NOON + HOUR)
    tally = activity.take()
    assert sum(tally.counts.values()) == 2
    assert tally.latest["x", "message"] == (NOON + HOUR, "")


async def test_a_desk_is_recognised_by_how_it_answers_at_a_channels_address(desk: Desk) -> None:
    answer = await desk.http.get("/intake/v1/webhooks/facebook")
    found = public_address("https://desk.example.org", "facebook", get=lambda *_, **__: answer)
    assert found.verdict == "ok"
    assert (await channel(desk))["signature_failures"]["last_at"] is None
