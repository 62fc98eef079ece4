"""What the router publishes about ToDos, on the topic of that name."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.messaging.envelope import Fact

DismissReason = Literal["netiquette", "no_answer_needed", "spam", "duplicate"]
VerdictKind = Literal["technical", "general", "netiquette", "spam", "no_answer_needed"]
TodoKind = Literal["technical", "general", "netiquette", "spam", "no_answer_needed", "unsure"]


class Reason(BaseModel):
    """One word or rule that spoke for a decision, and how much."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: str
    word: str
    weight: float


class TodoFact(Fact):
    AGGREGATE: ClassVar[str] = "todos"

    todo_id: UUID
    inquiry_id: UUID
    conversation_id: UUID


class TodoCreated(TodoFact):
    """`decided_by` is the rule, or what weighed the words; `language` (ISO 639-1) is set for a text
    in neither German nor English. `created_at` is when intake recorded the inquiry.
    """

    TYPE: ClassVar[str] = "todo.created"

    desk: str
    kind: TodoKind
    confidence: float
    decided_by: str | None = None
    language: str | None = None
    reasons: tuple[Reason, ...] = ()
    created_at: AwareDatetime


class TodoClaimed(TodoFact):
    """Somebody has it from now on: who took it, or to whom `assigned_by` gave it. Another one may
    have had it before.
    """

    TYPE: ClassVar[str] = "todo.claimed"

    assignee: str
    desk: str | None = None
    claimed_at: AwareDatetime
    key_name: str | None = None
    assigned_by: str | None = None


class TodoReleased(TodoFact):
    TYPE: ClassVar[str] = "todo.released"

    released_at: AwareDatetime
    released_by: str
    key_name: str | None = None


class TodoRerouted(TodoFact):
    """`verdict` is what the review desk decided, where that is why the inquiry goes there."""

    TYPE: ClassVar[str] = "todo.rerouted"

    from_desk: str
    desk: str
    reason: str
    rerouted_at: AwareDatetime
    rerouted_by: str
    key_name: str | None = None
    verdict: VerdictKind | None = None


class TodoCompleted(TodoFact):
    """Done: by hand, as after a call, which is an answer; or by an answer that intake recorded.

    `covers_until` is the last message that the ToDo had when it was completed by hand, or that the
    person named: what came later is not answered. `edits_until` is the last edit that the ToDo
    showed, or when its first message was received; None in a fact of before edits were shown.
    `answer_id` is the reply whose `inquiry.answered` completed it: this fact then says nothing that
    intake has not said.
    """

    TYPE: ClassVar[str] = "todo.completed"

    completed_at: AwareDatetime
    completed_by: str
    key_name: str | None = None
    covers_until: UUID | None = None
    edits_until: AwareDatetime | None = None
    answer_id: UUID | None = None


class TodoDismissed(TodoFact):
    """A person decided that the inquiry gets no answer, and why; `covers_until`, `edits_until` as
    above. `verdict` is set where the review desk decided. Where the policy file says in advance
    that thanks after an answer need none, the policy decided: `dismissed_by` is `policy`.
    """

    TYPE: ClassVar[str] = "todo.dismissed"

    reason: DismissReason
    dismissed_at: AwareDatetime
    dismissed_by: str
    key_name: str | None = None
    covers_until: UUID | None = None
    edits_until: AwareDatetime | None = None
    verdict: VerdictKind | None = None


class TodoReopened(TodoFact):
    """A person took back how the ToDo had ended: as if it had never been completed, dismissed or
    closed at any moment up to `reopened_at`. Answers that intake recorded stand.

    `time_left` is set when that was an appeal of the customer: the clock has stood still since the
    dismissal, and goes on with what was left.
    """

    TYPE: ClassVar[str] = "todo.reopened"

    desk: str
    reason: str
    reopened_at: AwareDatetime
    reopened_by: str
    key_name: str | None = None
    time_left: bool | None = None
