"""What a list of ToDos may be asked."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.router.deciding.decision import Kind
from services.router.people.names import Person
from services.router.todos.domain.todo import TodoState
from services.router.todos.schemas.todo import Word
from services.router.todos.store.walks import Sort
from shared.web.moments import Moment
from shared.web.strict_json import SafeStr


def _only_true(given: bool) -> bool:  # noqa: FBT001 - a validator
    if not given:
        raise ValueError("true, or leave it out")
    return given


Only = Annotated[bool, AfterValidator(_only_true)]
MOST_VALUES = 50
"""Of one filter that may be given more than once."""


class TodoQuery(BaseModel):
    """Which ToDos, in which order."""

    model_config = ConfigDict(extra="forbid")

    desk: list[Word] = Field(
        [],
        max_length=MOST_VALUES,
        description="Only this desk's; give it again for several.",
        examples=[["technical"]],
    )
    state: list[TodoState] = Field(
        [],
        max_length=MOST_VALUES,
        description="Only in this state; give it again for several.",
        examples=[["open", "claimed"]],
    )
    assignee: Person | None = Field(None, description="Only this person's.")
    unassigned: Only | None = Field(None, description="`true`: only what is open and nobody has.")
    overdue: Only | None = Field(
        None, description="`true`: only what is open or claimed and was due before now."
    )
    due_after: Moment | None = Field(None, description="Only what is due at this moment or later.")
    due_before: Moment | None = Field(None, description="Only what is due before this moment.")
    received_after: Moment | None = Field(
        None, description="Only what was received at this moment or later."
    )
    received_before: Moment | None = Field(
        None, description="Only what was received before this moment."
    )
    channel: Word | None = Field(None, description="Only from this channel.")
    kind: Kind | None = Field(
        None, description="Only inquiries that were decided to be of this kind."
    )
    inquiry_id: UUID | None = Field(None, description="The ToDo of this inquiry.")
    sort: Sort = Field(
        Sort.DUE,
        description="`due`: by due time, those without one last. `age`: oldest first; "
        "`-age`: newest first.",
    )
    limit: int = Field(50, ge=1, le=200, description="Items on a page.")
    cursor: Annotated[SafeStr, Field(max_length=500)] | None = Field(
        None, description="`next_cursor` of the page before, asked with the same filters and sort."
    )
