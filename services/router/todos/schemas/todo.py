"""The router's HTTP bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.router.deciding.decision import Kind
from services.router.people.names import Person, trimmed
from services.router.todos.domain.todo import DismissReason, TodoState
from services.router.todos.domain.verdict import Verdict
from shared.web.of_inquiry import OfInquiry
from shared.web.strict_json import SafeStr

TEXT_LIMIT = 100_000


Why = Annotated[SafeStr, BeforeValidator(trimmed), Field(min_length=1, max_length=1000)]
Word = Annotated[SafeStr, Field(min_length=1, max_length=64)]


class DeadlineOut(BaseModel):
    """How the inquiry's clock stands. No deadline: the channel makes no promise."""

    model_config = ConfigDict(from_attributes=True)

    state: str = Field(examples=["running"])
    target: str = Field(examples=["first_answer"])
    due_at: datetime = Field(examples=["2026-11-25T16:00:00Z"])
    warning: str | None = Field(
        None, description="The last warning for this target.", examples=["75%"]
    )


class PendingVerdictOut(BaseModel):
    """What one person has decided; it holds when a second one agrees."""

    model_config = ConfigDict(from_attributes=True)

    verdict: Verdict = Field(examples=["netiquette"])
    by: str = Field(examples=["Anna"])
    key_name: str = Field(examples=["desk-tool"])
    at: datetime


class TodoOut(OfInquiry):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int = Field(
        description="One more with each change that a person sees: the number in the ETag.",
        examples=[7],
    )
    conversation_id: UUID
    channel: str = Field(examples=["web_form"])
    desk: str = Field(examples=["technical"])
    state: TodoState = Field(examples=["open"])
    assignee: str | None = Field(examples=["Anna"])
    assignee_key_name: str | None = Field(
        description="The API key through which it was claimed.", examples=["desk-tool"]
    )
    kind: Kind = Field(examples=["technical"])
    confidence: float = Field(examples=[0.8])
    decided_by: str | None = Field(
        description="The rule, or what weighed the words; null for what was decided before this "
        "was kept.",
        examples=["lexicon"],
    )
    language: str | None = Field(
        description="ISO 639-1, where the text is in neither German nor English.", examples=["fr"]
    )
    leaning: Kind | None = Field(
        description="The kind that an unsure one more probably is; the confidence is then its.",
        examples=["technical"],
    )
    received_at: datetime
    created_at: datetime
    due_at: datetime | None = Field(description="When the answer is due; null without a promise.")
    deadline: DeadlineOut | None
    follow_up_at: datetime | None = Field(
        description="When the customer was told to expect the answer."
    )
    ended_at: datetime | None
    ended_by: str | None
    ended_by_key_name: str | None = Field(
        description="The API key through which it ended; null when no key did it.",
        examples=["desk-tool"],
    )
    dismiss_reason: DismissReason | None
    pending_verdict: PendingVerdictOut | None = Field(
        None, description="A verdict that waits for a second person.", examples=[None]
    )
    reopened_at: datetime | None = Field(description="When an end was last taken back.")
    merged_into: UUID | None = Field(description="The inquiry of which this one became a part.")
    removed_at: datetime | None = Field(
        description="When what the customer wrote was removed: see `messages_days`."
    )
    words_removed_at: datetime | None = Field(
        description="When words of the customer were removed because the platform's terms demand "
        "it, whether the ToDo is open or not: `url` says where to read them."
    )
    own_post_at: datetime | None = Field(
        description="When a colleague last posted on the platform, while nobody has classified "
        "that post: see `reclassify` at intake. It stays when the ToDo ends in another way."
    )
    message_count: int = Field(examples=[1])
    latest_message_at: datetime | None
    excerpt: str | None = Field(
        description="The beginning of the latest message; null after an erasure.",
        examples=["Seit dem Update kommt beim Anmelden Fehler 500."],
    )
    url: str | None = Field(
        description="Where a person reads the latest message on the channel, if that is known.",
        examples=["https://example.org/posts/1#comment-7"],
    )


class ReasonOut(BaseModel):
    """A word that spoke for the decision: the customer's word, and the policy's term."""

    model_config = ConfigDict(from_attributes=True)

    rule: str = Field(examples=["technical_term"])
    word: str = Field(examples=["Fehler"])
    weight: float = Field(examples=[1.0])
    term: str = Field("", examples=["fehler*"])
    span: tuple[int, int] | None = Field(
        None,
        description="Where the word is in the text that was decided on: first character, and the "
        "one behind the last; null for the subject.",
        examples=[[24, 30]],
    )


class MessageOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    message_id: UUID
    received_at: datetime
    subject: str | None = Field(examples=["Anmeldung"])
    text: str | None = Field(
        description="Null after an erasure.",
        examples=["Seit dem Update kommt beim Anmelden Fehler 500."],
    )
    url: str | None = Field(
        description="Where a person reads it on the channel, if that is known.",
        examples=["https://example.org/posts/1#comment-7"],
    )
    edited_at: datetime | None = Field(
        None,
        description="When the customer last changed it; intake has what it said before.",
        examples=[None],
    )
    withdrawn_at: datetime | None = Field(
        None, description="When the customer took it back.", examples=[None]
    )


class HistoryOut(BaseModel):
    """Who did what, when, and why.

    `who` is the name that the caller gave, `key_name` the API key that was used; null when no key
    acted, and in lines from before keys were recorded.
    """

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    who: str = Field(examples=["Anna"])
    key_name: str | None = Field(None, examples=["desk-tool"])
    as_supervisor: bool = Field(
        default=False, description="Whether it was done on what somebody else may have claimed."
    )
    what: str = Field(examples=["claimed"])
    why: str | None = None


class TodoDetailOut(TodoOut):
    """A ToDo with the words that decided, the newest that the customer wrote, and what happened.

    Messages and history are oldest first, each at most 50, and fewer messages where they are very
    long. The history begins with the opening, also where lines after it are left out.
    """

    reasons: list[ReasonOut]
    messages: list[MessageOut]
    messages_cursor: str | None = Field(
        description="The cursor for `/messages` with which the earlier ones begin; null when these "
        "are all.",
        examples=[None],
    )
    history: list[HistoryOut]
    history_cursor: str | None = Field(
        description="The cursor for `/history` with which the earlier lines begin; null when these "
        "are all.",
        examples=[None],
    )


class TodoChanged(BaseModel):
    """What a key that may write but not read gets back."""

    id: UUID
    inquiry_id: UUID
    state: TodoState = Field(examples=["claimed"])
    version: int = Field(examples=[7])


class ClaimIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"assignee": "Anna"}]}
    )

    assignee: Person | None = Field(None, description="Who takes it; default: the key's name.")


class ActIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"by": "Anna"}]})

    by: Person | None = Field(
        default=None,
        description="Who acts. Default: the assignee when this key claimed the ToDo for them, "
        "else the key's name.",
    )
    as_supervisor: bool = Field(
        default=False,
        description="Act on what somebody else has claimed; the key needs the scope "
        "`todos:supervise`, and the history shows it.",
    )


class AssignIn(ActIn):
    """Without `as_supervisor` a person can only take what nobody has."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"assignee": "Bert", "by": "Carla", "reason": "knows the customer"}]
        },
    )

    by: Person | None = Field(
        default=None,
        description="Who assigns it; default: the key's name. To somebody else the key needs the "
        "scope `todos:supervise`.",
    )
    assignee: Person = Field(description="Who has it from now on.", examples=["Bert"])
    reason: Why | None = Field(None, description="Why; the history has it.")


class EndIn(ActIn):
    """What ends a ToDo, or hands it on, covers the messages that were read."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"by": "Anna", "read_until": "01935b1e-7c00-7000-8000-000000000001"}]
        },
    )

    read_until: UUID | None = Field(
        default=None,
        description="The id of the last message that was read. When the ToDo has later ones, the "
        "answer is 409 `newer-message` with their ids. Default: all messages.",
    )


class ReopenIn(ActIn):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"by": "Anna", "reason": "the customer called again"}]},
    )

    reason: Why


class RerouteIn(EndIn):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"desk": "inbound", "reason": "asks for an invoice"}]},
    )

    desk: Word
    reason: Why


class DismissIn(EndIn):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "netiquette"}]}
    )

    reason: DismissReason


class PreviewIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "Die Anmeldung geht nicht mehr.", "channel": "web_form"}]
        },
    )

    text: Annotated[SafeStr, Field(min_length=1, max_length=TEXT_LIMIT)]
    subject: Annotated[SafeStr, Field(max_length=1000)] | None = None
    channel: Word | None = Field(None, description="As if it came from this channel.")
    after_answer: bool = Field(
        default=False, description="As if this customer had been answered in this thread before."
    )


class DecisionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: Kind = Field(examples=["technical"])
    desk: str = Field(examples=["technical"])
    confidence: float = Field(examples=[0.8])
    decided_by: str = Field(examples=["lexicon"])
    language: str | None = Field(examples=["fr"])
    leaning: Kind | None = Field(examples=["technical"])
    reasons: list[ReasonOut]
