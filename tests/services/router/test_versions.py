"""Each change that a person sees is a version, and nobody acts on one that is not any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.router.todos.usecases import retention, terms
from shared.events.inquiries import MessageEdited, MessageWithdrawn, OwnPostSeen, ReplyWithdrawn
from shared.runtime.ids import new_id
from tests.services.router.desk import BERT, READER, Desk, Inquiry, opened, refused
from tests.support.clock import ManualClock

HOUR = timedelta(hours=1)
MOVES: dict[str, Any] = {
    "claim": None,
    "release": None,
    "complete": None,
    "reroute": {"desk": "inbound", "reason": "x"},
    "dismiss": {"reason": "spam"},
    "reopen": {"reason": "x"},
}


async def _shown(desk: Desk, todo_id: str, **headers: str) -> httpx.Response:
    return await desk.request("GET", f"/todos/{todo_id}", headers=headers)


async def _move(desk: Desk, todo_id: str, move: str, **headers: str) -> httpx.Response:
    path = f"/todos/{todo_id}/{move}"
    return await desk.request("POST", path, json=MOVES[move], headers=headers)


async def test_a_todo_has_its_version_as_its_tag(desk: Desk) -> None:
    todo = await desk.new_todo()
    shown = await _shown(desk, todo["id"])
    assert shown.headers["ETag"] == f'"{shown.json()["version"]}"'
    assert shown.headers["Cache-Control"] == "no-store"
    [listed] = (await desk.get("/todos"))["items"]
    assert listed["version"] == shown.json()["version"]


async def test_each_verb_answers_the_next_version(desk: Desk) -> None:
    todo = await desk.new_todo()
    version = todo["version"]
    for move in ("claim", "release", "reroute", "dismiss", "reopen", "complete"):
        answer = await _move(desk, todo["id"], move, **{"If-Match": f'"{version}"'})
        assert answer.status_code == 200, answer.text
        version += 1
        assert answer.headers["ETag"] == f'"{version}"'
        assert answer.json()["version"] == version
    assert (await desk.get(f"/todos/{todo['id']}"))["version"] == version


@pytest.mark.parametrize("move", MOVES)
async def test_a_stale_tag_changes_nothing(desk: Desk, move: str) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    read = await desk.todo_of(inquiry)
    await desk.hears(inquiry.added("Noch etwas."))
    before = await desk.todo_of(inquiry)
    told = len(await desk.told())
    answer = await _move(desk, read["id"], move, **{"If-Match": f'"{read["version"]}"'})
    problem = refused(answer, 412, "todo-changed")
    stands = {name: before[name] for name in ("version", "state", "desk", "assignee")}
    assert problem == {**problem, **stands, "etag": f'"{before["version"]}"'}
    assert await desk.todo_of(inquiry) == before
    assert len(await desk.told()) == told


async def test_weak_tags_match_nothing_and_any_is_any(desk: Desk) -> None:
    todo = await desk.new_todo()
    tag = f'"{todo["version"]}"'
    answer = await _move(desk, todo["id"], "claim", **{"If-Match": f"W/{tag}"})
    assert "without W/" in refused(answer, 412, "todo-changed")["detail"]
    assert (await _move(desk, todo["id"], "claim", **{"If-Match": "*"})).status_code == 200


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
async def test_a_header_that_is_no_list_of_tags(desk: Desk, header: str) -> None:
    todo = await desk.new_todo()
    if header == "If-Match":
        answer = await _move(desk, todo["id"], "claim", **{header: "7"})
    else:
        answer = await _shown(desk, todo["id"], **{header: "7"})
    problem = refused(answer, 400, "malformed-precondition")
    assert problem["errors"][0]["field"] == f"header.{header}"
    assert (await desk.get(f"/todos/{todo['id']}"))["state"] == "open"


async def test_several_headers_are_one_list(desk: Desk) -> None:
    todo = await desk.new_todo()
    headers = [
        ("Authorization", f"Bearer {desk.KEY}"),
        ("If-Match", '"99"'),
        ("If-Match", f'"{todo["version"]}"'),
    ]
    path = f"/router/v1/todos/{todo['id']}/claim"
    assert (await desk.http.post(path, headers=headers)).status_code == 200
    assert (await desk.http.post(path, headers=headers)).status_code == 412


async def test_an_unknown_todo_is_not_found_whatever_was_read(desk: Desk) -> None:
    answer = await _move(desk, str(new_id()), "claim", **{"If-Match": "*"})
    refused(answer, 404, "todo-not-found")
    refused(await _shown(desk, str(new_id()), **{"If-None-Match": "*"}), 404, "todo-not-found")


async def test_what_one_has_is_not_sent_again(desk: Desk) -> None:
    todo = await desk.new_todo()
    tag = f'"{todo["version"]}"'
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = await _shown(desk, todo["id"], **{"If-None-Match": given})
        assert (answer.status_code, answer.content) == (304, b""), given
        assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == (tag, "no-store")
    assert (await _shown(desk, todo["id"], **{"If-None-Match": '"99"'})).status_code == 200
    await desk.post(f"/todos/{todo['id']}/claim")
    assert (await _shown(desk, todo["id"], **{"If-None-Match": tag})).status_code == 200


async def test_nobody_is_told_without_a_key_that_reads(desk: Desk) -> None:
    todo = await desk.new_todo()
    path, tag = f"/todos/{todo['id']}", {"If-None-Match": f'"{todo["version"]}"'}
    assert (await desk.request("GET", path, key=None, headers=tag)).status_code == 401
    assert (await desk.request("GET", path, key=READER, headers=tag)).status_code == 304


Step = Callable[[], Awaitable[object]]


def _steps(desk: Desk, inquiry: Inquiry) -> Iterator[tuple[str, Step]]:
    """What changes a ToDo in the eyes of a person, in an order in which all of it does."""
    clock, due = desk.clock, inquiry.at + 8 * HOUR
    ids: dict[str, Any] = {
        "inquiry_id": inquiry.inquiry_id,
        "conversation_id": inquiry.conversation_id,
    }
    first, answer = inquiry.received(), inquiry.answered()

    def hears(*facts: Any) -> Step:
        return lambda: desk.hears(*facts)

    def moves(move: str, body: Any = None) -> Step:
        async def go() -> None:
            todo = await desk.todo_of(inquiry)
            answer = await desk.post(f"/todos/{todo['id']}/{move}", body or MOVES[move])
            assert answer.status_code == 200, answer.text

        return go

    async def strip() -> None:
        todo = await desk.todo_of(inquiry)
        before = clock.now() + 100 * HOUR
        await desk.service.database.write(
            retention.remove, [UUID(todo["id"])], before=before, now=clock.now()
        )

    async def hold_terms() -> None:
        before = clock.now() + 100 * HOUR
        await desk.service.database.write(
            terms.remove_words, [inquiry.inquiry_id], before=before, now=clock.now()
        )

    yield "received", hears(first)
    yield "started", hears(inquiry.started(due))
    yield "warned", hears(inquiry.warned(due))
    yield "held", hears(inquiry.held(due + HOUR))
    yield "moved", hears(inquiry.moved(due + HOUR))
    yield "breached", hears(inquiry.breached(due + HOUR))
    yield "added", hears(inquiry.added("Noch etwas."))
    edited = MessageEdited(
        **ids,
        message_id=first.message_id,
        channel=inquiry.channel,
        edited_at=inquiry.at + HOUR,
        text="Was kostet das?",
    )
    yield "edited", hears(edited)
    withdrawn = MessageWithdrawn(**ids, message_id=first.message_id, withdrawn_at=inquiry.at + HOUR)
    yield "withdrawn", hears(withdrawn)
    yield "claim", moves("claim")
    yield "release", moves("release")
    yield "assign", moves("assign", {"assignee": "Bert"})
    yield "taken back", moves("release", {"as_supervisor": True})
    yield "reroute", moves("reroute", {"desk": "technical", "reason": "x"})
    yield (
        "own post",
        hears(OwnPostSeen(**ids, message_id=new_id(), posted_at=inquiry.at, posted_by="Carla")),
    )
    yield "dismiss", moves("dismiss")
    yield "added after the end", hears(inquiry.added("Und?", at=inquiry.at + HOUR))
    yield "reopen", moves("reopen")
    yield "verdict", moves("verdict", {"verdict": "spam", "as_supervisor": True})
    yield "appeal", moves("appeal", {"reason": "it is none"})
    yield "answered", hears(answer)
    yield "met", hears(inquiry.met(due + HOUR))
    yield (
        "reply withdrawn",
        hears(
            ReplyWithdrawn(
                **ids,
                message_id=answer.message_id,
                withdrawn_at=inquiry.at + HOUR,
                withdrawn_by="Carla",
                revision=answer.revision + 1,
            )
        ),
    )
    yield "terms", hold_terms
    yield "closed", hears(replace(inquiry, at=inquiry.at + HOUR).closed("spam"))
    yield "removed", strip


async def test_the_version_changes_exactly_with_what_is_shown(desk: Desk) -> None:
    """Also by facts; and a fact that comes again changes neither."""
    inquiry = Inquiry(desk.clock.now())
    shown: dict[str, Any] = {"version": 0}
    for name, step in _steps(desk, inquiry):
        await step()
        now = await desk.todo_of(inquiry)
        assert _without_version(now) != _without_version(shown), f"{name} shows nothing"
        assert now["version"] > shown["version"], name
        shown = now


def _without_version(todo: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in todo.items() if name != "version"}


async def test_a_fact_that_comes_again_is_no_version(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    due = inquiry.at + 8 * HOUR
    facts = [
        inquiry.received(),
        inquiry.started(due),
        inquiry.warned(due),
        inquiry.added("Noch etwas."),
        inquiry.answered(),
        inquiry.met(due),
    ]
    await desk.hears(*facts)
    before = await desk.todo_of(inquiry)
    await desk.hears(facts[0], *facts[3:])
    assert (await desk.todo_of(inquiry))["version"] == before["version"]


async def test_a_deadline_that_came_first_is_in_the_first_version(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    started = inquiry.started(inquiry.at + HOUR)
    await desk.hears(started, inquiry.received())
    before = await desk.todo_of(inquiry)
    assert before["version"] == 1
    await desk.hears(started)
    assert (await desk.todo_of(inquiry))["version"] == 1


async def test_of_two_claims_at_once_one_wins(
    postgres_copy: str, tmp_path: Path, clock: ManualClock
) -> None:
    """Two instances of the router, each in a thread of its own, on one PostgreSQL."""
    rounds = 5
    async with opened(postgres_copy, tmp_path, clock) as desk:
        todos = [await desk.new_todo() for _ in range(rounds)]
    barrier, one_by_one = threading.Barrier(2), threading.Lock()
    answers: dict[str, list[httpx.Response]] = {"Anna": [], "Bert": []}

    async def claims(name: str) -> None:
        async with AsyncExitStack() as opening:
            # FastAPI changes the filters of warnings until it has answered for the first time.
            with one_by_one:
                desk = await opening.enter_async_context(opened(postgres_copy, tmp_path, clock))
                refused(await _move(desk, str(new_id()), "claim"), 404, "todo-not-found")
            for todo in todos:
                await asyncio.to_thread(barrier.wait, 60)
                body, read = {"assignee": name}, {"If-Match": f'"{todo["version"]}"'}
                path = f"/todos/{todo['id']}/claim"
                answers[name].append(await desk.request("POST", path, json=body, headers=read))

    threads = [threading.Thread(target=asyncio.run, args=(claims(name),)) for name in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join, 120)
    assert [len(each) for each in answers.values()] == [rounds, rounds]
    for todo, anna, bert in zip(todos, answers["Anna"], answers["Bert"], strict=True):
        won, lost = sorted((anna, bert), key=lambda answer: answer.status_code)
        assert won.status_code == 200, won.text
        problem = refused(lost, 412, "todo-changed")
        assert problem["assignee"] == won.json()["assignee"]
        assert problem["version"] == todo["version"] + 1


async def test_without_a_tag_the_loser_meets_the_claim(desk: Desk) -> None:
    todo = await desk.new_todo()
    assert (await desk.post(f"/todos/{todo['id']}/claim")).status_code == 200
    answer = await desk.post(f"/todos/{todo['id']}/claim", key=BERT)
    refused(answer, 409, "todo-claimed")
