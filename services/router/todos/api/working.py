"""What people do with a ToDo."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.schemas.todo import (
    ActIn,
    AssignIn,
    ClaimIn,
    DismissIn,
    EndIn,
    ReopenIn,
    RerouteIn,
    TodoChanged,
    TodoDetailOut,
)
from services.router.todos.usecases import desk_work
from shared.access.keys import Caller
from shared.web.preconditions import TAGGED, IfMatch
from shared.web.problems import documented

MOVES = {200: TAGGED, **documented(400, 404, 409, 412, 415)}


def add_working(api: APIRouter, service: TodoDependencies) -> None:
    writes = service.authorizer.requires("todos:write")

    @api.post("/todos/{todo_id}/claim", summary="Claim a ToDo", responses=MOVES)
    async def claim_todo(
        todo_id: UUID,
        answer: Response,
        read: IfMatch,
        body: ClaimIn | None = None,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """Take it. Of two people at once one gets it, the other a 409; taking it again is fine."""
        by = service.by(caller, None, read)
        assignee = (body and body.assignee) or caller.name
        await service.act(desk_work.claim, todo_id=todo_id, assignee=assignee, by=by)
        return await service.changed(todo_id, caller, answer)

    @api.post("/todos/{todo_id}/assign", summary="Assign a ToDo", responses=MOVES)
    async def assign_todo(
        todo_id: UUID,
        body: AssignIn,
        answer: Response,
        read: IfMatch,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """Give it to a person, also what another one has. Nothing is assigned to who is absent;
        whoever takes something by `claim` is there.
        """
        await service.act(
            desk_work.assign,
            todo_id=todo_id,
            assignee=body.assignee,
            reason=body.reason,
            by=service.assigning(caller, body, read),
        )
        return await service.changed(todo_id, caller, answer)

    @api.post("/todos/{todo_id}/release", summary="Release a ToDo", responses=MOVES)
    async def release_todo(
        todo_id: UUID,
        answer: Response,
        read: IfMatch,
        body: ActIn | None = None,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """Give it back to its desk."""
        await service.act(desk_work.release, todo_id=todo_id, by=service.by(caller, body, read))
        return await service.changed(todo_id, caller, answer)

    @api.post("/todos/{todo_id}/reroute", summary="Reroute a ToDo", responses=MOVES)
    async def reroute_todo(
        todo_id: UUID,
        body: RerouteIn,
        answer: Response,
        read: IfMatch,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """Hand it to another desk, where it is open for everybody."""
        await service.act(
            desk_work.reroute,
            todo_id=todo_id,
            desk=service.known_desk(body.desk),
            reason=body.reason,
            by=service.by(caller, body, read),
            read_until=body.read_until,
        )
        return await service.changed(todo_id, caller, answer)


def add_ending(api: APIRouter, service: TodoDependencies) -> None:
    writes = service.authorizer.requires("todos:write")

    @api.post("/todos/{todo_id}/complete", summary="Complete a ToDo", responses=MOVES)
    async def complete_todo(
        todo_id: UUID,
        answer: Response,
        read: IfMatch,
        body: EndIn | None = None,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """Done by hand, as after a call: an answer. One that intake records completes a ToDo by
        itself.
        """
        body = body or EndIn()
        by = service.by(caller, body, read)
        await service.act(desk_work.complete, todo_id=todo_id, by=by, read_until=body.read_until)
        return await service.changed(todo_id, caller, answer)

    @api.post("/todos/{todo_id}/dismiss", summary="Dismiss a ToDo", responses=MOVES)
    async def dismiss_todo(
        todo_id: UUID,
        body: DismissIn,
        answer: Response,
        read: IfMatch,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """Decide that the inquiry gets no answer, and why. Of a violation of the netiquette two
        persons may have to decide so, see `verdict`.
        """
        by = service.by(caller, body, read)
        await service.act(
            desk_work.dismiss,
            todo_id=todo_id,
            reason=body.reason,
            by=by,
            netiquette_verdicts=service.policy.routing.netiquette_verdicts,
            read_until=body.read_until,
        )
        return await service.changed(todo_id, caller, answer)

    @api.post("/todos/{todo_id}/reopen", summary="Reopen a ToDo", responses=MOVES)
    async def reopen_todo(
        todo_id: UUID,
        body: ReopenIn,
        answer: Response,
        read: IfMatch,
        caller: Caller = writes,
    ) -> TodoDetailOut | TodoChanged:
        """Take back how it was completed, dismissed or closed: it is open for its desk. The
        deadline is as if the end had never been: the customer has waited all the time. An answer
        that was recorded stands, and the ToDo stays done by it; intake can classify it again.
        """
        by = service.by(caller, body, read)
        await service.act(desk_work.reopen, todo_id=todo_id, reason=body.reason, by=by)
        return await service.changed(todo_id, caller, answer)
