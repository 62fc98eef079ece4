"""What to take next at a desk, taken by one each, and how much there is; on both databases."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.router.conftest import NOON
from tests.services.router.desk import AGENT, BERT, POLICY, READER, Desk, Inquiry, opened
from tests.support.clock import ManualClock

HOUR = timedelta(hours=1)


async def _todo(desk: Desk, due: int | None, text: str = "Die Anmeldung ist abgestürzt.") -> str:
    """Received an hour after the one before, due so many hours after noon; its id."""
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(text))
    if due is not None:
        await desk.hears(inquiry.started(NOON + due * HOUR))
    return str((await desk.todo_of(inquiry))["id"])


async def _queue(desk: Desk, **params: Any) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await desk.get("/desks/technical/queue", limit=2, **params, **cursor)
        found += [todo["id"] for todo in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def _next(desk: Desk, **body: Any) -> httpx.Response:
    return await desk.post("/desks/technical/next", body or None)


async def test_a_queue_is_what_is_open_or_ones_own_by_due_time(desk: Desk) -> None:
    someday = await _todo(desk, None)
    later, mine, theirs, soon = [await _todo(desk, due) for due in (9, 5, 3, 1)]
    another_day = await _todo(desk, None)
    await _todo(desk, 1, text="Ihr Arschlöcher!")
    ended = await _todo(desk, 2)
    await desk.post(f"/todos/{mine}/claim")
    await desk.post(f"/todos/{theirs}/claim", key=BERT)
    await desk.post(f"/todos/{ended}/complete")
    best_effort = sorted([someday, another_day])
    assert await _queue(desk) == [soon, mine, later, *best_effort]
    assert await _queue(desk, assignee="Bert") == [soon, theirs, later, *best_effort]
    assert await _queue(desk, assignee="Dora") == [soon, later, *best_effort]


async def test_the_most_urgent_one_is_taken_until_nothing_is_open(desk: Desk) -> None:
    someday, later, soon = [await _todo(desk, due) for due in (None, 9, 1)]
    for wanted in (soon, later, someday):
        answer = await _next(desk, assignee="Dora")
        assert answer.status_code == 200, answer.text
        taken = answer.json()
        assert (taken["id"], taken["state"], taken["assignee"]) == (wanted, "claimed", "Dora")
        assert answer.headers["ETag"] == f'"{taken["version"]}"'
    nothing = await _next(desk, assignee="Dora")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert [fact.TYPE for fact in (await desk.facts())[-3:]] == ["todo.claimed"] * 3


async def test_many_who_ask_at_once_get_one_each(desk: Desk) -> None:
    todos = [await _todo(desk, n) for n in range(4)]
    answers = await asyncio.gather(*(_next(desk, assignee=f"person {n}") for n in range(6)))
    taken = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    assert sorted(taken) == sorted(todos)
    assert [answer.status_code for answer in answers].count(204) == 2


async def test_two_instances_never_take_the_same(
    postgres_copy: str, tmp_path: Path, clock: ManualClock
) -> None:
    """Each in a thread of its own, on one PostgreSQL, until nothing is open."""
    async with opened(postgres_copy, tmp_path, clock) as desk:
        todos = [await _todo(desk, n) for n in range(20)]
    barrier, one_by_one = threading.Barrier(3), threading.Lock()
    taken: list[str] = []

    async def takes(name: str) -> None:
        async with AsyncExitStack() as opening:
            # FastAPI changes the filters of warnings until it has answered for the first time.
            with one_by_one:
                desk = await opening.enter_async_context(opened(postgres_copy, tmp_path, clock))
                assert (await desk.post("/desks/review/next")).status_code == 204
            await asyncio.to_thread(barrier.wait, 60)
            while (answer := await _next(desk, assignee=name)).status_code == 200:
                taken.append(answer.json()["id"])

    threads = [threading.Thread(target=asyncio.run, args=(takes(n),)) for n in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join, 120)
    assert sorted(taken) == sorted(todos)


async def test_who_has_given_the_first_of_two_verdicts_goes_on_with_another_one(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    routing = POLICY.routing.model_copy(update={"netiquette_verdicts": 2})
    policy = POLICY.model_copy(update={"routing": routing})
    async with opened(database_url, tmp_path, clock, policy) as desk:
        todo = await _todo(desk, 1, text="Hm, nun ja, so eben.")
        first = await desk.post(f"/todos/{todo}/verdict", {"verdict": "netiquette", "by": "Anna"})
        assert first.json()["pending_verdict"]["by"] == "Anna"

        async def next_for(assignee: str) -> int:
            return (await desk.post("/desks/review/next", {"assignee": assignee})).status_code

        assert (await desk.get("/desks/review/queue", assignee="anna"))["items"] == []
        assert [await next_for(each) for each in ("anna", "Anna", "Berta")] == [204, 204, 200]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_unknown_filter_of_a_queue_is_refused(desk: Desk) -> None:
    answer = await desk.request("GET", "/desks/technical/queue", params={"asignee": "Anna"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.asignee"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_unknown_desk_is_not_found(desk: Desk) -> None:
    for answer in (
        await desk.request("GET", "/desks/sales/queue"),
        await desk.post("/desks/sales/next"),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:inbound-desk:problem:unknown-desk"
        assert answer.json()["errors"][0]["expected"] == "one of: inbound, review, technical"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_cursor_belongs_to_its_queue(desk: Desk) -> None:
    for due in range(3):
        await _todo(desk, due)
    page = await desk.get("/desks/technical/queue", limit=1)
    params = {"cursor": page["next_cursor"], "assignee": "Dora"}
    answer = await desk.request("GET", "/desks/technical/queue", params=params)
    assert answer.status_code == 422


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_may(desk: Desk) -> None:
    assert (await desk.post("/desks/technical/next", key=READER)).status_code == 403
    assert (await desk.request("GET", "/desks/technical/queue", key=READER)).status_code == 200
    assert (await desk.request("GET", "/counts", key=READER)).status_code == 200
    assert (await desk.post("/desks/technical/next", key=AGENT)).status_code == 204


async def test_counts_of_each_desk(desk: Desk) -> None:
    late, soon, *_ = [await _todo(desk, due) for due in (1, 20, 40, None)]
    await desk.post(f"/todos/{soon}/claim")
    for state in ("complete", "dismiss"):
        ended = await _todo(desk, 1)
        await desk.post(
            f"/todos/{ended}/{state}", {"reason": "spam"} if state == "dismiss" else None
        )
    await _todo(desk, None, text="Ihr Arschlöcher!")
    desk.clock.advance(2 * HOUR)
    counted = await desk.get("/counts")
    by_desk = {each.pop("desk"): each for each in counted["desks"]}
    nothing = dict.fromkeys(counted["total"], 0)
    assert by_desk == {
        "inbound": nothing,
        "review": {**nothing, "open": 1, "unassigned": 1},
        "technical": {
            "open": 3,
            "claimed": 1,
            "done": 1,
            "dismissed": 1,
            "unassigned": 3,
            "overdue": 1,
            "due_within_24_hours": 1,
        },
    }
    assert counted["total"] == {**by_desk["technical"], "open": 4, "unassigned": 4}
    assert (await desk.get("/todos", overdue="true"))["items"][0]["id"] == late


async def test_what_has_ended_is_counted_now_and_then(desk: Desk) -> None:
    todo = await _todo(desk, 1)
    before = await desk.get("/counts")
    await desk.post(f"/todos/{todo}/complete")
    kept = await desk.get("/counts")
    assert (before["total"]["open"], kept["total"]["open"]) == (1, 0)
    assert kept["total"]["done"] == 0
    desk.clock.advance(timedelta(seconds=61))
    again = await desk.get("/counts")
    assert again["total"]["done"] == 1
    assert again["ended_counted_at"] > kept["ended_counted_at"] == before["ended_counted_at"]
