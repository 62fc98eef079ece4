"""One action for many ToDos, and what became of each."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.router.people.names import Person
from services.router.todos.domain.todo import DismissReason, TodoState
from services.router.todos.domain.verdict import Verdict
from services.router.todos.schemas.todo import Why, Word
from shared.web.problems import Problem

MOST_AT_ONCE = 100
_ID = "01935b1e-7c00-7000-8000-000000000001"


def _example(action: str, **more: Any) -> ConfigDict:
    example = {"action": action, "ids": [_ID], "if_match": {_ID: 7}, **more}
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


def _each_once(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) < len(ids):
        raise ValueError("each id once")
    return ids


class Many(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[UUID], AfterValidator(_each_once)] = Field(
        min_length=1, max_length=MOST_AT_ONCE, description="Which ToDos, each once."
    )
    if_match: dict[UUID, Annotated[int, Field(ge=1)]] = Field(
        default={},
        description="By id the version that was read: one that has changed since is left alone, "
        "with the problem `todo-changed`.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.if_match.keys() <= set(self.ids):
            raise ValueError("if_match for no other ToDos than those in ids")
        return self


class ManyBy(Many):
    by: Person | None = Field(None, description="Who acts, as for one ToDo.")
    as_supervisor: bool = Field(
        default=False, description="Act on what others have claimed: needs `todos:supervise`."
    )


class ClaimMany(Many):
    model_config = _example("claim", assignee="Anna")

    action: Literal["claim"]
    assignee: Person | None = Field(None, description="Who takes them; default: the key's name.")


class AssignMany(ManyBy):
    model_config = _example("assign", assignee="Bert", by="Carla")

    action: Literal["assign"]
    assignee: Person
    reason: Why | None = None


class ReleaseMany(ManyBy):
    model_config = _example("release", by="Anna")

    action: Literal["release"]


class RerouteMany(ManyBy):
    model_config = _example("reroute", desk="inbound", reason="ask for invoices")

    action: Literal["reroute"]
    desk: Word
    reason: Why


class CompleteMany(ManyBy):
    model_config = _example("complete", by="Anna")

    action: Literal["complete"]


class DismissMany(ManyBy):
    model_config = _example("dismiss", reason="spam")

    action: Literal["dismiss"]
    reason: DismissReason


class ReopenMany(ManyBy):
    model_config = _example("reopen", reason="dismissed by mistake")

    action: Literal["reopen"]
    reason: Why


class VerdictMany(ManyBy):
    model_config = _example("verdict", verdict="spam", by="Anna")

    action: Literal["verdict"]
    verdict: Verdict
    desk: Word | None = None
    reason: Why | None = None


BulkIn = Annotated[
    ClaimMany
    | AssignMany
    | ReleaseMany
    | RerouteMany
    | CompleteMany
    | DismissMany
    | ReopenMany
    | VerdictMany,
    Field(discriminator="action"),
]


class ItemProblem(Problem):
    """The problem that the same request for this one ToDo is answered with."""

    model_config = ConfigDict(extra="allow")


class ItemResult(BaseModel):
    """What became of one ToDo."""

    id: UUID
    status: int = Field(
        description="The status that the same request for this one ToDo is answered with.",
        examples=[200],
    )
    version: int | None = Field(default=None, examples=[8])
    state: TodoState | None = Field(default=None, examples=["claimed"])
    problem: ItemProblem | None = Field(default=None, examples=[None])


class BulkOut(BaseModel):
    results: list[ItemResult] = Field(description="In the order of `ids`.")
    failed: int = Field(description="How many have a problem.", examples=[0])
