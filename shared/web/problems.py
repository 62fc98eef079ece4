"""Errors as RFC 9457 problem details: one form for everything that is refused.

`type` is `urn:inbound-desk:problem:<code>`; docs/problems.md lists every code, and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from shared.bounds import MOST_SHOWN
from shared.errors import (
    ChangedError,
    ConflictError,
    DeskError,
    FieldProblem,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from shared.text.names import clean_name
from shared.text.wording import words_of
from shared.web.notes import notes

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
_STATUS: tuple[tuple[type[DeskError], int], ...] = (
    (InvalidError, 422),
    (NotFoundError, 404),
    (ConflictError, 409),
    (ChangedError, 412),
    (UnavailableError, 503),
)
_TITLES = {
    400: "The request cannot be read",
    401: "Not authenticated",
    403: "The key does not allow this",
    404: "Not found",
    405: "This method is not served here",
    408: "The request took too long",
    409: "This does not fit the present state",
    412: "It has changed since it was read",
    413: "The body is too large",
    415: "This content type is not understood",
    422: "The request is not valid",
    429: "Too many requests",
    431: "The headers are too large",
    500: "Internal error",
    503: "A part of the desk does not answer",
}
_TITLES_OF = {
    "overloaded": "Too much at once",
    "too-many-bodies": "Too much at once",
    "too-many-connections": "Too much at once",
}
_CODES = {404: "not-found", 413: "body-too-large", 400: "bad-request"}


class ProblemField(BaseModel):
    field: str = Field(examples=["author.email"])
    problem: str = Field(examples=["is missing"])
    expected: str = Field(examples=["give a value for this field"])


class Problem(BaseModel):
    """RFC 9457 problem details, with one entry in `errors` for each field that is wrong."""

    type: str = Field(examples=["urn:inbound-desk:problem:invalid-request"])
    title: str = Field(examples=["The request is not valid"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["1 field is not valid"])
    errors: list[ProblemField] = Field([], description="The first 50.")
    more_errors: int = Field(0, description="How many more there are.", examples=[0])


class RefusedError(DeskError):
    """A request that HTTP itself refuses: no key, wrong content type, body too large, ..."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *problems: FieldProblem,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, detail, *problems)
        self.status = status
        self.headers = dict(headers or {})


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    problems: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """`members` are extension members of this kind of problem (RFC 9457, section 3.2)."""
    body: dict[str, Any] = {
        "type": f"urn:inbound-desk:problem:{code}",
        "title": _TITLES_OF.get(code) or _TITLES.get(status, "The request was refused"),
        "status": status,
        "detail": detail,
        **(members or {}),
    }
    if problems:
        body["errors"] = [
            {"field": p.field, "problem": p.problem, "expected": p.expected}
            for p in problems[:MOST_SHOWN]
        ]
    if len(problems) > MOST_SHOWN:
        body["more_errors"] = len(problems) - MOST_SHOWN
    extra = dict(headers or {})
    if status == 503:
        extra.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return JSONResponse(body, status, headers=extra, media_type=MEDIA_TYPE)


def of_desk_error(error: DeskError) -> JSONResponse:
    if isinstance(error, RefusedError):
        return problem_response(
            error.status, error.code, error.detail, problems=error.problems, headers=error.headers
        )
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return problem_response(
        status, error.code, error.detail, problems=error.problems, members=error.members
    )


async def on_desk_error(_request: Request, error: DeskError) -> JSONResponse:
    notes().refused = error.code
    return of_desk_error(error)


async def on_http_exception(_request: Request, error: HTTPException) -> JSONResponse:
    code = _CODES.get(error.status_code, "refused")
    detail = "nothing is served here" if error.status_code == 404 else str(error.detail)
    return problem_response(error.status_code, code, detail, headers=error.headers or None)


def wrong_method(allowed: Iterable[str]) -> JSONResponse:
    """405 for a path that is served with these methods only."""
    names = ", ".join(sorted(allowed))
    return problem_response(
        405,
        "method-not-allowed",
        f"this path is served with {names}",
        headers={"Allow": names},
    )


async def on_validation_error(_request: Request, error: RequestValidationError) -> JSONResponse:
    errors = [{**each, "loc": _place(each, error.body)} for each in error.errors()]
    problems = field_problems(errors)
    return problem_response(422, "invalid-request", summary(problems), problems=problems)


def _place(error: Mapping[str, Any], body: Any) -> tuple[int | str, ...]:
    """Where it is in the request. Where one field says what the others are (a discriminator),
    pydantic puts that field's value before the place, and leaves out the field itself.
    """
    place: tuple[int | str, ...] = tuple(error["loc"])
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*place, error["ctx"]["discriminator"].strip("'"))
    if place[:1] != ("body",) or not isinstance(body, Mapping) or len(place) == 1:
        return place
    is_value = place[1] not in body and any(value == place[1] for value in body.values())
    is_field = len(place) == 2 and error["type"] == "missing"
    return ("body", *place[2:]) if is_value and not is_field else place


async def on_unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    """What was raised goes on to the edge, which logs it."""
    return internal_error()


def internal_error() -> JSONResponse:
    return problem_response(
        500, "internal", "this is a bug in the desk; the log has it under the trace id"
    )


def summary(problems: Sequence[FieldProblem]) -> str:
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{first.field} {first.problem}: {first.expected}{more}"


def field_problems(errors: Sequence[Any]) -> tuple[FieldProblem, ...]:
    """pydantic's errors in our words; the input is never echoed, it may hold anything."""
    return tuple(_field_problem(error) for error in errors)


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    named = ".".join(str(part) for part in error["loc"] if part != "body") or "body"
    # The name of an unknown field is the sender's: it may hold what no answer can be written with,
    # and what turns the text around it.
    field = clean_name(named[:200].encode("utf-8", "backslashreplace").decode()) or "a field"
    if error["type"] == "json_invalid":
        field = "body"
    if error["type"].startswith("union_tag_"):
        field = error["ctx"]["discriminator"].strip("'")
    return FieldProblem(field, *words_of(error))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses for these statuses; FastAPI would call them application/json."""
    return {
        status: {
            "description": _TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
