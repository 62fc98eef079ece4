"""Conditional requests (RFC 9110, section 13) on what has a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import FieldProblem
from shared.web.entity_tags import Versions, etag, versions_of
from shared.web.problems import RefusedError

_EXPECTED = 'the ETag of an earlier answer with its quotation marks, as "7", or *'


@dataclass(frozen=True, slots=True)
class Versioned:
    """What somebody has at hand: one of these versions, or any (None)."""

    versions: Versions | None

    def has(self, version: int) -> bool:
        return self.versions is None or version in self.versions


def tagged(version: int) -> dict[str, str]:
    """The headers of an answer that shows this version; as all others it is not to be stored."""
    return {"ETag": etag(version), "Cache-Control": "no-store"}


def not_modified(version: int) -> Response:
    return Response(status_code=304, headers=tagged(version))


def _if_match(
    request: Request,
    _documented: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The `ETag` of what was read. When it has changed since, nothing is done "
            "and the answer is 412.",
            examples=['"7"'],
        ),
    ] = None,
) -> Versions | None:
    given = _given(request, "If-Match", weak=False)
    return None if given is None else given.versions


def _if_none_match(
    request: Request,
    _documented: Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            description="The `ETag` of what is at hand: the answer is 304 when it is the same.",
            examples=['"7"'],
        ),
    ] = None,
) -> Versioned | None:
    return _given(request, "If-None-Match", weak=True)


def _given(request: Request, name: str, *, weak: bool) -> Versioned | None:
    lines = request.headers.getlist(name)
    if not lines:
        return None
    try:
        return Versioned(versions_of(lines, weak=weak))
    except ValueError as error:
        problem = FieldProblem(f"header.{name}", str(error), _EXPECTED)
        raise RefusedError(
            400, "malformed-precondition", f"the header {name} {error}", problem
        ) from error


IfMatch = Annotated[Versions | None, Depends(_if_match)]
"""The versions that the caller may have read; None: any."""
IfNoneMatch = Annotated[Versioned | None, Depends(_if_none_match)]
"""None: the header was not sent."""

TAGGED: dict[str, Any] = {
    "headers": {
        "ETag": {
            "description": "The version of what is shown.",
            "schema": {"type": "string", "examples": ['"7"']},
        }
    }
}
"""For the documentation of an answer that has an entity tag."""
NOT_MODIFIED: dict[str, Any] = {"description": "It is what the caller has.", **TAGGED}
