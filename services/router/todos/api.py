"""The router's routes: parse, verb, respond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Concatenate, ParamSpec
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.router.deciding.decide import Decider
from services.router.deciding.decision import Kind
from services.router.todos.domain.todo import IllegalTransition
from services.router.todos.schemas import (
    ActIn,
    ClaimIn,
    DecisionOut,
    DismissIn,
    EndIn,
    HistoryOut,
    MessageOut,
    PreviewIn,
    ReopenIn,
    RerouteIn,
    TodoChanged,
    TodoDetailOut,
    TodoOut,
    TodoQuery,
)
from services.router.todos.store import pages
from services.router.todos.store.work import What
from services.router.todos.usecases import desk_work
from services.router.todos.usecases.desk_work import By, unknown_todo
from shared.access.authorizer import Authorizer, require_scope
from shared.access.keys import Caller, Scope
from shared.bounds import MOST_SHOWN
from shared.db import Database, Write
from shared.errors import FieldProblem, InvalidError
from shared.policy import Policy
from shared.runtime.clock import Clock
from shared.web.app import api_router
from shared.web.paging import (
    Cursors,
    CursorText,
    Limit,
    MessageLimit,
    Page,
)
from shared.web.problems import documented, problem_response

P = ParamSpec("P")

SUPERVISE: Scope = "todos:supervise"
_MOVES = documented(400, 404, 409, 415)


@dataclass(frozen=True, slots=True)
class TodoDependencies:
    """What the routes need of the service."""

    database: Database
    authorizer: Authorizer
    clock: Clock
    policy: Policy
    decider: Decider
    wake_relay: Callable[[], None]

    async def act(
        self, verb: Callable[Concatenate[Write, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        await self.database.write(verb, *args, **kwargs)
        self.wake_relay()

    async def shown(self, todo_id: UUID) -> TodoDetailOut:
        detail = await self.database.read(pages.detail, todo_id)
        if detail is None:
            raise unknown_todo(todo_id)
        return _detail_out(detail)

    async def changed(self, todo_id: UUID, caller: Caller) -> TodoDetailOut | TodoChanged:
        """What a move answers; a key that may not read gets no contents back."""
        detail = await self.shown(todo_id)
        if caller.may("todos:read"):
            return detail
        return TodoChanged(id=detail.id, inquiry_id=detail.inquiry_id, state=detail.state)

    def by(self, caller: Caller, act: ActIn | None) -> By:
        """Raises RefusedError (403) for a supervisor whose key may not supervise."""
        act = act or ActIn()
        if act.as_supervisor:
            require_scope(caller, SUPERVISE)
        return By(caller.name, self.clock.now(), act.by, act.as_supervisor)

    def known_desk(self, desk: str) -> str:
        return _known("desk", desk, self.policy.desks)

    def known_channel(self, channel: str) -> str:
        return _known("channel", channel, self.policy.channels)


def routers(service: TodoDependencies) -> list[APIRouter]:
    todos, decisions = api_router("router", "todos"), api_router("router", "decisions")
    _reading(todos, service)
    _working(todos, service)
    _ending(todos, service)
    _previewing(decisions, service)
    return [todos, decisions]


def _reading(api: APIRouter, service: TodoDependencies) -> None:
    reads = service.authorizer.requires("todos:read")

    @api.get("/todos", summary="List ToDos")
    async def list_todos(
        query: Annotated[TodoQuery, Query()], _caller: Caller = reads
    ) -> Page[TodoOut]:
        """ToDos by desk, state, assignee, channel, kind and inquiry; by due time or by age."""
        wanted = pages.Filter(
            desk=query.desk and service.known_desk(query.desk),
            state=query.state and query.state.value,
            assignee=query.assignee,
            channel=query.channel and service.known_channel(query.channel),
            kind=query.kind and query.kind.value,
            inquiry_id=query.inquiry_id,
        )
        cursors = Cursors("todos", wanted, query.sort)
        found = await service.database.read(
            pages.page,
            wanted,
            sort=query.sort,
            after=cursors.place(query.cursor),
            limit=query.limit + 1,
        )
        shown, following = cursors.page(found, limit=query.limit, key=lambda todo: todo.order)
        items = [TodoOut.model_validate(todo) for todo in shown]
        return Page(items=items, next_cursor=following)

    @api.get("/todos/{todo_id}", summary="Show a ToDo", responses=documented(404))
    async def show_todo(todo_id: UUID, _caller: Caller = reads) -> TodoDetailOut:
        """The ToDo with the words that decided, its newest messages, its deadline and its history;
        `/messages` and `/history` have what is earlier.
        """
        return await service.shown(todo_id)

    @api.get(
        "/todos/{todo_id}/messages",
        summary="List the messages of a ToDo, newest first",
        responses=documented(404),
    )
    async def list_messages(
        todo_id: UUID,
        limit: MessageLimit = MOST_SHOWN,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[MessageOut]:
        """Very long messages make a page shorter than `limit`."""
        found = await service.database.read(
            pages.messages_page, todo_id, before=_of_messages(todo_id).place(cursor), limit=limit
        )
        if found is None:
            raise unknown_todo(todo_id)
        items = [MessageOut.model_validate(message) for message in found.shown]
        return Page(items=items, next_cursor=_of_messages(todo_id).of(found.earlier))

    @api.get(
        "/todos/{todo_id}/history",
        summary="List what happened to a ToDo, newest first",
        responses=documented(404),
    )
    async def list_history(
        todo_id: UUID,
        limit: Limit = MOST_SHOWN,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[HistoryOut]:
        """All that came after the opening, which the ToDo itself shows."""
        found = await service.database.read(
            pages.history_page, todo_id, before=_of_history(todo_id).place(cursor), limit=limit
        )
        if found is None:
            raise unknown_todo(todo_id)
        items = [HistoryOut.model_validate(line) for line in found.lines]
        return Page(items=items, next_cursor=_of_history(todo_id).of(found.earlier))


def _working(api: APIRouter, service: TodoDependencies) -> None:
    writes = service.authorizer.requires("todos:write")

    @api.post("/todos/{todo_id}/claim", summary="Claim a ToDo", responses=_MOVES)
    async def claim_todo(
        todo_id: UUID, body: ClaimIn | None = None, caller: Caller = writes
    ) -> TodoDetailOut | TodoChanged:
        """Take it. Of two people at once one gets it, the other a 409; taking it again is fine."""
        by = service.by(caller, None)
        assignee = (body and body.assignee) or caller.name
        await service.act(desk_work.claim, todo_id=todo_id, assignee=assignee, by=by)
        return await service.changed(todo_id, caller)

    @api.post("/todos/{todo_id}/release", summary="Release a ToDo", responses=_MOVES)
    async def release_todo(
        todo_id: UUID, body: ActIn | None = None, caller: Caller = writes
    ) -> TodoDetailOut | TodoChanged:
        """Give it back to its desk."""
        await service.act(desk_work.release, todo_id=todo_id, by=service.by(caller, body))
        return await service.changed(todo_id, caller)

    @api.post("/todos/{todo_id}/reroute", summary="Reroute a ToDo", responses=_MOVES)
    async def reroute_todo(
        todo_id: UUID, body: RerouteIn, caller: Caller = writes
    ) -> TodoDetailOut | TodoChanged:
        """Hand it to another desk, where it is open for everybody."""
        await service.act(
            desk_work.reroute,
            todo_id=todo_id,
            desk=service.known_desk(body.desk),
            reason=body.reason,
            by=service.by(caller, body),
            read_until=body.read_until,
        )
        return await service.changed(todo_id, caller)


def _ending(api: APIRouter, service: TodoDependencies) -> None:
    writes = service.authorizer.requires("todos:write")

    @api.post("/todos/{todo_id}/complete", summary="Complete a ToDo", responses=_MOVES)
    async def complete_todo(
        todo_id: UUID, body: EndIn | None = None, caller: Caller = writes
    ) -> TodoDetailOut | TodoChanged:
        """Done by hand, as after a call: an answer. One that intake records completes a ToDo by
        itself.
        """
        body = body or EndIn()
        by = service.by(caller, body)
        await service.act(desk_work.complete, todo_id=todo_id, by=by, read_until=body.read_until)
        return await service.changed(todo_id, caller)

    @api.post("/todos/{todo_id}/dismiss", summary="Dismiss a ToDo", responses=_MOVES)
    async def dismiss_todo(
        todo_id: UUID, body: DismissIn, caller: Caller = writes
    ) -> TodoDetailOut | TodoChanged:
        """Decide that the inquiry gets no answer, and why. Of a violation of the netiquette two
        persons may have to decide so, see `verdict`.
        """
        by = service.by(caller, body)
        await service.act(
            desk_work.dismiss,
            todo_id=todo_id,
            reason=body.reason,
            by=by,
            netiquette_verdicts=service.policy.routing.netiquette_verdicts,
            read_until=body.read_until,
        )
        return await service.changed(todo_id, caller)

    @api.post("/todos/{todo_id}/reopen", summary="Reopen a ToDo", responses=_MOVES)
    async def reopen_todo(
        todo_id: UUID, body: ReopenIn, caller: Caller = writes
    ) -> TodoDetailOut | TodoChanged:
        """Take back how it was completed, dismissed or closed: it is open for its desk. The
        deadline is as if the end had never been: the customer has waited all the time. An answer
        that was recorded stands, and the ToDo stays done by it; intake can classify it again.
        """
        by = service.by(caller, body)
        await service.act(desk_work.reopen, todo_id=todo_id, reason=body.reason, by=by)
        return await service.changed(todo_id, caller)


def _previewing(api: APIRouter, service: TodoDependencies) -> None:
    reads = service.authorizer.requires("todos:read")

    @api.post("/decisions/preview", summary="Try a decision", responses=documented(400, 415))
    async def preview_decision(body: PreviewIn, _caller: Caller = reads) -> DecisionOut:
        """What the policy would decide on a text, and why. Nothing is stored."""
        channel = service.known_channel(body.channel) if body.channel is not None else ""
        decision = service.decider.preview(body.text, subject=body.subject, channel=channel)
        return DecisionOut.model_validate(decision)


async def on_illegal_transition(_request: Request, error: IllegalTransition) -> Response:
    by = "" if error.claimed_by is None else f" by {error.claimed_by}"
    possible = f"possible now: {error.possible or 'nothing'}"
    return problem_response(
        409,
        error.code.replace("_", "-"),
        str(error),
        problems=[FieldProblem("state", f"is {error.state.value}{by}", possible)],
        members=None if error.claimed_by is None else {"assignee": error.claimed_by},
    )


def _known(field: str, name: str, known: Any) -> str:
    if name not in known:
        raise InvalidError(
            f"unknown-{field}",
            f"the policy has no such {field}",
            FieldProblem(field, "is not in the policy", f"one of: {', '.join(sorted(known))}"),
        )
    return name


def _detail_out(detail: pages.TodoDetail) -> TodoDetailOut:
    todo = detail.todo
    # The opening is no row of its own: it would be one more for every inquiry that comes in.
    opening = HistoryOut(
        at=todo.created_at,
        who="router",
        key_name=None,
        as_supervisor=False,
        what=What.CREATED.value,
        why=f"{Kind(todo.kind).value}, at {todo.first_desk}",
    )
    lines = [HistoryOut.model_validate(line) for line in detail.history.lines[::-1]]
    return TodoDetailOut.model_validate(
        {
            **TodoOut.model_validate(todo).model_dump(),
            "reasons": detail.reasons,
            "messages": [asdict(message) for message in detail.messages.shown[::-1]],
            "messages_cursor": _of_messages(todo.id).of(detail.messages.earlier),
            "history": [opening, *lines],
            "history_cursor": _of_history(todo.id).of(detail.history.earlier),
        }
    )


def _of_messages(todo_id: UUID) -> Cursors:
    return Cursors("messages", todo_id)


def _of_history(todo_id: UUID) -> Cursors:
    return Cursors("history", todo_id)
