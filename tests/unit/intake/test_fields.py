"""One list of fields on both ways in."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from services.intake.connectors.standard_webhooks import (
    WebhookAttachment,
    WebhookAuthor,
    WebhookMessage,
)
from services.intake.inquiries import fields
from services.intake.inquiries.schemas import (
    AttachmentIn,
    AuthorIn,
    InquiryIn,
)

ONLY_REST = {"channel", "external_id"}
ONLY_WEBHOOK = {"id"}


def test_a_message_has_the_same_fields_by_webhook_and_over_rest() -> None:
    rest, webhook = set(InquiryIn.model_fields), set(WebhookMessage.model_fields)
    assert rest - ONLY_REST == webhook - ONLY_WEBHOOK
    assert {"subject", "visibility", "parent_id", "attachments"} <= rest & webhook


@pytest.mark.parametrize(
    ("rest", "webhook"), [(AuthorIn, WebhookAuthor), (AttachmentIn, WebhookAttachment)]
)
def test_authors_and_attachments_too(rest: type[BaseModel], webhook: type[BaseModel]) -> None:
    assert set(rest.model_fields) == set(webhook.model_fields)
    assert {"email", "handle"} <= set(AuthorIn.model_fields)


def test_an_empty_handle_is_nobody() -> None:
    """Or all who have none would be one person."""
    for handle in ("", "@", " ", "@ "):
        with pytest.raises(ValidationError):
            AuthorIn(handle=handle)


def test_what_was_said_of_an_attachment_is_shown() -> None:
    given: list[Any] = [AttachmentIn(url="HTTPS://example.org/a"), AttachmentIn(name="a.png")]
    assert fields.shown(given) == ({"url": "HTTPS://example.org/a"}, {"name": "a.png"})
    assert fields.shown(None) == ()
