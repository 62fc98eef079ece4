"""What the domain refuses, as problems."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.router.todos.domain.todo import IllegalTransition
from shared.errors import FieldProblem
from shared.web.problems import problem_response


async def on_illegal_transition(_request: Request, error: IllegalTransition) -> Response:
    return of_illegal_transition(error)


def of_illegal_transition(error: IllegalTransition) -> JSONResponse:
    by = "" if error.claimed_by is None else f" by {error.claimed_by}"
    possible = f"possible now: {error.possible or 'nothing'}"
    return problem_response(
        409,
        error.code.replace("_", "-"),
        str(error),
        problems=[FieldProblem("state", f"is {error.state.value}{by}", possible)],
        members=None if error.claimed_by is None else {"assignee": error.claimed_by},
    )
