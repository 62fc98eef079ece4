"""Intake's HTTP bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, computed_field

from services.intake.inquiries.domain.inquiry import InquiryState
from services.intake.inquiries.fields import (
    MOST_ATTACHMENTS,
    AttachmentFields,
    AuthorFields,
    ExternalId,
    MessageFields,
    MessageText,
    Name,
)
from shared.events.inquiries import CloseReason
from shared.text.references import EXAMPLE, reference_of
from shared.web.moments import Moment
from shared.web.paging import MAX_LIMIT
from shared.web.strict_json import SafeStr


class AuthorIn(AuthorFields):
    model_config = ConfigDict(extra="forbid")


class AttachmentIn(AttachmentFields):
    model_config = ConfigDict(extra="forbid")


class InquiryIn(MessageFields):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "channel": "web_form",
                    "author": {"name": "Erika Muster", "email": "erika@example.org"},
                    "subject": "Anmeldung",
                    "text": "Seit dem Update kommt beim Anmelden Fehler 500. Was kann ich tun?",
                }
            ]
        },
    )

    channel: Annotated[SafeStr, Field(min_length=1, max_length=64)]
    author: AuthorIn
    text: MessageText
    external_id: ExternalId | None = Field(
        None, description="The message's id on the channel; a repeat changes nothing."
    )
    attachments: Annotated[list[AttachmentIn], Field(max_length=MOST_ATTACHMENTS)] | None = None


class InquiryAccepted(BaseModel):
    """Where the message is now. `opened`: it began a new inquiry, it did not join an open one."""

    inquiry_id: UUID
    reference: str = Field(
        description="What the inquiry is called on the telephone.", examples=[EXAMPLE]
    )
    conversation_id: UUID
    contact_id: UUID
    message_id: UUID
    opened: bool


class InquiryQuery(BaseModel):
    """Which inquiries."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[SafeStr, Field(max_length=64)] | None = Field(
        None,
        description="Only the one with this reference; case, spaces and hyphens do not matter.",
        examples=[EXAMPLE],
    )
    channel: Annotated[SafeStr, Field(max_length=64)] | None = Field(
        None, description="Only from this channel.", examples=["facebook"]
    )
    state: InquiryState | None = Field(None, description="Only in this state.")
    contact_id: UUID | None = Field(None, description="Only this contact's.")
    hashtag: Annotated[SafeStr, Field(max_length=101)] | None = Field(
        None, description="Only with this hashtag; with or without #.", examples=["iico"]
    )
    year: Annotated[int, Field(ge=1900, le=2099)] | None = Field(
        None, description="Of the hashtag."
    )
    received_from: Moment | None = Field(None, description="Not before.")
    received_to: Moment | None = Field(None, description="Before.")
    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Items on a page.")
    cursor: Annotated[SafeStr, Field(max_length=500)] | None = Field(
        None, description="`next_cursor` of the page before, asked with the same filters."
    )


class InquiryOut(BaseModel):
    """An inquiry in a list. `desk` and `assignee` say who has it, as the router last reported."""

    id: UUID
    channel: str = Field(examples=["web_form"])
    state: InquiryState
    conversation_id: UUID
    contact_id: UUID
    subject: str | None = Field(examples=["Anmeldung"])
    excerpt: str = Field(examples=["Seit dem Update kommt beim Anmelden Fehler 500."])
    received_at: datetime
    answered_at: datetime | None
    follow_up_at: datetime | None
    closed_at: datetime | None
    reason: str | None = Field(description="Why it was closed or gets no answer.")
    merged_into: UUID | None = Field(description="The inquiry of which it became a part.")
    words_removed_at: datetime | None = Field(
        description="When its words were removed because the platform's terms demand it; `url` of "
        "a message says where to read them."
    )
    removed_at: datetime | None = Field(
        description="When its messages and its contact were removed: see `messages_days`."
    )
    todo_id: UUID | None
    desk: str | None = Field(examples=["technical"])
    assignee: str | None = Field(examples=["Anna"])
    assignee_key_name: str | None = Field(
        description="The API key through which the ToDo was claimed.", examples=["desk-tool"]
    )

    @computed_field(  # type: ignore[prop-decorator]
        description="What it is called on the telephone, in letters and in subjects.",
        examples=[EXAMPLE],
    )
    @property
    def reference(self) -> str:
        return reference_of(self.id)


class VersionOut(BaseModel):
    """What a message said before it was edited."""

    since: datetime = Field(
        description="When it was written, as far as the platform says, else received."
    )
    text: str = Field(examples=["Seit dem Update kommt beim Anmelden Fehler 50."])
    subject: str | None = Field(examples=["Anmeldung"])


class MessageOut(BaseModel):
    id: UUID
    inquiry_id: UUID | None = Field(
        description="Null for one of `staff`, and for one that was withdrawn before it came."
    )
    kind: Literal["inbound", "answer", "holding", "post", "staff"] = Field(
        description="`post`: ours, seen on the platform; it counts neither as an answer nor as a "
        "holding reply. `staff`: a personal view of somebody among the channel's `staff_ids`."
    )
    external_id: str = Field(examples=["c-1001"])
    author_name: str | None = Field(examples=["Erika Muster"])
    key_name: str | None = Field(
        description="The API key through which it was handed in or recorded; null for what a "
        "webhook brought, also when somebody had it tried again from the quarantine.",
        examples=["web-form"],
    )
    text: str = Field(
        examples=["Seit dem Update kommt beim Anmelden Fehler 500. Was kann ich tun?"]
    )
    full_text: str | None = Field(
        None, description="All of the text, where `text` is only a part of it.", examples=[None]
    )
    details: dict[str, Any] | None = Field(
        None, description="What else is known of it, by name.", examples=[None]
    )
    subject: str | None = Field(examples=["Anmeldung"])
    url: str | None = Field(examples=[None])
    attachments: list[dict[str, Any]] = Field(
        description="What came with it. A `url` that begins with / is a file that the desk keeps: "
        "a download, with the same key. `omitted` says why one was not kept.",
        examples=[[{"url": "https://example.org/a.png", "type": "image/png"}]],
    )
    sent_at: datetime | None
    received_at: datetime
    words_removed_at: datetime | None = Field(
        None,
        description="When its words and files were removed because the platform's terms demand it.",
        examples=[None],
    )
    edited_at: datetime | None = Field(
        None, description="When it was last edited, where it was.", examples=[None]
    )
    earlier_versions: list[VersionOut] = Field(
        [], description="What it said before: newest first, at most 20, the first among them."
    )
    edit_of: UUID | None = Field(
        None,
        description="The message that was edited to this after its inquiry had ended.",
        examples=[None],
    )
    withdrawn_at: datetime | None = Field(
        None, description="When its author took it back.", examples=[None]
    )


class ContactOut(BaseModel):
    id: UUID
    name: str | None = Field(examples=["Erika Muster"])
    identities: list[IdentityOut]


class IdentityOut(BaseModel):
    channel: str = Field(examples=["web_form"])
    key: str = Field(examples=["erika@example.org"])
    name: str | None = Field(examples=["Erika Muster"])
    handle: str | None = Field(examples=[None])
    email: str | None = Field(examples=["erika@example.org"])


class HashtagOut(BaseModel):
    tag: str = Field(examples=["clouddevcamp"])
    year: int | None = Field(examples=[2026])


class EndOut(BaseModel):
    """An answer, a holding reply, a close, or a ToDo's end; the earliest that stands decides.

    `covers_until` and `covers_message_id` are the last message that it covers, by receipt; both are
    null for a post on the platform, which covers by the platform's own times.
    """

    id: UUID
    kind: Literal["answer", "holding", "close", "complete", "dismiss"]
    at: datetime
    by: str = Field(examples=["Anna"])
    key_name: str | None = Field(
        description="The API key that acted; null for a post on the platform.",
        examples=["desk-tool"],
    )
    reason: str | None = Field(examples=[None])
    covers_until: datetime | None
    covers_message_id: UUID | None
    taken_back: bool


class InquiryDetail(InquiryOut):
    """The inquiry with its contact and the newest messages of its conversation, oldest first: at
    most 50, and fewer where they are very long.
    """

    reopened_at: datetime | None = Field(
        description="What a desk had decided until then was taken back."
    )
    ends: list[EndOut] = Field(description="The first 50 by when they happened.")
    end_count: int = Field(description="How many ends there are.", examples=[1])
    hashtags: list[HashtagOut] = Field(description="The first 50 by the alphabet.")
    hashtag_count: int = Field(description="How many hashtags there are.", examples=[1])
    contact: ContactOut
    messages: list[MessageOut]
    messages_cursor: str | None = Field(
        description="The cursor for `/messages` with which the earlier ones begin; null when these "
        "are all.",
        examples=[None],
    )


class InquiryChanged(BaseModel):
    """What a key that may write but not read gets back."""

    id: UUID
    state: InquiryState


ReadUntil: Any = Field(
    None,
    description="The id of the last message that you have seen. When the inquiry has later ones, "
    "the answer is 409 `newer-message` with their ids.",
)


class ReplyIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "answer", "text": "Bitte leeren Sie den Cache, dann klappt es wieder."},
                {
                    "kind": "holding",
                    "text": "Wir klären das und melden uns bis Freitag.",
                    "follow_up_at": "2026-11-27T15:00:00+01:00",
                },
            ]
        },
    )

    kind: Literal["answer", "holding"]
    text: MessageText
    follow_up_at: Moment | None = Field(
        None,
        description="When the customer was told to expect the answer; only for `holding`. Left out:"
        " the answer is due when the policy says, see `follow_up` of its promise. At most a year"
        " ahead.",
    )
    external_id: ExternalId | None = Field(
        None, description="The reply's id on the channel, so that its echo is recognised."
    )
    sent_at: Moment | None = Field(
        None, description="When it went out; left out: now. Never in the future."
    )
    author: Name | None = Field(None, description="Who answered; left out: the key's name.")
    read_until: UUID | None = ReadUntil


class MessagePlaced(BaseModel):
    """Where a reply was recorded."""

    message_id: UUID
    inquiry_id: UUID
    conversation_id: UUID


class CloseIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "no_answer_needed"}]}
    )

    reason: CloseReason
    read_until: UUID | None = ReadUntil


class ReclassifyIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "holding", "by": "Anna"}]}
    )

    kind: Literal["answer", "holding", "none"]
    by: Name | None = Field(None, description="Who says so; left out: the key's name.")
