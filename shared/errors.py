"""What can go wrong for a caller, said in the desk's words; HTTP turns these into problem details.

DeskError
├── InvalidError      the request is understood and wrong in itself
├── NotFoundError     what it names does not exist
├── ConflictError     it does not fit the present state
│   └── NewerMessageError   messages came that the caller has not read
├── ChangedError      it is not any more what the caller has read
└── UnavailableError  a part the desk needs does not answer now; nothing was half-done
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.bounds import MOST_SHOWN


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong: where, what, and what would be right."""

    field: str
    problem: str
    expected: str


class DeskError(Exception):
    """`code` is stable and documented in docs/problems.md; `detail` is for a person. `members` are
    what a problem of this kind says besides.
    """

    def __init__(self, code: str, detail: str, *problems: FieldProblem) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.problems = problems
        self.members: Mapping[str, Any] = {}


class InvalidError(DeskError):
    pass


class NotFoundError(DeskError):
    pass


class ConflictError(DeskError):
    pass


class NewerMessageError(ConflictError):
    """Messages of the same inquiry came after the one that was read last; `messages` names them,
    by receipt, at most 50.
    """

    def __init__(self, later: Sequence[UUID]) -> None:
        super().__init__(
            "newer-message",
            "the customer wrote again after the message that was read last: read the messages that "
            "are named here, then send it again with the last one's id as read_until",
        )
        self.messages = [str(each) for each in later[:MOST_SHOWN]]
        self.members = {"messages": self.messages}


class ChangedError(DeskError):
    """It was changed after the caller had read it; how it is now, `stands` says."""

    def __init__(self, code: str, detail: str, *, version: int, stands: Mapping[str, Any]) -> None:
        super().__init__(code, detail)
        self.members = {"etag": f'"{version}"', "version": version, **stands}


class UnavailableError(DeskError):
    pass
