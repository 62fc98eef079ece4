"""What a list can be narrowed to, alone and together, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.services.router.conftest import NOON
from tests.services.router.desk import BERT, Desk, Inquiry

HOUR = timedelta(hours=1)
TEXTS = {"technical": "Die Anmeldung ist abgestürzt.", "review": "Ihr Arschlöcher!"}


async def _sixteen(desk: Desk) -> list[dict[str, Any]]:
    """At two desks and in four states, each once without and once with a due time."""
    made = []
    cases = product(TEXTS, ("open", "claimed", "done", "dismissed"), (False, True))
    for n, (at_desk, state, due) in enumerate(cases):
        inquiry = Inquiry(NOON + n * HOUR, channel="web_form")
        await desk.hears(inquiry.received(TEXTS[at_desk]))
        if due:
            await desk.hears(inquiry.started(NOON + (20 - n) * HOUR))
        todo = await desk.todo_of(inquiry)
        path = f"/todos/{todo['id']}"
        if state == "claimed":
            await desk.post(f"{path}/claim", key=BERT if n % 4 == 2 else "")
        elif state == "done":
            await desk.post(f"{path}/complete")
        elif state == "dismissed":
            await desk.post(f"{path}/dismiss", {"reason": "spam"})
        made.append(await desk.todo_of(inquiry))
    return made


def _due(todo: dict[str, Any]) -> str:
    return todo["due_at"] or "9999"


def _fits(todo: dict[str, Any], now: datetime, params: dict[str, Any]) -> bool:
    """The meaning of each filter, said once more."""
    at = now.isoformat().replace("+00:00", "Z")
    tests: dict[str, Callable[[Any], bool]] = {
        "desk": lambda value: todo["desk"] in value,
        "state": lambda value: todo["state"] in value,
        "assignee": lambda value: todo["assignee"] == value,
        "unassigned": lambda _: todo["state"] == "open",
        "overdue": lambda _: todo["state"] in ("open", "claimed") and _due(todo) < at,
        "due_after": lambda value: value <= _due(todo) < "9999",
        "due_before": lambda value: _due(todo) < value,
        "received_after": lambda value: value <= todo["received_at"],
        "received_before": lambda value: todo["received_at"] < value,
    }
    return all(tests[name](value) for name, value in params.items())


def _at(hours: int) -> str:
    return (NOON + hours * HOUR).isoformat().replace("+00:00", "Z")


PARAMS: list[dict[str, Any]] = [
    {},
    {"desk": ["technical", "review"]},
    {"desk": ["technical"]},
    {"state": ["open", "claimed"]},
    {"state": ["done"]},
    {"desk": ["review"], "state": ["dismissed", "open"]},
    {"desk": ["inbound", "review", "technical"], "state": ["open", "claimed", "done", "dismissed"]},
    {"unassigned": "true"},
    {"unassigned": "true", "state": ["open", "done"], "desk": ["review"]},
    {"overdue": "true"},
    {"overdue": "true", "desk": ["technical", "inbound"]},
    {"overdue": "true", "state": ["claimed", "done"]},
    {"overdue": "true", "assignee": "Anna"},
    {"assignee": "Anna"},
    {"assignee": "Bert", "state": ["claimed"]},
    {"assignee": "Anna", "desk": ["technical"], "state": ["claimed", "done"]},
    {"due_after": _at(9)},
    {"due_before": _at(15)},
    {"due_after": _at(9), "due_before": _at(15), "state": ["open", "done"]},
    {"received_after": _at(3)},
    {"received_before": _at(7), "desk": ["technical"]},
    {"received_after": _at(3), "received_before": _at(12), "due_before": _at(15)},
]


async def test_each_filter_means_what_it_says(desk: Desk) -> None:
    made = await _sixteen(desk)
    desk.clock.advance(13 * HOUR)
    for params, sort in product(PARAMS, ("due", "age", "-age")):
        wanted = [todo for todo in made if _fits(todo, desk.clock.now(), params)]
        wanted.sort(
            key=lambda todo: (_due(todo) if sort == "due" else todo["received_at"], todo["id"])
        )
        if sort == "-age":
            wanted.reverse()
        found = await _all(desk, {**params, "sort": sort})
        assert found == [todo["id"] for todo in wanted], (params, sort)


async def _all(desk: Desk, params: dict[str, Any]) -> list[str]:
    """Page by page, three on each."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await desk.get("/todos", limit=3, **params, **cursor)
        found += [todo["id"] for todo in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_a_cursor_goes_on_while_time_passes(desk: Desk) -> None:
    await _sixteen(desk)
    desk.clock.advance(15 * HOUR)
    page = await desk.get("/todos", overdue="true", limit=1)
    desk.clock.advance(HOUR)
    following = await desk.get("/todos", overdue="true", limit=1, cursor=page["next_cursor"])
    assert following["items"][0]["due_at"] > page["items"][0]["due_at"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"state": "open"}, {"state": ["open", "claimed"]}),
        ({}, {"overdue": "true"}),
        ({}, {"due_before": _at(100)}),
        ({"received_after": _at(0)}, {"received_after": _at(1)}),
    ],
)
async def test_a_cursor_belongs_to_its_filters(
    desk: Desk, before: dict[str, Any], after: dict[str, Any]
) -> None:
    await _sixteen(desk)
    page = await desk.get("/todos", limit=1, **before)
    params = {"limit": 1, **after, "cursor": page["next_cursor"]}
    answer = await desk.request("GET", "/todos", params=params)
    assert answer.json()["type"] == "urn:inbound-desk:problem:unknown-cursor"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_order_of_values_does_not_matter(desk: Desk) -> None:
    await _sixteen(desk)
    page = await desk.get("/todos", limit=1, state=["open", "claimed", "open"])
    params = {"limit": 1, "state": ["claimed", "open"], "cursor": page["next_cursor"]}
    assert (await desk.request("GET", "/todos", params=params)).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"due_after": _at(2), "due_before": _at(2)}, "due_before"),
        ({"received_after": _at(3), "received_before": _at(2)}, "received_before"),
        ({"unassigned": "true", "assignee": "Anna"}, "assignee"),
        ({"unassigned": "true", "state": ["claimed", "done"]}, "state"),
        ({"overdue": "true", "state": "done"}, "state"),
        ({"overdue": "true", "due_after": _at(1)}, "due_after"),
    ],
)
async def test_filters_that_contradict_each_other(
    desk: Desk, params: dict[str, Any], field: str
) -> None:
    answer = await desk.request("GET", "/todos", params=params)
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["type"] == "urn:inbound-desk:problem:contradictory-filters"
    assert problem["errors"][0]["field"] == f"query.{field}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"overdue": "false"}, "query.overdue"),
        ({"unassigned": "0"}, "query.unassigned"),
        ({"overdue": "maybe"}, "query.overdue"),
        ({"due_before": "2026-11-24T12:00:00"}, "query.due_before"),
        ({"received_after": "yesterday"}, "query.received_after"),
        ({"due_after": "9999-12-31T00:00:00Z"}, "query.due_after"),
        ({"state": ["open"] * 51}, "query.state"),
        ({"states": "open"}, "query.states"),
    ],
)
async def test_a_filter_that_is_none(desk: Desk, params: dict[str, Any], field: str) -> None:
    answer = await desk.request("GET", "/todos", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_each_of_several_desks_must_be_known(desk: Desk) -> None:
    answer = await desk.request("GET", "/todos", params={"desk": ["technical", "sales"]})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:inbound-desk:problem:unknown-desk"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["spam", "no_answer_needed", "unsure"])
async def test_every_kind_can_be_asked_for(desk: Desk, kind: str) -> None:
    assert (await desk.get("/todos", kind=kind))["items"] == []
