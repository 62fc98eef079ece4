"""What comments and messages on Facebook pages, Messenger and Instagram mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.connectors import facebook_page, instagram, messenger
from services.intake.connectors.items import (
    Broken,
    Edited,
    Ignored,
    Item,
    Message,
    NewMessage,
    OwnPost,
    Withdrawn,
)
from services.intake.connectors.meta import Keys
from services.intake.connectors.port import Connector, Reading
from tests.contracts.connectors import facebook_page_sample as page
from tests.contracts.connectors import instagram_sample, messenger_sample
from tests.contracts.connectors.meta_deliveries import asked, delivery

RECEIVED = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MESSAGES = (facebook_page.CONNECTOR, messenger.CONNECTOR)


def read(
    item: Any, connector: Connector[Any] = facebook_page.CONNECTOR, own: tuple[str, ...] = ()
) -> Item:
    return connector.read(item, Reading(RECEIVED, frozenset(own)))


def message_in(found: Item, kind: type[NewMessage | OwnPost | Edited] = NewMessage) -> Message:
    assert isinstance(found, kind)
    return found.message


def test_a_comment_on_a_post_begins_a_conversation() -> None:
    found = message_in(read(page.comment("7001_1")))
    assert (found.id, found.thread_id, found.parent_id) == ("7001_1", "7001_1", None)
    assert (found.author.id, found.author.name) == ("8801", "Erika Muster")
    assert (found.text, found.sent_at) == ("Grüße, wann öffnet ihr?", NOON)
    assert (found.visibility, found.url) == ("public", "https://www.facebook.com/3311/posts/7001")


def test_an_answer_belongs_to_the_comment_that_it_answers() -> None:
    found = message_in(read(page.comment("7001_2", parent_id="7001_1")))
    assert (found.thread_id, found.parent_id) == ("7001_1", "7001_1")
    for post in ("3311_7001", "7001", None):
        assert message_in(read(page.comment("7001_2", parent_id=post))).parent_id is None


def test_a_comment_may_be_a_photo_alone_and_by_nobody() -> None:
    photo = "https://example.org/photo.jpg"
    found = message_in(read(page.comment("1", message=None, photo=photo, **{"from": None})))
    assert found.attachments == ({"url": photo, "type": "photo"},)
    assert (found.text, found.author.key()) == ("", None)


def test_what_the_page_writes_is_our_own_also_when_it_is_edited() -> None:
    ourselves = {"id": page.PAGE, "name": "Wir"}
    for verb in ("add", "edited"):
        assert isinstance(read(page.comment("1", verb, **{"from": ourselves})), OwnPost)
    second = read(page.comment("1", **{"from": {"id": "44"}}), own=("44",))
    assert isinstance(second, OwnPost)


def test_edits_and_removals_say_when_they_were_made() -> None:
    edited = read(page.comment("1", "edited", message="Grüße!"))
    assert isinstance(edited, Edited)
    assert (edited.message.text, edited.message.sent_at) == ("Grüße!", NOON)
    assert edited.edited_at == NOON.replace(second=1)
    assert read(page.comment("1", "remove")) == Withdrawn("1", NOON.replace(second=1))
    # Nobody can tell whether the words are gone or just not in it.
    assert read(page.comment("1", "edited", message=None)) == Ignored(kind="edit-without-text")


@pytest.mark.parametrize(
    ("item", "kind"),
    [("reaction", "reaction"), ("like", "reaction"), ("post", "post"), ("status", "post"),
     ("share", "share"), ("tea", "unknown"), ([], "unknown"), (None, "unknown")],
)  # fmt: skip
def test_what_else_happens_on_a_page_is_counted(item: Any, kind: str) -> None:
    assert read(page.comment("1", item=item)) == Ignored(kind=kind)


def test_hidden_comments_and_other_fields_are_passed_over() -> None:
    verbs: list[Any] = ["hide", "unhide", [], None]
    for verb in verbs:
        assert read(page.comment("1", verb)) == Ignored()
    other = page.comment("1")
    other["entry"]["changes"]["field"] = "ratings"
    assert read(other) == Ignored()


@pytest.mark.parametrize("connector", MESSAGES, ids=lambda each: each.name)
def test_a_page_gets_comments_and_messages_at_one_address(connector: Connector[Any]) -> None:
    assert message_in(read(page.comment("1"), connector)).visibility == "public"
    found = message_in(read(messenger_sample.message("m.1"), connector))
    assert (found.visibility, found.thread_id, found.author.id) == ("private", "24001", "24001")
    assert found.sent_at == NOON.replace(microsecond=123_000)
    document = connector.decode(
        delivery([page.comment("1"), messenger_sample.message("m.1")]), None
    )
    assert len(connector.split(document).items) == 2


def test_an_echo_belongs_to_the_customer_who_got_it() -> None:
    found = message_in(read(messenger_sample.echo("m.2")), OwnPost)
    assert (found.thread_id, found.author.id) == ("24001", messenger_sample.PAGE)
    unmarked = messenger_sample.echo("m.2")
    del unmarked["entry"]["messaging"]["message"]["is_echo"]
    assert message_in(read(unmarked), OwnPost).thread_id == "24001"


def test_messages_quote_and_bring_files() -> None:
    files = [
        {"type": "image", "payload": {"url": "https://example.org/a.png"}},
        {"type": "fallback", "url": "https://example.org/", "title": "Startseite"},
        {"type": "location", "payload": {"coordinates": {"lat": 1}}},
        "odd",
    ]
    quoted = {"mid": "m.0", "story": {"url": "https://example.org/story"}}
    found = message_in(
        read(messenger_sample.message("m.1", text=None, attachments=files, reply_to=quoted))
    )
    assert found.parent_id == "m.0"
    assert found.attachments == (
        {"url": "https://example.org/a.png", "type": "image"},
        {"url": "https://example.org/", "name": "Startseite", "type": "fallback"},
        {"type": "location"},
        {},
        {"url": "https://example.org/story", "type": "story"},
    )


@pytest.mark.parametrize("kind", ["delivery", "read", "reaction", "postback", "optin", "referral"])
def test_what_is_no_message_is_counted_by_its_kind(kind: str) -> None:
    assert read(messenger_sample.event(**{kind: {"mid": "m.1"}})) == Ignored(kind=kind)


def test_a_conversation_that_another_app_owns_is_passed_over() -> None:
    event = messenger_sample.message("m.1")
    event["entry"]["standby"] = event["entry"].pop("messaging")
    assert read(event) == Ignored(kind="standby")
    assert read(messenger_sample.event(tea={})) == Ignored()


def test_messages_are_edited_and_unsent() -> None:
    edit = {"mid": "m.1", "text": "Grüße!", "num_edit": 1}
    edited = read(messenger_sample.event(message_edit=edit))
    assert isinstance(edited, Edited)
    assert (edited.message.text, edited.message.sent_at) == ("Grüße!", None)
    assert edited.edited_at == NOON.replace(microsecond=123_000)
    ours = {"sender": {"id": messenger_sample.PAGE}, "recipient": {"id": "24001"}}
    own = read(messenger_sample.event(message_edit=edit, **ours))
    assert message_in(own, OwnPost).thread_id == "24001"
    empty = messenger_sample.event(message_edit={"mid": "m.1"})
    assert read(empty) == Ignored(kind="edit-without-text")
    assert isinstance(read(messenger_sample.message("m.1", is_deleted=True)), Withdrawn)
    unsupported = messenger_sample.message("m.1", text=None, is_unsupported=True)
    assert read(unsupported) == Ignored(kind="unsupported")


def test_an_instagram_comment_has_the_time_of_its_notification() -> None:
    found = message_in(read(instagram_sample.comment("18044"), instagram.CONNECTOR))
    assert (found.id, found.thread_id, found.sent_at) == ("18044", "18044", NOON)
    assert (found.author.name, found.author.handle) == ("erika.muster", "erika.muster")
    answer = instagram_sample.comment("18045", "live_comments", parent_id="18044")
    found = message_in(read(answer, instagram.CONNECTOR))
    assert (found.thread_id, found.parent_id, found.visibility) == ("18044", "18044", "public")


def test_our_account_on_instagram_has_two_ids() -> None:
    second = {"id": "8806001", "username": "wir"}
    item = instagram_sample.comment("1", author=second)
    assert isinstance(read(item, instagram.CONNECTOR), NewMessage)
    assert isinstance(read(item, instagram.CONNECTOR, own=("8806001",)), OwnPost)
    by_account = instagram_sample.comment("1", author={"id": instagram_sample.ACCOUNT})
    assert isinstance(read(by_account, instagram.CONNECTOR), OwnPost)


def test_the_dashboards_test_of_messages_comes_as_a_change() -> None:
    change = {"field": "messages", "value": messenger_sample.message("m.1")["entry"]["messaging"]}
    item = {"object": "instagram", "entry": {"id": "1", "changes": change}}
    assert message_in(read(item, instagram.CONNECTOR)).visibility == "private"
    assert instagram.CONNECTOR.id_of(item) == "m.1"


def test_messages_at_the_wrong_address_are_kept_aside_and_say_where_they_belong() -> None:
    found = read(instagram_sample.comment("1"))
    assert isinstance(found, Broken)
    assert found.problems[0].expected == "a channel whose connector is instagram"
    others: list[Any] = ["permissions", "user", None, []]
    for strange in others:
        assert read({"object": strange, "entry": {"id": "1"}}) == Ignored()


def test_each_change_and_event_stands_alone() -> None:
    changes = [{"field": "feed", "value": None}, 7]
    entries = [
        {"id": "1", "time": 2, "changes": changes},
        [None],
        {"id": "3", "changed_fields": ["feed"]},
        {"id": "4", "messaging": [], "changes": {"field": "feed"}},
    ]
    items = facebook_page.CONNECTOR.split({"object": "page", "entry": entries}).items
    assert items == [
        {"object": "page", "entry": {"id": "1", "time": 2, "changes": each}} for each in changes
    ] + [
        {"object": "page", "entry": {"unread": [None]}},
        {"object": "page", "entry": {"id": "3"}},
        {"object": "page", "entry": {"id": "4", "changes": {"field": "feed"}}},
    ]
    assert not any(facebook_page.CONNECTOR.is_delivery(each) for each in items)
    kinds = [type(read(json.loads(json.dumps(each)))) for each in items]
    assert kinds == [Broken, Ignored, Broken, Ignored, Broken]


def test_without_a_verify_token_the_secret_is_one_and_that_is_told() -> None:
    connector: Connector[Keys] = facebook_page.CONNECTOR
    keys = connector.keys(["the-secret-of-the-app"])
    request = asked("the-secret-of-the-app").request()
    answer = connector.handshakes["GET"](request, keys, NOON)
    assert answer is not None
    assert answer.body == b"a1b2"
    assert "verify token" in connector.lacks(keys)[0]
    assert connector.lacks(connector.keys(["the-secret-of-the-app", "verify:our-token"])) == ()
