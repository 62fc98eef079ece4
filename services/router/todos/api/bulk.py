"""One action for many ToDos."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import assert_never
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import JSONResponse

from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.api.problems import of_illegal_transition
from services.router.todos.api.verdict_desk import desk_of
from services.router.todos.domain.todo import IllegalTransition
from services.router.todos.schemas.bulk import (
    AssignMany,
    BulkIn,
    BulkOut,
    ClaimMany,
    CompleteMany,
    DismissMany,
    ItemProblem,
    ItemResult,
    ReleaseMany,
    ReopenMany,
    RerouteMany,
    VerdictMany,
)
from services.router.todos.schemas.todo import ActIn, AssignIn
from services.router.todos.usecases import desk_work
from services.router.todos.usecases.bulk import Verb, do_one
from services.router.todos.usecases.desk_work import By, Given
from services.router.todos.usecases.verdicts import give_verdict
from shared.access.keys import Caller
from shared.db import DatabaseUnavailableError
from shared.errors import DeskError
from shared.web.problems import documented, of_desk_error

_PLAIN: Mapping[str, Verb] = {"release": desk_work.release, "complete": desk_work.complete}


def add_bulk(api: APIRouter, service: TodoDependencies) -> None:
    writes = service.authorizer.requires("todos:write")

    @api.post(
        "/todos/bulk", summary="Do the same with many ToDos", responses=documented(400, 403, 415)
    )
    async def act_on_many(body: BulkIn, caller: Caller = writes) -> BulkOut:
        """As the same request for each: every ToDo in a transaction of its own, so one that fails
        undoes none of the others, and has its problem in its result. The answer is 200 whatever
        became of them. What is wrong with the action itself (an unknown desk, a missing scope)
        refuses the whole.
        """
        verb, by = _verb(service, body, caller), _by(service, body, caller)
        results: list[ItemResult] = []
        away: DeskError | None = None
        for todo_id in body.ids:
            version = body.if_match.get(todo_id)
            read = None if version is None else frozenset({version})
            if away is None:
                result, away = await _one(service, verb, todo_id, replace(by, read=read))
            else:
                result = _failed(todo_id, of_desk_error(away))
            results.append(result)
        service.wake_relay()
        return BulkOut(results=results, failed=_failures(results))


async def _one(
    service: TodoDependencies, verb: Verb, todo_id: UUID, by: By
) -> tuple[ItemResult, DeskError | None]:
    """The result, and why nothing more is to be tried."""
    try:
        done = await service.database.write(do_one, verb, todo_id=todo_id, by=by)
    except IllegalTransition as error:
        return _failed(todo_id, of_illegal_transition(error)), None
    except DatabaseUnavailableError as error:
        return _failed(todo_id, of_desk_error(error)), error
    except DeskError as error:
        return _failed(todo_id, of_desk_error(error)), None
    return ItemResult(id=todo_id, status=200, version=done.version, state=done.state), None


def _failed(todo_id: UUID, answer: JSONResponse) -> ItemResult:
    problem = ItemProblem.model_validate(json.loads(bytes(answer.body)))
    return ItemResult(id=todo_id, status=answer.status_code, problem=problem)


def _failures(results: Sequence[ItemResult]) -> int:
    return sum(result.problem is not None for result in results)


def _by(service: TodoDependencies, body: BulkIn, caller: Caller) -> By:
    if isinstance(body, ClaimMany):
        return service.by(caller, None)
    if isinstance(body, AssignMany):
        act = body.model_dump(include=set(AssignIn.model_fields))
        return service.assigning(caller, AssignIn.model_validate(act))
    return service.by(caller, ActIn(by=body.by, as_supervisor=body.as_supervisor))


def _verb(service: TodoDependencies, body: BulkIn, caller: Caller) -> Verb:
    match body:
        case ClaimMany():
            return partial(desk_work.claim, assignee=body.assignee or caller.name)
        case AssignMany():
            return partial(desk_work.assign, assignee=body.assignee, reason=body.reason)
        case ReleaseMany() | CompleteMany():
            return _PLAIN[body.action]
        case RerouteMany():
            desk = service.known_desk(body.desk)
            return partial(desk_work.reroute, desk=desk, reason=body.reason)
        case DismissMany() | VerdictMany():
            return _judging(service, body)
        case ReopenMany():
            return partial(desk_work.reopen, reason=body.reason)
    assert_never(body)


def _judging(service: TodoDependencies, body: DismissMany | VerdictMany) -> Verb:
    needed = service.policy.routing.netiquette_verdicts
    if isinstance(body, DismissMany):
        return partial(desk_work.dismiss, reason=body.reason, netiquette_verdicts=needed)
    return partial(
        give_verdict,
        given=Given(body.verdict, body.reason),
        desk=desk_of(service, body.verdict, body.desk),
        netiquette_verdicts=needed,
    )
