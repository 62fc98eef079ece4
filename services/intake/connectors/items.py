"""What the items of a delivery are, in the desk's words, whatever the format was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.intake.inquiries.domain.message import Author
from shared.errors import FieldProblem

IgnoredReason = Literal[
    "own-post", "staff", "edited", "withdrawn", "empty", "event-type", "automatic"
]
DeliveryAction = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
NOBODY = Author()


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A value that was changed so that it fits. `field` is a name of the desk's, so that it can
    label a metric; `done` is for a person.
    """

    field: str
    done: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with the message itself. `name` and `type` are as the sender wrote them;
    `content_id` is what an HTML text names it by.
    """

    content: bytes
    name: str | None = None
    type: str | None = None
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class ThreadHints:
    """What a message says of where it belongs, where anybody may say that of any conversation: it
    joins one only if its author takes part in it already.

    `messages` are ids of earlier ones on the channel, the nearest first; `texts` may name an
    inquiry by its reference (`shared.text.references`).
    """

    messages: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the desk keeps it: each value fits the limits of docs/connectors.md.

    `id`, `thread_id` and `parent_id` are the channel's. `visibility` is None where the channel's
    audience decides. `full_text` is set where `text` is only a part of it. `details` is what else
    is known of it and has no field of its own, as JSON. `other_id` is the id that it has where `id`
    turns out to be another message's. Moments are in UTC. With `hints`, a thread is one person's:
    two who name the same one have a conversation each.
    """

    id: str
    author: Author = NOBODY
    text: str = ""
    thread_id: str | None = None
    parent_id: str | None = None
    subject: str | None = None
    sent_at: datetime | None = None
    url: str | None = None
    visibility: Literal["public", "private"] | None = None
    attachments: tuple[dict[str, Any], ...] = ()
    full_text: str | None = None
    details: Mapping[str, Any] | None = None
    files: tuple[File, ...] = ()
    hints: ThreadHints | None = None
    other_id: str | None = None

    @property
    def empty(self) -> bool:
        """Neither words nor an attachment: nothing that anybody could answer."""
        words = self.text or (self.subject or "").strip()
        return not (words or self.attachments or self.files)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Somebody's message, which makes or joins an inquiry."""

    message: Message
    adjusted: tuple[Adjusted, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnPost:
    """A message of our own, as the platform itself says. What an author among the channel's
    `own_ids` wrote becomes one without the connector's help.
    """

    message: Message
    adjusted: tuple[Adjusted, ...] = ()


@dataclass(frozen=True, slots=True)
class StaffView:
    """What somebody among the channel's `staff_ids` wrote, a personal view: no connector has to
    tell.
    """

    message: Message


@dataclass(frozen=True, slots=True)
class Edited:
    """A message that was there before has other words now; `message` is all of it, as it reads now.

    `edited_at` is when that was, where the platform says so (UTC): of two edits the later counts.
    With `if_unknown`, it changes a message that is known and never makes one; of a message that is
    not known, it is that.
    """

    message: Message
    adjusted: tuple[Adjusted, ...] = ()
    edited_at: datetime | None = None
    if_unknown: Ignored | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The message with this id is no longer on the channel, since `withdrawn_at`, where the
    platform says so (UTC).
    """

    message_id: str
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """Somebody's server says what became of a message that may be one of ours; it can be forged.

    One of `message_ids` is that message's external id. `action` and `status` are those of RFC 3464,
    `text` is the server's reason.
    """

    id: str
    message_ids: tuple[str, ...]
    action: DeliveryAction = "failed"
    status: str | None = None
    recipient: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood, and no message: a like, a receipt, an event of a type that is not known.

    `kind` says which, in the connector's own constant words and never in the sender's: it is
    counted.
    """

    reason: IgnoredReason = "event-type"
    kind: str = "unknown"


@dataclass(frozen=True, slots=True)
class Broken:
    """Not understood, so it is kept aside with what is wrong."""

    problems: tuple[FieldProblem, ...]


Item = NewMessage | OwnPost | StaffView | Edited | Withdrawn | DeliveryReport | Ignored | Broken
