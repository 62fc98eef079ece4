"""What intake publishes about inquiries, on the topic of that name."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.messaging.envelope import Fact

CloseReason = Literal["no_answer_needed", "spam", "duplicate", "withdrawn"]


class HashtagUse(BaseModel):
    """A hashtag in a message; `year` where an event's tag carries one (#iico2013)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tag: str
    year: int | None = None


class InquiryFact(Fact):
    AGGREGATE: ClassVar[str] = "inquiries"

    inquiry_id: UUID
    conversation_id: UUID


class InboundMessage(InquiryFact):
    """What is known of a customer's message, whatever it did to the inquiry.

    `moved_from` is the inquiry that the message had belonged to until now, because an end of that
    one did not cover it: it leaves that inquiry's ToDo and clock. `url` is where a person reads the
    message on the channel.
    """

    contact_id: UUID
    message_id: UUID
    channel: str
    received_at: AwareDatetime
    text: str
    subject: str | None = None
    hashtags: tuple[HashtagUse, ...] = ()
    moved_from: UUID | None = None
    url: str | None = None


class InquiryReceived(InboundMessage):
    """The message opened an inquiry. `received_at` starts its clock."""

    TYPE: ClassVar[str] = "inquiry.received"


class MessageAdded(InboundMessage):
    """The customer wrote again before the answer; the inquiry and its clock stay the same."""

    TYPE: ClassVar[str] = "inquiry.message_added"


class MessageEdited(InquiryFact):
    """The customer changed the words of a message: it reads so now. Of several the latest
    `edited_at` counts. The inquiry and its clock stay the same.
    """

    TYPE: ClassVar[str] = "inquiry.message_edited"

    message_id: UUID
    channel: str
    edited_at: AwareDatetime
    text: str
    subject: str | None = None
    hashtags: tuple[HashtagUse, ...] = ()


class MessageWithdrawn(InquiryFact):
    """The customer took a message back. An inquiry that has no other is closed as well."""

    TYPE: ClassVar[str] = "inquiry.message_withdrawn"

    message_id: UUID
    withdrawn_at: AwareDatetime


class InquiryAnswered(InquiryFact):
    """An answer that covers the inquiry's first message. Of several the earliest counts.

    `message_id` names the reply. A reply may be classified again: of all facts about one reply the
    one with the highest `revision` counts, in whatever order they arrive. `text` is the beginning
    of what it says, at most 20,000 characters; None in a fact of before answers told their words.
    """

    TYPE: ClassVar[str] = "inquiry.answered"

    message_id: UUID
    answered_at: AwareDatetime
    answered_by: str
    key_name: str | None = None
    revision: int = 0
    text: str | None = None


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
    """Closed without an answer, with a reason: by a person, or because all of it was withdrawn.

    `merged_into` is set when two inquiries turned out to be one: that inquiry has the messages, and
    this one (reason `duplicate`) counts in no report.
    """

    TYPE: ClassVar[str] = "inquiry.closed"

    reason: CloseReason
    closed_at: AwareDatetime
    closed_by: str
    key_name: str | None = None
    merged_into: UUID | None = None
