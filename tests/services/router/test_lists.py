"""The list of ToDos: filters, sorts, pages, and that each first page walks an index."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from services.router.tables import NEVER, todos
from services.router.todos.domain.todo import TodoState
from services.router.todos.store import queue
from services.router.todos.store.pages import page
from services.router.todos.store.walks import Filter, Sort
from shared.db import Read, Write
from shared.runtime.ids import new_id
from tests.services.router.conftest import NOON
from tests.services.router.desk import BERT, Desk, Inquiry, opened, record_of
from tests.support.clock import ManualClock

HOUR = timedelta(hours=1)
SEEDED, PAGE = 20_000, 51


async def _walk(desk: Desk, **params: Any) -> list[dict[str, Any]]:
    """All pages, two ToDos on each."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        found = await desk.get("/todos", limit=2, **params, **cursor)
        items += found["items"]
        assert len(found["items"]) <= 2
        if found["next_cursor"] is None:
            return items
        cursor = {"cursor": found["next_cursor"]}


async def _seven(desk: Desk) -> list[Inquiry]:
    """Received hour by hour; the even ones are due, the last of them first."""
    inquiries = [Inquiry(NOON + n * HOUR) for n in range(7)]
    await desk.hears_batch([record_of(inquiry.received()) for inquiry in inquiries])
    due = NOON + 100 * HOUR
    await desk.hears(*(each.started(due - n * HOUR) for n, each in enumerate(inquiries[::2])))
    return inquiries


async def test_by_due_time_what_has_none_comes_last(desk: Desk) -> None:
    inquiries = await _seven(desk)
    found = await _walk(desk)
    assert found == await _walk(desk, sort="due")
    due = [str(each.inquiry_id) for each in reversed(inquiries[::2])]
    assert [each["inquiry_id"] for each in found][:4] == due
    undue = {str(each.inquiry_id) for each in inquiries[1::2]}
    assert {each["inquiry_id"] for each in found[4:]} == undue
    assert [each["due_at"] for each in found[4:]] == [None] * 3


async def test_by_age_in_both_directions(desk: Desk) -> None:
    inquiries = await _seven(desk)
    oldest = [str(each.inquiry_id) for each in inquiries]
    assert [each["inquiry_id"] for each in await _walk(desk, sort="age")] == oldest
    newest = [each["inquiry_id"] for each in await _walk(desk, sort="-age")]
    assert newest == oldest[::-1]


async def test_filters_narrow(desk: Desk) -> None:
    technical = await desk.new_todo(channel="email")
    review = await desk.new_todo("Ihr Arschlöcher!", channel="x")
    await desk.post(f"/todos/{technical['id']}/claim", key=BERT)

    async def ids(**params: str) -> list[str]:
        return [each["id"] for each in (await desk.get("/todos", **params))["items"]]

    for params, wanted in (
        ({"desk": "technical"}, technical),
        ({"desk": "review"}, review),
        ({"state": "claimed"}, technical),
        ({"state": "open"}, review),
        ({"assignee": "Bert"}, technical),
        ({"channel": "x"}, review),
        ({"kind": "netiquette"}, review),
        ({"inquiry_id": review["inquiry_id"]}, review),
        ({"desk": "technical", "state": "claimed", "assignee": "Bert"}, technical),
    ):
        for sort in ("due", "age", "-age"):
            assert await ids(**params, sort=sort) == [wanted["id"]], params
    assert await ids(desk="technical", state="open") == []
    assert await ids(assignee="Anna") == []


async def test_a_listed_todo_says_what_its_detail_says(desk: Desk) -> None:
    inquiry = Inquiry(NOON)
    await desk.hears(inquiry.received("ä" * 5000), inquiry.started(NOON + HOUR))
    detail = await desk.todo_of(inquiry)
    [listed] = (await desk.get("/todos"))["items"]
    assert listed == {name: detail[name] for name in listed}
    assert listed["excerpt"] == "ä" * 200
    assert detail["messages"][0]["text"] == "ä" * 5000


OPEN, CLAIMED, DONE = TodoState.OPEN, TodoState.CLAIMED, TodoState.DONE
TECHNICAL = ("technical",)
SOON = NOON + timedelta(minutes=30)
WALKS = [
    (Filter(), "due"),
    (Filter(), "age"),
    (Filter(), "-age"),
    (Filter(states=(OPEN,)), "due"),
    (Filter(states=(OPEN,)), "-age"),
    (Filter(states=(OPEN, CLAIMED)), "due"),
    (Filter(states=(OPEN, CLAIMED)), "-age"),
    (Filter(desks=TECHNICAL), "due"),
    (Filter(desks=TECHNICAL), "-age"),
    (Filter(desks=TECHNICAL, states=(OPEN,)), "due"),
    (Filter(desks=TECHNICAL, states=(OPEN,)), "age"),
    (Filter(desks=TECHNICAL, states=(OPEN,)), "-age"),
    (Filter(desks=("inbound", "technical"), states=(OPEN, CLAIMED)), "due"),
    (Filter(desks=("inbound", "technical"), states=(OPEN, CLAIMED)), "age"),
    (Filter(overdue=True), "due"),
    (Filter(overdue=True, desks=TECHNICAL), "due"),
    (Filter(due_after=NOON, due_before=SOON), "due"),
    (Filter(due_after=SOON, states=(DONE,)), "due"),
    (Filter(received_after=NOON, received_before=SOON), "age"),
    (Filter(received_before=SOON, desks=TECHNICAL), "-age"),
    (Filter(assignee="person 7"), "due"),
    (Filter(assignee="person 7"), "-age"),
    (Filter(assignee="person 7", states=(CLAIMED,)), "due"),
    (Filter(assignee="person 7", states=(CLAIMED,)), "age"),
    (Filter(inquiry_id=new_id()), "due"),
]


async def test_each_first_page_walks_an_index(
    postgres_copy: str, tmp_path: Path, clock: ManualClock
) -> None:
    """No plan reads the whole table or sorts more than a page."""
    async with opened(postgres_copy, tmp_path, clock) as desk:
        await desk.service.database.write(_seed)
        await desk.service.database.write(lambda tx: tx.execute(text("ANALYZE")) and None)
        for wanted, sort in WALKS:
            plan = await desk.service.database.read(_plan, wanted, Sort(sort))
            scans = _scans(plan["Plan"])
            assert scans, plan
            for scan in scans:
                assert "Index" in scan["Node Type"], (wanted, sort, scan)
                read = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)
                assert read <= 10 * PAGE, (wanted, sort, scan)


def _queue(tx: Any) -> object:
    return queue.page(tx, desk="technical", person="person 7", after=None, limit=PAGE)


def _next(tx: Any) -> object:
    return queue.next_open(tx, desk="technical", person="person 7")


@pytest.mark.parametrize("ask", [_queue, _next])
async def test_a_queue_walks_an_index(
    ask: Callable[[Any], object], postgres_copy: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(postgres_copy, tmp_path, clock) as desk:
        await desk.service.database.write(_seed)
        await desk.service.database.write(lambda tx: tx.execute(text("ANALYZE")) and None)
        [plan] = await desk.service.database.write(_plans, ask)
        scans = _scans(plan["Plan"])
        assert scans
        for scan in scans:
            assert "Index" in scan["Node Type"], scan
            assert scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) <= 10 * PAGE, scan


def _seed(tx: Write) -> None:
    desks, states = ("technical", "inbound", "review"), ("done", "open", "claimed", "dismissed")
    rows = []
    for n in range(SEEDED):
        state = states[n * 7 % 10 % 4]
        rows.append(
            {
                "id": new_id(),
                "inquiry_id": new_id(),
                "conversation_id": new_id(),
                "channel": "email",
                "desk": desks[n % 3],
                "first_desk": desks[n % 3],
                "state": state,
                "assignee": f"person {n % 50}" if state == "claimed" else None,
                "kind": "technical",
                "confidence": 0.8,
                "reasons": [],
                "received_at": NOON + timedelta(seconds=n),
                "created_at": NOON + timedelta(seconds=n),
                "due_at": NEVER if n % 4 == 0 else NOON + timedelta(seconds=SEEDED - n),
                "message_count": 1,
                "latest_message_id": new_id(),
            }
        )
    tx.execute(insert(todos), rows)


def _plan(tx: Read, wanted: Filter, sort: Sort) -> dict[str, Any]:
    return _plans(tx, lambda tx: page(tx, wanted, sort=sort, after=None, limit=PAGE, now=SOON))[0]


class _Nothing(list[Any]):
    """The answer to a statement that was only explained."""

    def scalar(self) -> None:
        return None


def _plans(tx: Read, ask: Callable[[Any], object]) -> list[dict[str, Any]]:
    """How PostgreSQL runs the very statements that are sent."""
    plans: list[dict[str, Any]] = []

    def explained(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> Any:
        return f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters

    event.listen(tx.connection, "before_cursor_execute", explained, retval=True)
    execute = tx.execute

    class Explaining(Read):
        def execute(self, *args: Any) -> Any:
            plans.extend(execute(*args).scalar_one())
            return _Nothing()

    ask(Explaining(tx.connection))
    return plans


def _scans(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of a plan that read ToDos."""
    below = [scan for each in node.get("Plans", []) for scan in _scans(each)]
    return [node, *below] if node.get("Relation Name") == "todos" else below


@pytest.mark.parametrize("sort", ["due", "age", "-age"])
async def test_a_page_goes_on_where_the_last_one_ended(desk: Desk, sort: str) -> None:
    """Many with the same moment: the id decides, none twice, none left out."""
    inquiries = [Inquiry(NOON) for _ in range(9)]
    await desk.hears_batch([record_of(each.received()) for each in inquiries])
    found = [each["inquiry_id"] for each in await _walk(desk, sort=sort)]
    assert sorted(found) == sorted(str(each.inquiry_id) for each in inquiries)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_filter_for_what_the_policy_lacks_is_an_error(desk: Desk) -> None:
    for field, name in (("desk", "kitchen"), ("channel", "fax")):
        answer = await desk.request("GET", "/todos", params={field: name})
        assert answer.status_code == 422
        found = answer.json()
        assert found["type"] == f"urn:inbound-desk:problem:unknown-{field}"
        (problem,) = found["errors"]
        assert problem["field"] == field
        assert problem["expected"].startswith("one of: ")
