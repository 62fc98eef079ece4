"""How often inquiries were dismissed as netiquette or spam, and what became of appeals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from services.router.moderation import store
from shared.db import Read
from tests.services.router.conftest import NOON
from tests.services.router.desk import Desk, Inquiry

UNCLEAR = "Hm, nun ja, so eben."
SPAN = {"from": "2026-11-23", "to": "2026-12-06"}


async def act(at: Desk, todo: dict[str, Any], verb: str, **body: Any) -> None:
    at.clock.advance(timedelta(minutes=1))
    answer = await at.post(f"/todos/{todo['id']}/{verb}", body)
    assert answer.is_success, answer.text


async def dismissed(desk: Desk, verdict: str) -> dict[str, Any]:
    todo = await desk.new_todo(UNCLEAR)
    await act(desk, todo, "verdict", verdict=verdict)
    return todo


async def test_by_week_and_in_total(desk: Desk) -> None:
    upheld, overturned, waiting = [await dismissed(desk, "netiquette") for _ in range(3)]
    ended, elsewhere = [await dismissed(desk, "spam") for _ in range(2)]
    for todo in (upheld, overturned, waiting, ended):
        await act(desk, todo, "appeal", reason="it was a quotation")
    await act(desk, elsewhere, "appeal", reason="it is none", desk="inbound")
    await act(desk, overturned, "verdict", verdict="general")
    await act(desk, ended, "complete")
    desk.clock.advance(timedelta(days=7))
    await act(desk, upheld, "verdict", verdict="spam")
    await act(desk, upheld, "appeal", reason="it is not")
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(), inquiry.closed("spam"))
    await dismissed(desk, "no_answer_needed")

    found = await desk.get("/reports/moderation", **SPAN)
    assert (found["from"], found["to"], found["timezone"]) == (
        "2026-11-22T23:00:00Z", "2026-12-06T23:00:00Z", "Europe/Berlin",
    )  # fmt: skip
    first = {
        "netiquette": 3, "spam": 2, "appeals": 5, "upheld": 1, "overturned": 2, "open": 2,
    }  # fmt: skip
    second = {
        "netiquette": 0, "spam": 2, "appeals": 1, "upheld": 0, "overturned": 0, "open": 1,
    }  # fmt: skip
    assert found["weeks"] == [
        {"week": "2026-W48", "monday": "2026-11-23", **first},
        {"week": "2026-W49", "monday": "2026-11-30", **second},
    ]
    assert found["total"] == {name: first[name] + second[name] for name in first}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_dismissals_are_found_by_their_index(desk: Desk) -> None:
    """Not by reading the ends of all inquiries once for each week."""

    def plan(tx: Read) -> str:
        said: list[tuple[str, Any]] = []

        def keep(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
            said.append((statement, given))

        event.listen(tx.connection, "before_cursor_execute", keep)
        store.dismissed(tx, start=NOON, end=NOON + timedelta(days=7))
        event.remove(tx.connection, "before_cursor_execute", keep)
        [(statement, given)] = said
        rows = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        return "; ".join(row[3] for row in rows)

    found = await desk.service.database.read(plan)
    assert "SEARCH todo_ends USING INDEX ix_todo_ends_moderated (at>? AND at<?)" in found


async def test_a_span_cuts_its_weeks(desk: Desk) -> None:
    await dismissed(desk, "spam")
    before = await desk.get("/reports/moderation", **{"from": "2026-11-20", "to": "2026-11-23"})
    assert [week["week"] for week in before["weeks"]] == ["2026-W47", "2026-W48"]
    assert before["total"]["spam"] == 0


@pytest.mark.parametrize(
    "span",
    [
        {"from": "2026-11-23"},
        {"from": "2026-11-23", "to": "2026-11-22"},
        {"from": "2026-11-23", "to": "nowadays"},
        {"from": "2020-01-01", "to": "2026-11-22"},
        {"from": "1990-01-01", "to": "2099-12-31"},
    ],
)
async def test_a_span_that_is_none_is_refused(desk: Desk, span: dict[str, str]) -> None:
    answer = await desk.request("GET", "/reports/moderation", params=span)
    assert answer.status_code == 422
