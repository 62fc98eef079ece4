"""One action for many ToDos: each for itself, on both databases."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.db import DatabaseUnavailableError
from shared.runtime.ids import new_id
from tests.services.router.desk import AGENT, BERT, READER, Desk, types

ACTIONS: list[dict[str, Any]] = [
    {"action": "claim", "assignee": "Dora"},
    {"action": "assign", "assignee": "Emil", "reason": "knows them"},
    {"action": "release", "as_supervisor": True},
    {"action": "reroute", "desk": "inbound", "reason": "asks for an invoice"},
    {"action": "complete", "by": "Dora"},
    {"action": "reopen", "reason": "called again"},
    {"action": "dismiss", "reason": "spam"},
]
ID = "01935b1e-7c00-7000-8000-000000000001"


async def _bulk(desk: Desk, ids: list[str], /, *, key: str = "", **body: Any) -> httpx.Response:
    return await desk.post("/todos/bulk", {"ids": ids, **body}, key=key)


async def _done(desk: Desk, ids: list[str], /, **body: Any) -> dict[str, Any]:
    answer = await _bulk(desk, ids, **body)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    assert [each["id"] for each in done["results"]] == ids
    return done


async def _ids(desk: Desk, count: int) -> list[str]:
    return [(await desk.new_todo())["id"] for _ in range(count)]


async def test_each_action_does_what_it_does_for_one(desk: Desk) -> None:
    ids = await _ids(desk, 3)
    for number, action in enumerate(ACTIONS):
        done = await _done(desk, ids, **action)
        assert done["failed"] == 0, done
        for result in done["results"]:
            shown = await desk.get(f"/todos/{result['id']}")
            assert (result["status"], result["problem"]) == (200, None)
            assert (result["version"], result["state"]) == (shown["version"], shown["state"])
            assert len(shown["history"]) == number + 2
    assert shown["assignee"] == "Anna"
    wanted = ["claimed", "claimed", "released", "rerouted", "completed", "reopened", "dismissed"]
    told = types(await desk.facts())[3:]
    assert told == [f"todo.{each}" for each in wanted for _ in ids]


async def test_one_that_fails_undoes_none_of_the_others(desk: Desk) -> None:
    free, ended, stale, taken = await _ids(desk, 4)
    missing = str(new_id())
    await desk.post(f"/todos/{ended}/complete")
    await desk.post(f"/todos/{taken}/claim", key=BERT)
    ids = [ended, missing, stale, taken, free]
    done = await _done(desk, ids, action="claim", if_match={stale: 99, free: 1})
    codes = [
        each["problem"] and each["problem"]["type"].rpartition(":")[2] for each in done["results"]
    ]
    assert codes == ["todo-closed", "todo-not-found", "todo-changed", "todo-claimed", None]
    assert [each["status"] for each in done["results"]] == [409, 404, 412, 409, 200]
    assert done["failed"] == 4
    assert done["results"][2]["problem"]["etag"] == '"1"'
    assert done["results"][3]["problem"]["assignee"] == "Bert"
    assert (await desk.get(f"/todos/{free}"))["state"] == "claimed"
    assert (await desk.get(f"/todos/{stale}"))["state"] == "open"


async def test_the_review_desk_judges_many(desk: Desk) -> None:
    ids = [(await desk.new_todo("Hm, nun ja, so eben."))["id"] for _ in range(2)]
    elsewhere = (await desk.new_todo())["id"]
    done = await _done(desk, [*ids, elsewhere], action="verdict", verdict="spam", by="Anna")
    assert [each["status"] for each in done["results"]] == [200, 200, 409]
    for todo_id in ids:
        judged = await desk.get(f"/todos/{todo_id}")
        assert (judged["state"], judged["dismiss_reason"]) == ("dismissed", "spam")
        assert judged["history"][-1]["what"] == "verdict"


async def test_the_same_once_more_does_no_harm(desk: Desk) -> None:
    ids = await _ids(desk, 2)
    for action in ACTIONS:
        await _done(desk, ids, **action)
        before = [await desk.get(f"/todos/{each}") for each in ids]
        told = len(await desk.told())
        again = await _done(desk, ids, **action)
        assert {each["status"] for each in again["results"]} <= {200, 409}
        assert [await desk.get(f"/todos/{each}") for each in ids] == before
        assert len(await desk.told()) == told


async def test_a_hundred_at_once(desk: Desk) -> None:
    first, second = await _ids(desk, 2)
    ids = [first, *(str(new_id()) for _ in range(98)), second]
    done = await _done(desk, ids, action="claim")
    assert [done["results"][0]["status"], done["results"][99]["status"]] == [200, 200]
    assert done["failed"] == 98
    answer = await _bulk(desk, [*ids, str(new_id())], action="claim")
    assert answer.json()["errors"][0]["field"] == "ids"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nothing_more_is_tried_when_the_database_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await _ids(desk, 4)
    write, tried = desk.service.database.write, 0

    async def failing(verb: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal tried
        tried += 1
        if tried == 2:
            raise DatabaseUnavailableError("the disk is full")
        return await write(verb, *args, **kwargs)

    monkeypatch.setattr(desk.service.database, "write", failing)
    done = await _done(desk, ids, action="claim")
    assert [each["status"] for each in done["results"]] == [200, 503, 503, 503]
    assert tried == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_may(desk: Desk) -> None:
    ids = await _ids(desk, 1)
    assert (await _bulk(desk, ids, action="claim", key=READER)).status_code == 403
    body = {"action": "release", "as_supervisor": True}
    assert (await _bulk(desk, ids, key=AGENT, **body)).status_code == 403
    assert (await _bulk(desk, ids, action="assign", assignee="Bert", key=AGENT)).status_code == 403
    mine = await _bulk(desk, ids, action="assign", assignee="Agent", key=AGENT)
    assert mine.json()["results"][0]["state"] == "claimed"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"action": "claim", "ids": []}, "invalid-request"),
        ({"action": "claim"}, "invalid-request"),
        ({"action": "destroy", "ids": ["{}"]}, "invalid-request"),
        ({"ids": ["{}"]}, "invalid-request"),
        ({"action": "claim", "ids": ["{}", "{}"]}, "invalid-request"),
        ({"action": "claim", "ids": ["{}"], "if_match": {str(new_id()): 1}}, "invalid-request"),
        ({"action": "claim", "ids": ["{}"], "if_match": {"{}": "7x"}}, "invalid-request"),
        ({"action": "claim", "ids": ["{}"], "desk": "inbound"}, "invalid-request"),
        ({"action": "dismiss", "ids": ["{}"]}, "invalid-request"),
        ({"action": "verdict", "ids": ["{}"], "verdict": "unsure"}, "invalid-request"),
        (
            {"action": "verdict", "ids": ["{}"], "verdict": "technical", "desk": "inbound"},
            "invalid-request",
        ),
        ({"action": "reroute", "ids": ["{}"], "desk": "sales", "reason": "x"}, "unknown-desk"),
    ],
)
async def test_what_is_wrong_with_the_action_refuses_the_whole(
    desk: Desk, body: dict[str, Any], code: str
) -> None:
    [todo_id] = await _ids(desk, 1)

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(each) for each in value]
        if isinstance(value, dict):
            return {named(key): each for key, each in value.items()}
        return todo_id if value == "{}" else value

    answer = await desk.post("/todos/bulk", {key: named(value) for key, value in body.items()})
    assert answer.status_code == 422
    assert answer.json()["type"] == f"urn:inbound-desk:problem:{code}"
    assert (await desk.get(f"/todos/{todo_id}"))["state"] == "open"


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        ({"action": "claim", "ids": []}, "ids", "at least 1 items"),
        ({"action": "claim", "ids": ["x"]}, "ids.0", "an id such as"),
        ({"action": "dismiss", "ids": [ID], "reason": "rude"}, "reason", "one of: netiquette"),
        ({"action": "assign", "ids": [ID]}, "assignee", "give a value for this field"),
        ({"action": "release", "ids": [ID, ID]}, "ids", "each id once"),
        ({"action": "explode", "ids": [ID]}, "action", "one of: claim, assign"),
        ({"ids": [ID]}, "action", "give a value for this field"),
        ({"action": "claim", "ids": [ID], "by": "Anna"}, "by", "leave it out"),
    ],
)
async def test_what_is_wrong_is_named_as_in_the_request(
    desk: Desk, body: dict[str, Any], field: str, expected: str
) -> None:
    answer = await desk.post("/todos/bulk", body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert expected in error["expected"]
