"""Verdicts of the review desk, and appeals against them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.router.deciding.decision import REVIEW_DESK
from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.api.verdict_desk import desk_of
from services.router.todos.api.working import MOVES
from services.router.todos.schemas.todo import TodoChanged, TodoDetailOut
from services.router.todos.schemas.verdicts import AppealIn, VerdictIn
from services.router.todos.usecases.desk_work import Given
from services.router.todos.usecases.verdicts import appeal, give_verdict
from shared.access.keys import Caller
from shared.web.preconditions import IfMatch


def add_verdicts(api: APIRouter, service: TodoDependencies) -> None:
    writes = service.authorizer.requires("todos:write")

    @api.post("/todos/{todo_id}/verdict", summary="Give a verdict", responses=MOVES)
    async def give_a_verdict(
        todo_id: UUID,
        body: VerdictIn,
        answer: Response,
        read: IfMatch,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """What the review desk decides: to which desk the inquiry goes, or why it gets no answer.
        At other desks a supervisor may. Where the policy wants two persons to agree on a violation
        of the netiquette, the first verdict waits as `pending_verdict`; another opinion, or
        anything new from the customer, clears it.
        """
        await service.act(
            give_verdict,
            todo_id=todo_id,
            given=Given(body.verdict, body.reason),
            desk=desk_of(service, body.verdict, body.desk),
            by=service.by(caller, body, read),
            netiquette_verdicts=service.policy.routing.netiquette_verdicts,
            read_until=body.read_until,
        )
        return await service.changed(todo_id, caller, answer)

    @api.post("/todos/{todo_id}/appeal", summary="Record an appeal", responses=MOVES)
    async def record_an_appeal(
        todo_id: UUID,
        body: AppealIn,
        answer: Response,
        read: IfMatch,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """The customer objects to a dismissal as netiquette or spam: the ToDo is open again at the
        review desk. The clock has stood still since the dismissal, and goes on with the time that
        was left then; `reopen` is for a dismissal by mistake, which counts as if it had never been.
        """
        desk = REVIEW_DESK if body.desk is None else service.known_desk(body.desk)
        by = service.by(caller, body, read)
        await service.act(appeal, todo_id=todo_id, reason=body.reason, desk=desk, by=by)
        return await service.changed(todo_id, caller, answer)
