"""What somebody entered in the form, and what of it has to be corrected. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from email_validator import EmailNotValidError, validate_email

from services.intake.connectors.items import File, Message
from services.intake.inquiries.domain.message import NAME_LIMIT, TEXT_LIMIT, Author
from services.intake.inquiries.fields import EMAIL_LIMIT, SUBJECT_LIMIT
from shared.text.names import clean_name, shows_nothing

_DIGEST_BYTES = 12


class EntryFault(StrEnum):
    """What is wrong with a field; the table of words has each under this name."""

    NAME_TOO_LONG = "name_too_long"
    EMAIL_MISSING = "email_missing"
    EMAIL_WRONG = "email_wrong"
    SUBJECT_TOO_LONG = "subject_too_long"
    TEXT_MISSING = "text_missing"
    TEXT_TOO_LONG = "text_too_long"
    FILES_TOO_MANY = "files_too_many"
    FILES_TOO_LARGE = "files_too_large"


@dataclass(frozen=True, slots=True)
class Limits:
    """`files` at once, `bytes` of all of them together."""

    email_required: bool
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Entries:
    """As they were typed, so that a person finds them again."""

    name: str = ""
    email: str = ""
    subject: str = ""
    text: str = ""
    files: tuple[File, ...] = ()

    def faults(self, limits: Limits) -> dict[str, EntryFault]:
        """By field, in the order of the form."""
        return dict(self._faults(limits))

    def _faults(self, limits: Limits) -> Iterator[tuple[str, EntryFault]]:
        if len(self.name) > NAME_LIMIT:
            yield "name", EntryFault.NAME_TOO_LONG
        if not self.email.strip():
            if limits.email_required:
                yield "email", EntryFault.EMAIL_MISSING
        elif address_of(self.email) is None:
            yield "email", EntryFault.EMAIL_WRONG
        if len(self.subject) > SUBJECT_LIMIT:
            yield "subject", EntryFault.SUBJECT_TOO_LONG
        if len(self.text) > TEXT_LIMIT:
            yield "text", EntryFault.TEXT_TOO_LONG
        elif shows_nothing(self.text):
            yield "text", EntryFault.TEXT_MISSING
        if len(self.files) > limits.files:
            yield "files", EntryFault.FILES_TOO_MANY
        elif sum(len(each.content) for each in self.files) > limits.bytes:
            yield "files", EntryFault.FILES_TOO_LARGE

    def message(self, number: str) -> Message:
        """The message of the form with that number. Other words in the same form are another
        message of the same thread, unless somebody else has found the form filled in.
        """
        email, name = address_of(self.email), clean_name(self.name) or None
        return Message(
            id=external_id(self.place(number)),
            thread_id=f"{_PREFIX}{number}:{_digest(email or name or '')}",
            author=Author(name=name, email=email),
            subject=clean_name(self.subject) or None,
            text=self.text,
            visibility="private",
            files=self.files,
        )

    def place(self, number: str) -> str:
        """What the address of the page about this message ends in."""
        digest = hashlib.sha256()
        for part in (
            *(each.encode() for each in (self.name, self.email, self.subject, self.text)),
            *(each.content for each in self.files),
        ):
            digest.update(hashlib.sha256(part).digest())
        return number + base64.urlsafe_b64encode(digest.digest()[:_DIGEST_BYTES]).decode()


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[:_DIGEST_BYTES]).decode()


NOTHING = Entries()
_PREFIX = "form:"


def external_id(place: str) -> str:
    return f"{_PREFIX}{place}"


def address_of(email: str) -> str | None:
    """The address in lower case; None for what is none."""
    text = email.strip()
    if len(text) > EMAIL_LIMIT:
        return None
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
