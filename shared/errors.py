"""What can go wrong for a caller, said in the desk's words; HTTP turns these into problem details.

DeskError
├── InvalidError      the request is understood and wrong in itself
├── NotFoundError     what it names does not exist
├── ConflictError     it does not fit the present state
└── UnavailableError  a part the desk needs does not answer now; nothing was half-done
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong: where, what, and what would be right."""

    field: str
    problem: str
    expected: str


class DeskError(Exception):
    """`code` is stable and documented in docs/problems.md; `detail` is for a person."""

    def __init__(self, code: str, detail: str, *problems: FieldProblem) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.problems = problems


class InvalidError(DeskError):
    pass


class NotFoundError(DeskError):
    pass


class ConflictError(DeskError):
    pass


class UnavailableError(DeskError):
    pass
