"""What one service shows of another's must be what the other has, once everything was heard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Select, select

from services.intake import tables as intake
from services.router import tables as router
from services.sla import tables as sla

Row = Mapping[str, Any]

_STATES = {
    "open": {"open", "claimed"},
    "held": {"open", "claimed"},
    "answered": {"done"},
    "closed": {"dismissed"},
    "no_answer": {"dismissed"},
}


class Look(Protocol):
    def __call__(self, service: str, query: Select[*tuple[Any, ...]], /) -> Awaitable[list[Row]]:
        """The rows of a service's database."""


async def differences(look: Look) -> list[str]:
    """Of every inquiry, in sentences: intake against the router, the router against sla."""
    inquiries = _by(await look("intake", select(intake.inquiries)), "id")
    todos = _by(await look("router", select(router.todos)), "inquiry_id")
    copies = _by(await look("router", select(router.deadlines)), "inquiry_id")
    clocks = _by(await look("sla", select(sla.deadlines)), "inquiry_id")
    copies = {each: row for each, row in copies.items() if row["state"] is not None}
    owed = {each: row for each, row in clocks.items() if row["due_at"] is not None}
    return [
        *_compared("ToDo", inquiries, todos, _inquiry_and_todo),
        *_compared("desk's clock", todos, clocks, _todo_and_clock),
        *_compared("copy of the clock", owed, copies, _clock_and_copy),
        *_compared("due time", owed, {each: todos[each] for each in owed}, _clock_and_todo),
    ]


def _inquiry_and_todo(inquiry: Row, todo: Row) -> Iterable[tuple[str, object, object]]:
    yield "todo_id", inquiry["todo_id"], todo["id"]
    yield "desk", inquiry["desk"], todo["desk"]
    if todo["state"] in {"open", "claimed"}:
        yield "assignee", inquiry["assignee"], todo["assignee"]
    held = todo["follow_up_at"] is not None and todo["state"] in {"open", "claimed"}
    fits = todo["state"] in _STATES[inquiry["state"]]
    yield "state", inquiry["state"], inquiry["state"] if fits else todo["state"]
    yield "held", inquiry["state"] == "held", held
    yield "ended_at", inquiry["ended_at"], todo["ended_at"]


def _todo_and_clock(todo: Row, clock: Row) -> Iterable[tuple[str, object, object]]:
    yield "desk", todo["desk"], clock["desk"]


def _clock_and_copy(clock: Row, copy: Row) -> Iterable[tuple[str, object, object]]:
    for name in ("state", "target", "due_at"):
        yield name, clock[name], copy[name]
    yield "waits to be said", clock["said"], None


def _clock_and_todo(clock: Row, todo: Row) -> Iterable[tuple[str, object, object]]:
    yield "due_at", clock["due_at"], todo["due_at"]


def _by(rows: list[Row], name: str) -> dict[UUID, Row]:
    return {row[name]: row for row in rows}


def _compared(
    what: str,
    ones: Mapping[UUID, Row],
    others: Mapping[UUID, Row],
    pairs: Callable[[Row, Row], Iterable[tuple[str, object, object]]],
) -> list[str]:
    lone = ones.keys() ^ others.keys()
    return [f"{what}: {each} is on one side only" for each in lone] + [
        f"{what} of {each}: {name} is {one} and {other}"
        for each in ones.keys() & others.keys()
        for name, one, other in pairs(ones[each], others[each])
        if one != other
    ]
