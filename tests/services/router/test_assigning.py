"""Giving work to people, and what becomes of it when they are absent; on both databases."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.router.todos.absences import hand_on_once, loop
from shared.events.inquiries import ReplyWithdrawn
from shared.events.todos import TodoClaimed, TodoReleased
from tests.services.router.conftest import NOON
from tests.services.router.desk import (
    AGENT,
    ANNA,
    BERT,
    READER,
    Desk,
    Inquiry,
    history,
    refused,
    types,
)

HOUR = timedelta(hours=1)


async def _assign(desk: Desk, todo: dict[str, Any], assignee: str, **body: Any) -> httpx.Response:
    key = body.pop("key", "")
    return await desk.post(f"/todos/{todo['id']}/assign", {"assignee": assignee, **body}, key=key)


async def _absent(
    desk: Desk, person: str, since: datetime, until: datetime, **body: Any
) -> httpx.Response:
    body = {"from": since.isoformat(), "until": until.isoformat(), **body}
    return await desk.request("PUT", f"/people/{person}/absence", json=body)


async def _hand_on(desk: Desk) -> int:
    return await hand_on_once(desk.service.database, desk.clock, asyncio.Event())


async def test_a_supervisor_gives_it_to_a_person(desk: Desk) -> None:
    todo = await desk.new_todo()
    answer = await _assign(desk, todo, "Bert", reason="knows the customer")
    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert (given["state"], given["assignee"]) == ("claimed", "Bert")
    assert history(given)[-1] == ("Anna", "assigned", "to Bert: knows the customer")
    assert given["history"][-1]["as_supervisor"]
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoClaimed)
    assert (fact.assignee, fact.assigned_by, fact.desk) == ("Bert", "Anna", todo["desk"])
    done = await desk.post(f"/todos/{todo['id']}/complete", key=BERT)
    assert (done.status_code, done.json()["ended_by"]) == (200, "Bert")


async def test_it_is_taken_from_one_and_given_to_another(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim", key=BERT)
    answer = await _assign(desk, todo, "Carla")
    assert answer.json()["assignee"] == "Carla"
    assert types(await desk.facts()) == ["todo.created", "todo.claimed", "todo.claimed"]
    again = await _assign(desk, todo, "Carla")
    assert again.json()["version"] == answer.json()["version"]
    assert len(await desk.facts()) == 3
    taken = await _assign(desk, todo, "Anna", as_supervisor=True)
    assert taken.json()["assignee"] == "Anna"


async def test_without_the_scope_one_takes_only_what_is_free(desk: Desk) -> None:
    todo = await desk.new_todo()
    answer = await _assign(desk, todo, "Bert", key=AGENT)
    refused(answer, 403, "scope-missing")
    refused(await _assign(desk, todo, "Agent", key=AGENT, as_supervisor=True), 403, "scope-missing")
    mine = await _assign(desk, todo, "Agent", key=AGENT)
    assert (mine.status_code, mine.json()["assignee"]) == (200, "Agent")
    other = await desk.new_todo()
    await desk.post(f"/todos/{other['id']}/claim", key=BERT)
    refused(await _assign(desk, other, "Agent", key=AGENT), 409, "todo-claimed")


async def test_what_has_ended_is_assigned_to_nobody(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/complete")
    refused(await _assign(desk, todo, "Bert"), 409, "todo-closed")


async def test_nothing_is_assigned_to_who_is_absent(desk: Desk) -> None:
    todo = await desk.new_todo()
    until = NOON + 3 * HOUR
    assert (await _absent(desk, "Bert", NOON + HOUR, until, substitute="Carla")).status_code == 200
    assert (await _assign(desk, todo, "Bert")).status_code == 200
    await _assign(desk, todo, "Anna", as_supervisor=True)
    desk.clock.advance(HOUR)
    problem = refused(await _assign(desk, todo, "Bert"), 409, "assignee-absent")
    ends = until.isoformat().replace("+00:00", "Z")
    assert (problem["until"], problem["substitute"]) == (ends, "Carla")
    assert ends in problem["detail"]
    assert (await desk.get(f"/todos/{todo['id']}"))["assignee"] == "Anna"
    desk.clock.advance(2 * HOUR)
    assert (await _assign(desk, todo, "Bert")).status_code == 200


async def test_whoever_takes_something_is_there(desk: Desk) -> None:
    await _absent(desk, "Bert", NOON, NOON + HOUR)
    todo = await desk.new_todo()
    assert (await desk.post(f"/todos/{todo['id']}/claim", key=BERT)).status_code == 200


async def test_when_the_absence_begins_all_goes_back_to_its_desk(desk: Desk) -> None:
    todos = [await desk.new_todo() for _ in range(3)]
    for todo in todos[:2]:
        await desk.post(f"/todos/{todo['id']}/claim", key=BERT)
    await desk.post(f"/todos/{todos[2]['id']}/claim", key=ANNA)
    until = NOON + 9 * HOUR
    await _absent(desk, "Bert", NOON + HOUR, until, by="Dora")
    assert await _hand_on(desk) == 0
    desk.clock.advance(HOUR)
    assert await _hand_on(desk) == 2
    for todo in todos[:2]:
        freed = await desk.get(f"/todos/{todo['id']}")
        assert (freed["state"], freed["assignee"]) == ("open", None)
        why = f"Bert is absent until {until.isoformat()}"
        assert history(freed)[-1] == ("Dora", "released", why)
    assert (await desk.get(f"/todos/{todos[2]['id']}"))["assignee"] == "Anna"
    released = [each for each in await desk.facts() if isinstance(each, TodoReleased)]
    assert [fact.released_by for fact in released] == ["Dora", "Dora"]
    assert await _hand_on(desk) == 0


async def test_the_substitute_gets_it_unless_absent_as_well(desk: Desk) -> None:
    first, second = await desk.new_todo(), await desk.new_todo()
    await desk.post(f"/todos/{first['id']}/claim", {"assignee": "Bert"})
    await desk.post(f"/todos/{second['id']}/claim", {"assignee": "Dora"})
    await _absent(desk, "Bert", NOON, NOON + HOUR, substitute="Carla")
    await _absent(desk, "Dora", NOON, NOON + HOUR, substitute="Bert")
    assert await _hand_on(desk) == 2
    given = await desk.get(f"/todos/{first['id']}")
    assert (given["state"], given["assignee"]) == ("claimed", "Carla")
    assert history(given)[-1][1] == "assigned"
    assert (await desk.get(f"/todos/{second['id']}"))["state"] == "open"
    [fact] = [each for each in (await desk.facts())[-2:] if isinstance(each, TodoClaimed)]
    assert (fact.assignee, fact.assigned_by) == ("Carla", "Anna")


async def test_the_return_changes_nothing_and_what_is_taken_meanwhile_stays(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim", {"assignee": "Bert"})
    await _absent(desk, "Bert", NOON, NOON + 2 * HOUR, substitute="Carla")
    assert await _hand_on(desk) == 1
    mine = await desk.new_todo()
    await desk.post(f"/todos/{mine['id']}/claim", key=BERT)
    await _absent(desk, "Bert", NOON, NOON + 5 * HOUR)
    assert await _hand_on(desk) == 0
    desk.clock.advance(6 * HOUR)
    assert await _hand_on(desk) == 0
    assert (await desk.get(f"/todos/{mine['id']}"))["assignee"] == "Bert"
    assert (await desk.get(f"/todos/{todo['id']}"))["assignee"] == "Carla"
    assert (await desk.request("DELETE", "/people/Bert/absence")).status_code == 404


@pytest.mark.parametrize("substitute", ["Carla", None])
async def test_what_comes_back_to_who_is_absent_is_handed_on(
    desk: Desk, substitute: str | None
) -> None:
    one = Inquiry(NOON)
    answer = one.answered("Bert")
    await desk.hears(one.received())
    path = f"/todos/{(await desk.todo_of(one))['id']}"
    assert (await desk.post(f"{path}/claim", {"assignee": "Bert"})).is_success
    await desk.hears(answer)
    await _absent(desk, "Bert", NOON, NOON + HOUR, substitute=substitute)
    assert await _hand_on(desk) == 0
    withdrawn = ReplyWithdrawn(
        inquiry_id=one.inquiry_id,
        conversation_id=one.conversation_id,
        message_id=answer.message_id,
        withdrawn_at=NOON,
        withdrawn_by="Dora",
        revision=1,
    )
    await desk.hears(withdrawn)
    todo = await desk.get(path)
    assert (todo["state"], todo["assignee"]) == ("claimed" if substitute else "open", substitute)
    assert history(todo)[-2][1] == "reply_withdrawn"
    assert isinstance((await desk.facts())[-1], TodoClaimed if substitute else TodoReleased)


async def test_an_absence_that_nobody_saw_begin_hands_on_nothing(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim", key=BERT)
    await _absent(desk, "Bert", NOON + HOUR, NOON + 2 * HOUR)
    desk.clock.advance(3 * HOUR)
    assert await _hand_on(desk) == 0
    assert (await desk.get(f"/todos/{todo['id']}"))["assignee"] == "Bert"


async def test_more_than_fit_into_one_transaction(desk: Desk) -> None:
    todos = [await desk.new_todo() for _ in range(52)]
    for todo in todos:
        await desk.post(f"/todos/{todo['id']}/claim", key=BERT)
    await _absent(desk, "Bert", NOON, NOON + HOUR)
    assert await _hand_on(desk) == 52
    assert (await desk.get("/todos", assignee="Bert"))["items"] == []


async def test_two_instances_hand_on_once(desk: Desk) -> None:
    todos = [await desk.new_todo() for _ in range(4)]
    for todo in todos:
        await desk.post(f"/todos/{todo['id']}/claim", key=BERT)
    await _absent(desk, "Bert", NOON, NOON + HOUR)
    assert sum(await asyncio.gather(*(_hand_on(desk) for _ in range(3)))) == 4
    assert types(await desk.facts()).count("todo.released") == 4


async def test_two_who_say_it_at_once(desk: Desk) -> None:
    """Of the first absence of a person, which both have not found."""
    hours = range(1, 5)
    puts = [_absent(desk, "Bert", NOON, NOON + n * HOUR, substitute="Carla") for n in hours]
    answers = await asyncio.gather(*puts)
    assert {answer.status_code for answer in answers} == {200}
    [shown] = (await desk.get("/people/absences"))["items"]
    assert shown in [answer.json() for answer in answers]


async def test_a_running_router_sees_it_begin(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim", key=BERT)
    await _absent(desk, "Bert", NOON, NOON + HOUR)
    woken, stop = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(loop(desk.service.database, desk.clock, woken.set)(stop))
    await asyncio.wait_for(woken.wait(), 60)
    stop.set()
    await running
    assert (await desk.get(f"/todos/{todo['id']}"))["state"] == "open"


async def test_absences_are_listed_replaced_and_ended(desk: Desk) -> None:
    assert (await _absent(desk, "Bert", NOON + HOUR, NOON + 2 * HOUR)).status_code == 200
    put = await _absent(desk, "Bert", NOON + HOUR, NOON + 3 * HOUR, substitute="Carla")
    shown = put.json()
    assert (shown["person"], shown["substitute"], shown["set_by"]) == ("Bert", "Carla", "Anna")
    assert shown["from"] == "2026-11-24T13:00:00Z"
    await _absent(desk, "Carla", NOON, NOON + HOUR)
    listed = await desk.get("/people/absences", limit=1)
    assert [each["person"] for each in listed["items"]] == ["Carla"]
    following = await desk.get("/people/absences", limit=1, cursor=listed["next_cursor"])
    assert following["items"] == [shown]
    assert (await desk.request("DELETE", "/people/Bert/absence")).status_code == 204
    refused(await desk.request("DELETE", "/people/Bert/absence"), 404, "no-absence")
    assert len((await desk.get("/people/absences"))["items"]) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_for_somebody_else_it_takes_the_scope(desk: Desk) -> None:
    body = {"from": NOON.isoformat(), "until": (NOON + HOUR).isoformat()}

    async def put(person: str, **more: str) -> httpx.Response:
        path = f"/people/{person}/absence"
        return await desk.request("PUT", path, key=AGENT, json={**body, **more})

    refused(await put("Bert"), 403, "scope-missing")
    refused(await put("Agent", by="Bert"), 403, "scope-missing")
    assert (await put("Agent")).status_code == 200
    assert (await put("Bert", by="Bert")).status_code == 200
    gone = await desk.request("DELETE", "/people/Bert/absence", key=AGENT)
    refused(gone, 403, "scope-missing")
    path = "/people/Bert/absence"
    assert (await desk.request("DELETE", path, key=AGENT, params={"by": "Bert"})).status_code == 204
    refused(await desk.request("PUT", path, key=READER, json=body), 403, "scope-missing")
    assert (await desk.request("GET", "/people/absences", key=READER)).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"from": NOON + HOUR, "until": NOON + HOUR}, "wrong-span", "until"),
        ({"from": NOON - 2 * HOUR, "until": NOON}, "wrong-span", "until"),
        (
            {"from": NOON, "until": NOON + HOUR, "substitute": "Bert"},
            "invalid-request",
            "substitute",
        ),
        ({"from": NOON, "until": NOON + HOUR, "substitute": " "}, "invalid-request", "substitute"),
        ({"from": NOON}, "invalid-request", "until"),
        ({"begins_at": NOON, "until": NOON + HOUR}, "invalid-request", "from"),
        ({"from": "tomorrow", "until": NOON + HOUR}, "invalid-request", "from"),
    ],
)
async def test_what_is_no_absence(desk: Desk, body: dict[str, Any], code: str, field: str) -> None:
    sent = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in body.items()}
    answer = await desk.request("PUT", "/people/Bert/absence", json=sent)
    problem = refused(answer, 422, code)
    assert field in {each["field"] for each in problem["errors"]}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_name_in_the_path_is_cleaned_as_any(desk: Desk) -> None:
    body = {"from": NOON.isoformat(), "until": (NOON + HOUR).isoformat()}
    answer = await desk.request("PUT", "/people/%20Bert%20/absence", json=body)
    assert answer.json()["person"] == "Bert"
    for name in ("x" * 201, "%20"):
        answer = await desk.request("PUT", f"/people/{name}/absence", json=body)
        assert answer.status_code == 422, name
