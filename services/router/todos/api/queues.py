"""What is to be done next at a desk, and how much there is."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.counting import Counting, Counts
from services.router.todos.domain.todo import TodoState
from services.router.todos.schemas.queue import CountsOut, DeskCounts, QueueQuery, TodoCounts
from services.router.todos.schemas.todo import ClaimIn, TodoChanged, TodoDetailOut, TodoOut
from services.router.todos.store import queue
from services.router.todos.store.counts import GoingOn
from services.router.todos.usecases.queue import take_next
from shared.access.keys import Caller
from shared.errors import FieldProblem, NotFoundError
from shared.web.paging import Cursors, Page
from shared.web.preconditions import TAGGED
from shared.web.problems import documented

DeskPath = Annotated[str, Path(max_length=64, description="A desk of the policy.")]
_NOTHING = {"description": "Nothing is open at this desk."}


def add_queues(api: APIRouter, service: TodoDependencies) -> None:
    reads = service.authorizer.requires("todos:read")
    writes = service.authorizer.requires("todos:write")

    @api.get("/desks/{desk}/queue", summary="Show a desk's queue", responses=documented(404))
    async def show_queue(
        desk: DeskPath, query: Annotated[QueueQuery, Query()], caller: Caller = reads
    ) -> Page[TodoOut]:
        """What this person can go on with there: what is open or theirs, by due time; what nobody
        promised comes after all that has a clock, oldest first. A verdict of theirs that waits for
        a second person is left out.
        """
        person = caller.name if query.assignee is None else query.assignee
        cursors = Cursors("queue", _known(service, desk), person)
        found = await service.database.read(
            queue.page,
            desk=desk,
            person=person,
            after=cursors.place(query.cursor),
            limit=query.limit + 1,
        )
        shown, following = cursors.page(found, limit=query.limit, key=lambda todo: todo.order)
        items = [TodoOut.model_validate(todo) for todo in shown]
        return Page(items=items, next_cursor=following)

    @api.post(
        "/desks/{desk}/next",
        summary="Claim what is most urgent at a desk",
        response_model=TodoDetailOut | TodoChanged,
        responses={200: TAGGED, 204: _NOTHING, **documented(400, 404, 415)},
    )
    async def claim_next(
        desk: DeskPath, answer: Response, body: ClaimIn | None = None, caller: Caller = writes
    ) -> TodoDetailOut | TodoChanged | Response:
        """The first open ToDo of the queue is this person's. Of many who ask at once each gets
        another one; 204 when nothing is open. Asked again it gives the next one: what one has
        already is in the queue.
        """
        assignee = (body and body.assignee) or caller.name
        todo_id = await service.database.write(
            take_next,
            desk=_known(service, desk),
            assignee=assignee,
            by=service.by(caller, None),
        )
        if todo_id is None:
            return Response(status_code=204)
        service.wake_relay()
        return await service.changed(todo_id, caller, answer)


def add_counts(api: APIRouter, service: TodoDependencies) -> None:
    reads = service.authorizer.requires("todos:read")
    counting = Counting(service.database, service.clock)

    @api.get("/counts", summary="Count the ToDos of each desk")
    async def count_todos(_caller: Caller = reads) -> CountsOut:
        """By desk and state, what is overdue, due soon, and unassigned. What has ended is counted
        at most once a minute.
        """
        return _counts_out(await counting.counts(), frozenset(service.policy.desks))


def _known(service: TodoDependencies, desk: str) -> str:
    if desk not in service.policy.desks:
        known = ", ".join(sorted(service.policy.desks))
        problem = FieldProblem("path.desk", "is not in the policy", f"one of: {known}")
        raise NotFoundError("unknown-desk", "the policy has no such desk", problem)
    return desk


def _counts_out(counts: Counts, desks: frozenset[str]) -> CountsOut:
    named = desks.union(desk for desk, _ in (*counts.going_on, *counts.ended))
    by_desk = {desk: _of_desk(counts, desk) for desk in sorted(named)}
    total: Counter[str] = sum(map(Counter, by_desk.values()), Counter())
    return CountsOut(
        counted_at=counts.counted_at,
        ended_counted_at=counts.ended_counted_at,
        desks=[DeskCounts(desk=desk, **numbers) for desk, numbers in by_desk.items()],
        total=TodoCounts(**{name: total[name] for name in TodoCounts.model_fields}),
    )


def _of_desk(counts: Counts, desk: str) -> dict[str, int]:
    nothing = GoingOn(0, 0, 0)
    free = counts.going_on.get((desk, TodoState.OPEN), nothing)
    taken = counts.going_on.get((desk, TodoState.CLAIMED), nothing)
    return {
        "open": free.todos,
        "claimed": taken.todos,
        "done": counts.ended.get((desk, TodoState.DONE), 0),
        "dismissed": counts.ended.get((desk, TodoState.DISMISSED), 0),
        "unassigned": free.todos,
        "overdue": free.overdue + taken.overdue,
        "due_within_24_hours": free.due_soon + taken.due_soon,
    }
