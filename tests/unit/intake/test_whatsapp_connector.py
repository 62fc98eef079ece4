"""What the messages of customers on WhatsApp mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.connectors.items import (
    Edited,
    Ignored,
    Item,
    Message,
    NewMessage,
    OwnPost,
    Withdrawn,
)
from services.intake.connectors.port import Reading
from services.intake.connectors.whatsapp import CONNECTOR
from tests.contracts.connectors.whatsapp_sample import (
    CUSTOMER,
    METADATA,
    change,
    echo,
    edit,
    message,
)

RECEIVED = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def read(item: Any, *own: str) -> Item:
    return CONNECTOR.read(item, Reading(RECEIVED, frozenset(own)))


def message_in(found: Item, kind: type[NewMessage | OwnPost | Edited] = NewMessage) -> Message:
    assert isinstance(found, kind)
    return found.message


def read_from(value: Any) -> list[Item]:
    """What a change with this value brings."""
    changes = [{"field": "messages", "value": {"metadata": METADATA, **value}}]
    document = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    return [read(each) for each in CONNECTOR.split(document).items]


def said(sender: str | None, **more: Any) -> Any:
    words = {"type": "text", "text": {"body": "Grüße"}, "timestamp": "1795521600", **more}
    return words if sender is None else {"from": sender, "id": f"w-{sender}", **words}


def names_in(items: list[Item]) -> list[str | None]:
    return [message_in(each).author.name for each in items]


def test_a_text_belongs_to_the_conversation_with_its_sender() -> None:
    found = message_in(read(message("wamid.1", context={"id": "wamid.0"})))
    assert (found.id, found.thread_id, found.parent_id) == ("wamid.1", CUSTOMER, "wamid.0")
    assert (found.author.id, found.author.name) == (CUSTOMER, "Zoë Krüger")
    assert (found.text, found.sent_at, found.visibility) == ("Grüße", NOON, "private")


def test_names_are_joined_by_their_ids_whatever_the_order() -> None:
    contacts = [
        {"profile": {"name": "Zoë"}, "wa_id": "1"},
        {"profile": {"name": "Tom"}, "wa_id": "2"},
        {"profile": {"name": "Noor", "username": "noor.b"}, "user_id": "DE.3"},
        7,
    ]
    hidden = {"from_user_id": "DE.3", "id": "w-3"}
    messages = [said("2"), said("1"), said(None, **hidden), said("9")]
    items = read_from({"contacts": contacts, "messages": messages})
    assert names_in(items) == ["Tom", "Zoë", "Noor", None]
    noor = message_in(items[2])
    assert (noor.thread_id, noor.author.id, noor.author.handle) == ("DE.3", "DE.3", "noor.b")


def test_a_number_that_is_spelled_in_two_ways_is_that_of_the_only_contact() -> None:
    contacts = [{"profile": {"name": "João"}, "wa_id": "551187654321"}]
    assert names_in(read_from({"contacts": contacts, "messages": [said("5511987654321")]})) == [
        "João"
    ]
    two = [said("5511987654321"), said("5511987654322")]
    assert names_in(read_from({"contacts": contacts, "messages": two})) == [None, None]


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("button", {"text": "Ja", "payload": "yes"}, "Ja"),
        ("interactive", {"type": "list_reply", "list_reply": {"id": "1", "title": "Abholung"}},
         "Abholung"),
        ("interactive", {"type": "button_reply", "button_reply": {"title": "Nein"}}, "Nein"),
        ("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}},
         '{"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}'),
        ("location", {"latitude": 52.5, "longitude": 13, "name": "Amt", "address": "Weg 1"},
         "Amt\nWeg 1\n52.5, 13"),
        ("contacts", [{"name": {"formatted_name": "Tom"}}],
         '[{"name": {"formatted_name": "Tom"}}]'),
    ],
)  # fmt: skip
def test_every_kind_of_message_has_its_words(kind: str, body: Any, text: str) -> None:
    assert message_in(read(message("w", kind, **{kind: body}))).text == text


@pytest.mark.parametrize("kind", ["image", "video", "document", "audio", "voice", "sticker"])
def test_files_are_named_by_what_fetches_them(kind: str) -> None:
    file = {"id": "77", "mime_type": "a/b", "filename": "Brief.pdf", "caption": "Siehe hier"}
    found = message_in(read(message("w", kind, **{kind: file})))
    assert found.text == "Siehe hier"
    assert found.attachments == ({"id": "77", "name": "Brief.pdf", "type": "a/b"},)
    del file["caption"]
    assert not message_in(read(message("w", kind, **{kind: file}))).empty


@pytest.mark.parametrize(
    ("kind", "counted"),
    [("reaction", "reaction"), ("system", "system"), ("unsupported", "unsupported"),
     ("poll", "unknown"), (None, "unknown"), ([], "unknown")],
)  # fmt: skip
def test_what_is_no_message_is_counted_by_its_kind(kind: Any, counted: str) -> None:
    assert read(message("w", kind)) == Ignored(kind=counted)


def test_statuses_and_other_fields_are_no_messages() -> None:
    statuses = [{"id": "w-1", "status": "delivered"}, {"id": "w-2", "status": "failed"}]
    assert read_from({"statuses": statuses}) == [Ignored(kind="status")] * 2
    assert read_from({"event": "APPROVED"}) == [Ignored()]
    assert read(change("account_update", event="x")) == Ignored()


def test_edits_and_what_is_taken_back_name_the_message_and_when() -> None:
    edited = read(edit("wamid.1"))
    assert isinstance(edited, Edited)
    assert (edited.message.id, edited.message.text) == ("wamid.1", "Grüße!")
    assert (edited.edited_at, edited.message.sent_at) == (NOON, None)
    assert read(edit("wamid.1", None)) == Ignored(kind="edit-without-text")
    revoked = message("w", "revoke", revoke={"original_message_id": "wamid.1"})
    assert read(revoked) == Withdrawn("wamid.1", NOON)
    assert CONNECTOR.id_of(revoked) == "wamid.1"


def test_what_we_write_on_our_own_telephone_is_our_own() -> None:
    found = message_in(read(echo("wamid.2")), OwnPost)
    assert (found.thread_id, found.author.id, found.text) == (CUSTOMER, "493012345", "Gern!")


def test_messages_to_numbers_of_another_channel_are_passed_over() -> None:
    item = message("wamid.1")
    for ours in ("118200", "493012345", "+49 30 123-45", "1022", "page-1"):
        assert isinstance(read(item, ours), NewMessage)
    assert read(item, "118299", "page-1") == Ignored(kind="other-account")
    del item["entry"]["changes"]["value"]["metadata"]
    assert isinstance(read(item, "118299"), NewMessage)
