"""The only language between the services. Field meanings hold for every consumer.

All moments are aware and in UTC. Every fact about an inquiry carries it and its conversation; the
conversation is the key on the bus, so one conversation's facts of one topic stay in order.
Facts on different topics may arrive in any order: a consumer must not count on it.

`key_name` names the API key through which a person acted: None when no key did, or in a fact of
before keys were told.
"""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.messaging.envelope import Fact

DismissReason = Literal["netiquette", "no_answer_needed", "spam", "duplicate"]
CloseReason = Literal["no_answer_needed", "spam", "duplicate", "withdrawn"]
TodoKind = Literal["technical", "general", "netiquette", "unsure"]
DeadlineState = Literal["running", "paused", "met", "met_late", "breached", "cancelled"]
Target = Literal["first_answer", "follow_up", "hand_over"]
MoveCause = Literal["held", "paused", "resumed", "policy", "desk", "reopened"]


class HashtagUse(BaseModel):
    """A hashtag in a message; `year` where an event's tag carries one (#iico2013)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tag: str
    year: int | None = None


class Reason(BaseModel):
    """One word or rule that spoke for a decision, and how much."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: str
    word: str
    weight: float


class InquiryFact(Fact):
    AGGREGATE: ClassVar[str] = "inquiries"

    inquiry_id: UUID
    conversation_id: UUID


class InboundMessage(InquiryFact):
    """What a customer's message tells, whatever it did to the inquiry.

    `moved_from` is the inquiry that the message had belonged to until now, because an end of that
    one did not cover it: it leaves that inquiry's ToDo and clock.
    """

    contact_id: UUID
    message_id: UUID
    channel: str
    received_at: AwareDatetime
    text: str
    subject: str | None = None
    hashtags: tuple[HashtagUse, ...] = ()
    moved_from: UUID | None = None


class InquiryReceived(InboundMessage):
    """The message opened an inquiry. `received_at` starts its clock."""

    TYPE: ClassVar[str] = "inquiry.received"


class MessageAdded(InboundMessage):
    """The customer wrote again before the answer; the inquiry and its clock stay the same."""

    TYPE: ClassVar[str] = "inquiry.message_added"


class InquiryAnswered(InquiryFact):
    """An answer that covers the inquiry's first message. Of several the earliest counts.

    `message_id` names the reply. A reply may be classified again: of all facts about one reply the
    one with the highest `revision` counts, in whatever order they are heard.
    """

    TYPE: ClassVar[str] = "inquiry.answered"

    message_id: UUID
    answered_at: AwareDatetime
    answered_by: str
    key_name: str | None = None
    revision: int = 0


class InquiryHeld(InquiryFact):
    """A holding reply went out: the answer takes longer, visibly.

    `follow_up_at` is what the customer was told; without it the policy says when the answer is due.
    `revision` as in InquiryAnswered.
    """

    TYPE: ClassVar[str] = "inquiry.held"

    message_id: UUID
    held_at: AwareDatetime
    held_by: str
    key_name: str | None = None
    follow_up_at: AwareDatetime | None = None
    revision: int = 0


class ReplyWithdrawn(InquiryFact):
    """The reply counts neither as an answer nor as a holding reply: a person said so.

    `revision` as in InquiryAnswered.
    """

    TYPE: ClassVar[str] = "inquiry.reply_withdrawn"

    message_id: UUID
    revision: int
    withdrawn_at: AwareDatetime
    withdrawn_by: str
    key_name: str | None = None


class OwnPostSeen(InquiryFact):
    """Somebody of ours wrote on the platform; whether it answers, a person has to say."""

    TYPE: ClassVar[str] = "inquiry.own_post_seen"

    message_id: UUID
    posted_at: AwareDatetime
    posted_by: str


class InquiryClosed(InquiryFact):
    """Closed without an answer, by a person, with a reason.

    `merged_into` is set when two inquiries turned out to be one: that inquiry has the messages, and
    this one (reason `duplicate`) counts in no report.
    """

    TYPE: ClassVar[str] = "inquiry.closed"

    reason: CloseReason
    closed_at: AwareDatetime
    closed_by: str
    key_name: str | None = None
    merged_into: UUID | None = None


class TodoFact(Fact):
    AGGREGATE: ClassVar[str] = "todos"

    todo_id: UUID
    inquiry_id: UUID
    conversation_id: UUID


class TodoCreated(TodoFact):
    TYPE: ClassVar[str] = "todo.created"

    desk: str
    kind: TodoKind
    confidence: float
    reasons: tuple[Reason, ...] = ()
    created_at: AwareDatetime


class TodoClaimed(TodoFact):
    TYPE: ClassVar[str] = "todo.claimed"

    assignee: str
    desk: str | None = None
    claimed_at: AwareDatetime
    key_name: str | None = None


class TodoReleased(TodoFact):
    TYPE: ClassVar[str] = "todo.released"

    released_at: AwareDatetime
    released_by: str
    key_name: str | None = None


class TodoRerouted(TodoFact):
    TYPE: ClassVar[str] = "todo.rerouted"

    from_desk: str
    desk: str
    reason: str
    rerouted_at: AwareDatetime
    rerouted_by: str
    key_name: str | None = None


class TodoCompleted(TodoFact):
    """Done: by hand, as after a call, which is an answer; or by an answer that intake told of.

    `covers_until` is the last message that the ToDo had when it was completed by hand, or that the
    person named: what came later is not answered. `answer_id` is the reply whose
    `inquiry.answered` completed it: this fact then says nothing that intake has not said.
    """

    TYPE: ClassVar[str] = "todo.completed"

    completed_at: AwareDatetime
    completed_by: str
    key_name: str | None = None
    covers_until: UUID | None = None
    answer_id: UUID | None = None


class TodoDismissed(TodoFact):
    """A person decided that the inquiry gets no answer, and why; `covers_until` as above."""

    TYPE: ClassVar[str] = "todo.dismissed"

    reason: DismissReason
    dismissed_at: AwareDatetime
    dismissed_by: str
    key_name: str | None = None
    covers_until: UUID | None = None


class TodoReopened(TodoFact):
    """A person took back how the ToDo had ended: as if it had never been completed, dismissed or
    closed at any moment up to `reopened_at`. Answers that intake told of stand.
    """

    TYPE: ClassVar[str] = "todo.reopened"

    desk: str
    reason: str
    reopened_at: AwareDatetime
    reopened_by: str
    key_name: str | None = None


class DeadlineFact(Fact):
    """`state` and `due_at` are how the target stands after this fact.

    The answer's targets follow one another: first answer, follow-up. The hand-over to the technical
    desk is a target of its own and says nothing about the answer.
    """

    AGGREGATE: ClassVar[str] = "deadlines"

    inquiry_id: UUID
    conversation_id: UUID
    state: DeadlineState
    target: Target
    due_at: AwareDatetime
    at: AwareDatetime


class DeadlineStarted(DeadlineFact):
    TYPE: ClassVar[str] = "deadline.started"

    channel: str
    promise: str


class DeadlineMoved(DeadlineFact):
    """The due time or the state changed without an end: held, paused, resumed, policy changed."""

    TYPE: ClassVar[str] = "deadline.moved"

    cause: MoveCause


class DeadlineWarning(DeadlineFact):
    """`level` names the warning: a share of the target, a rest of time, or `window_closing`."""

    TYPE: ClassVar[str] = "deadline.warning"

    level: str


class DeadlineBreached(DeadlineFact):
    """The promise was not kept; told exactly once per deadline."""

    TYPE: ClassVar[str] = "deadline.breached"


class DeadlineMet(DeadlineFact):
    """Answered; `state` says whether in time (`met`) or after the breach (`met_late`)."""

    TYPE: ClassVar[str] = "deadline.met"


class DeadlineCancelled(DeadlineFact):
    TYPE: ClassVar[str] = "deadline.cancelled"

    reason: str
