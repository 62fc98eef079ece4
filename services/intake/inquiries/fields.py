"""What a message consists of, the same by webhook and over REST.

Both ways have these fields with these limits. They differ in what happens to a value that does not
fit: REST refuses it, a webhook keeps the message without it (`lenient`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from services.intake.inquiries.domain.message import ID_LIMIT, NAME_LIMIT, TEXT_LIMIT, URL_LIMIT
from shared.text.wording import EMAIL
from shared.web.moments import Moment
from shared.web.strict_json import CleanName, SafeStr

SUBJECT_LIMIT = 1_000
EMAIL_LIMIT = 320
TYPE_LIMIT = 100
SIZE_LIMIT = 2**53
MOST_ATTACHMENTS = 100


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("more than white space")
    return text


def _web_address(url: str) -> str:
    if not is_web_address(url):
        raise ValueError("an address that begins with https:// or http://")
    return url


def is_web_address(url: str) -> bool:
    return url[:8].lower().startswith(("https://", "http://"))


def _somebody(handle: str) -> str:
    # An empty handle would make one person of all who have it.
    if not is_handle(handle):
        raise ValueError("more than white space and @")
    return handle


def is_handle(handle: str) -> bool:
    return bool(handle.removeprefix("@").strip())


def _id_text(value: Any) -> Any:
    """Ids may come as JSON numbers, also beyond 2^53; they are kept digit by digit."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[SafeStr, Field(max_length=NAME_LIMIT), CleanName]
Handle = Annotated[SafeStr, Field(max_length=NAME_LIMIT), AfterValidator(_somebody)]
Email = Annotated[SafeStr, Field(max_length=EMAIL_LIMIT, pattern=EMAIL)]
ExternalId = Annotated[
    SafeStr,
    BeforeValidator(_id_text),
    Field(min_length=1, max_length=ID_LIMIT),
    AfterValidator(_not_blank),
]
MessageText = Annotated[
    SafeStr, Field(min_length=1, max_length=TEXT_LIMIT), AfterValidator(_not_blank)
]
Size = Annotated[int, Field(ge=0, le=SIZE_LIMIT)]
WebAddress = Annotated[SafeStr, Field(max_length=URL_LIMIT), AfterValidator(_web_address)]


class AuthorFields(BaseModel):
    """Who wrote; give what the channel says. Id, else handle, else e-mail tell people apart."""

    id: ExternalId | None = None
    name: Name | None = None
    handle: Handle | None = None
    email: Email | None = None


class AttachmentFields(BaseModel):
    """A file beside the words, by its address; the desk does not fetch it."""

    url: WebAddress | None = None
    id: ExternalId | None = None
    name: Name | None = None
    type: Annotated[SafeStr, Field(max_length=TYPE_LIMIT)] | None = None
    size: Size | None = None


class MessageFields(BaseModel):
    """What either way has beside the message's own id, its author, text and attachments."""

    thread_id: ExternalId | None = Field(
        None, description="The conversation's id on the channel; left out: the parent's."
    )
    parent_id: ExternalId | None = Field(
        None, description="The id of the message that this one answers."
    )
    visibility: Literal["public", "private"] | None = Field(
        None,
        description="Who can read it on the channel; left out: what the policy file says of the "
        "channel. A thread keeps what its first message said.",
    )
    subject: Annotated[SafeStr, Field(max_length=SUBJECT_LIMIT)] | None = None
    sent_at: Moment | None = Field(None, description="When it was sent, with a zone.")
    url: WebAddress | None = Field(None, description="Where a person finds it on the channel.")


def shown(attachments: Sequence[AttachmentFields] | None) -> tuple[dict[str, Any], ...]:
    """As they are stored and shown: what was said of each."""
    return tuple(item.model_dump(exclude_none=True) for item in attachments or ())
