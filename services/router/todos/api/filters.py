"""From the query of a list to what is looked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.domain.todo import GOING_ON, TodoState
from services.router.todos.schemas.query import TodoQuery
from services.router.todos.store.walks import Filter
from shared.errors import FieldProblem
from shared.web.problems import RefusedError


def filter_of(query: TodoQuery, service: TodoDependencies, now: datetime) -> Filter:
    """Raises InvalidError for what the policy does not know, RefusedError (400) for filters of
    which no ToDo can fulfil both.
    """
    contradictions = list(_contradictions(query, now))
    if contradictions:
        raise RefusedError(
            400,
            "contradictory-filters",
            "no ToDo can fulfil these filters together",
            *contradictions,
        )
    states = (TodoState.OPEN,) if query.unassigned else tuple(sorted(set(query.state)))
    return Filter(
        desks=tuple(sorted({service.known_desk(desk) for desk in query.desk})),
        states=states,
        assignee=query.assignee,
        channel=query.channel and service.known_channel(query.channel),
        kind=query.kind and query.kind.value,
        inquiry_id=query.inquiry_id,
        overdue=bool(query.overdue),
        due_after=query.due_after,
        due_before=query.due_before,
        received_after=query.received_after,
        received_before=query.received_before,
    )


def _contradictions(query: TodoQuery, now: datetime) -> Iterator[FieldProblem]:
    for name in ("due", "received"):
        after, before = getattr(query, f"{name}_after"), getattr(query, f"{name}_before")
        if after is not None and before is not None and after >= before:
            yield _contradiction(f"{name}_before", f"is not after {name}_after", "a later moment")
    if query.unassigned and query.assignee is not None:
        yield _contradiction("assignee", "has what is not unassigned", "one of the two")
    if query.unassigned and query.state and TodoState.OPEN not in query.state:
        yield _contradiction("state", "is none of what is unassigned", "open")
    if query.overdue and query.state and not set(query.state) & set(GOING_ON):
        yield _contradiction("state", "is none of what can be overdue", "open or claimed")
    if query.overdue and query.due_after is not None and query.due_after >= now:
        yield _contradiction("due_after", "is not overdue", "a moment before now")


def _contradiction(field: str, problem: str, expected: str) -> FieldProblem:
    return FieldProblem(f"query.{field}", problem, expected)
