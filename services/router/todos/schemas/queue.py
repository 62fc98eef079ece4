"""The HTTP bodies of queues and counts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.router.people.names import Person
from shared.bounds import MOST_SHOWN
from shared.web.paging import MAX_LIMIT
from shared.web.strict_json import SafeStr


class QueueQuery(BaseModel):
    """Whose queue, and which page of it."""

    model_config = ConfigDict(extra="forbid")

    assignee: Person | None = Field(
        None, description="Whose claimed ToDos are in it; default: the key's name."
    )
    limit: int = Field(MOST_SHOWN, ge=1, le=MAX_LIMIT, description="Items on a page.")
    cursor: Annotated[SafeStr, Field(max_length=500)] | None = Field(
        None, description="`next_cursor` of the page before, of the same queue."
    )


class TodoCounts(BaseModel):
    open: int = Field(examples=[7])
    claimed: int = Field(examples=[3])
    done: int = Field(examples=[1250])
    dismissed: int = Field(examples=[90])
    unassigned: int = Field(description="Nobody has them: as many as are open.", examples=[7])
    overdue: int = Field(description="Open or claimed, and due before `counted_at`.", examples=[1])
    due_within_24_hours: int = Field(
        description="Open or claimed, and due in the 24 hours after that.", examples=[4]
    )


class DeskCounts(TodoCounts):
    desk: str = Field(examples=["technical"])


class CountsOut(BaseModel):
    """What goes on is counted exactly; what is done or dismissed at most once a minute."""

    counted_at: datetime
    ended_counted_at: datetime = Field(description="When `done` and `dismissed` were counted.")
    desks: list[DeskCounts] = Field(
        description="Those of the policy, and others that still have ToDos."
    )
    total: TodoCounts
