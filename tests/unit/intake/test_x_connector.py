"""What posts, messages and other events of X mean, in both of its formats."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from time import process_time
from typing import Any

import pytest

from services.intake.connectors.items import (
    Ignored,
    Item,
    Message,
    NewMessage,
    OwnPost,
    Withdrawn,
)
from services.intake.connectors.port import Reading
from services.intake.connectors.x import CONNECTOR
from shared.web.problems import RefusedError
from tests.contracts.connectors.sample import Sent
from tests.contracts.connectors.x_sample import CUSTOMER, OURSELVES, SECRETS, asked, post, signed

RECEIVED = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MS = int(NOON.timestamp() * 1000)


def read(item: Any, *own: str) -> Item:
    return CONNECTOR.read(item, Reading(RECEIVED, frozenset(own)))


def message_in(found: Item, kind: type[NewMessage | OwnPost] = NewMessage) -> Message:
    assert isinstance(found, kind)
    return found.message


def read_all(document: Any) -> list[Item]:
    kept = json.loads(json.dumps(CONNECTOR.split(document).items))
    return [read(each) for each in kept]


def direct(sender: str, recipient: str, **data: Any) -> Any:
    said = {"text": "Grüße &amp; Küsse", **data}
    target = {"recipient_id": recipient}
    create = {"sender_id": sender, "target": target, "message_data": said}
    return {"type": "message_create", "id": "d1", "created_timestamp": str(MS),
            "message_create": create}  # fmt: skip


def activity(event: str, payload: Any, **includes: Any) -> Any:
    data = {"event_uuid": "-27", "event_type": event, "filter": {"user_id": OURSELVES}}
    return {"data": {**data, "payload": payload, "includes": includes}}


def mention(**changed: Any) -> Any:
    return {
        "id": "301",
        "author_id": CUSTOMER,
        "conversation_id": "300",
        "text": "@wir &lt;3",
        "created_at": "2026-11-24T12:00:00.000Z",
        **changed,
    }


def test_a_mention_is_read_with_all_of_its_digits() -> None:
    found = message_in(read(post("2123798519614155526", in_reply_to_status_id_str="199")))
    assert (found.id, found.parent_id, found.thread_id) == ("2123798519614155526", "199", None)
    assert (found.author.id, found.author.name, found.author.handle) == (
        CUSTOMER,
        "Harriet Vane",
        "hvane",
    )
    assert (found.visibility, found.sent_at) == ("public", NOON.replace(hour=11, minute=59))
    assert found.url == "https://x.com/i/web/status/2123798519614155526"
    number = post(None, id=2**63 + 1, timestamp_ms=str(MS))
    assert message_in(read(number)).id == "9223372036854775809"
    assert message_in(read(number)).sent_at == NOON


def test_a_long_post_has_its_words_elsewhere() -> None:
    long = {"full_text": "Alles, was ich sagen wollte", "entities": {"urls": []}}
    assert message_in(read(post("1", extended_tweet=long))).text == long["full_text"]
    assert message_in(read(post("1", note_tweet={"text": "Lang"}))).text == "Lang"


def test_escapes_and_short_links_are_undone_once() -> None:
    urls = [
        {"url": "https://t.co/a1", "expanded_url": "https://example.org/?a=1&amp;b"},
        {"url": "https://t.co/b2", "expanded_url": None},
        "odd",
    ]
    text = "1 &lt; 2 &amp;amp; https://t.co/a1, https://t.co/b2 https://t.co/c3"
    found = message_in(read(post("1", text=text, entities={"urls": urls})))
    assert found.text == (
        "1 < 2 &amp; https://example.org/?a=1&amp;b, https://t.co/b2 https://t.co/c3"
    )


def test_a_text_does_not_grow_beyond_what_was_sent() -> None:
    link = {"url": "https://t.co/a", "expanded_url": "https://example.org/" + "x" * 2000}
    text = "https://t.co/a " * 20_000
    began = process_time()
    found = message_in(read(post("1", text=text, entities={"urls": [link]})))
    assert process_time() - began < 2
    assert len(found.full_text or "") < len(text) + 3000


def test_pictures_are_attached() -> None:
    picture = {"id_str": "9", "type": "photo", "media_url_https": "https://example.org/a.jpg"}
    right = ({"url": "https://example.org/a.jpg", "id": "9", "type": "photo"},)
    for where in ({"extended_entities": {"media": [picture]}}, {"entities": {"media": [picture]}}):
        assert message_in(read(post("1", **where))).attachments == right


def test_what_we_post_is_our_own_and_reposts_are_nothing() -> None:
    assert isinstance(read(post("1", OURSELVES)), OwnPost)
    assert isinstance(read(post("1", "77"), "77"), OwnPost)
    assert read(post("1", retweeted_status={"id_str": "0"})) == Ignored(kind="repost")
    assert isinstance(read(post("1", retweeted_status=None, quoted_status={})), NewMessage)


def test_each_event_of_a_delivery_stands_alone() -> None:
    document = {
        "for_user_id": OURSELVES,
        "user_has_blocked": "false",
        "tweet_create_events": [post("1")["content"], None],
        "favorite_events": [{"id": "f", "favorited_status": post("2")["content"]}],
        "follow_events": [{}],
        "direct_message_indicate_typing_events": [{}],
        "user_event": {"revoke": {}},
        "tea_events": [{}],
        "users": {},
        "apps": {},
    }
    found = read_all(document)
    assert isinstance(found[0], NewMessage)
    assert type(found[1]).__name__ == "Broken"
    kinds = ["like", "follow", "typing", "unknown", "unknown"]
    assert found[2:] == [Ignored(kind=each) for each in kinds]


def test_direct_messages_belong_to_the_conversation_with_the_customer() -> None:
    media = {"id_str": "9", "type": "photo", "media_url_https": "https://example.org/a.jpg"}
    theirs = direct(CUSTOMER, OURSELVES, attachment={"type": "media", "media": media})
    document = {
        "for_user_id": OURSELVES,
        "direct_message_events": [theirs, direct(OURSELVES, CUSTOMER)],
        "users": {CUSTOMER: {"id": CUSTOMER, "name": "Harriet", "screen_name": "hvane"}},
    }
    incoming, outgoing = read_all(document)
    found = message_in(incoming)
    assert (found.id, found.thread_id, found.author.id) == ("d1", CUSTOMER, CUSTOMER)
    assert (found.author.name, found.author.handle) == ("Harriet", "hvane")
    assert (found.text, found.sent_at, found.visibility) == ("Grüße & Küsse", NOON, "private")
    assert found.attachments[0]["id"] == "9"
    assert message_in(outgoing, OwnPost).thread_id == CUSTOMER


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_newer_format_says_the_same(wrapped: bool) -> None:
    user = {"id": CUSTOMER, "name": "Harriet", "username": "hvane"}
    users = [{"id": OURSELVES, "name": "Wir"}, {"data": user} if wrapped else user]
    media = [{"media_key": "3_1", "type": "photo", "url": "https://example.org/a.jpg"}]
    payload = mention(in_reply_to_tweet_id="299")
    document = activity("post.mention.create", payload, users=users, media=media)
    found = message_in(read_all(document)[0])
    assert (found.id, found.thread_id, found.parent_id) == ("301", "300", "299")
    assert (found.author.id, found.author.name, found.author.handle) == (
        CUSTOMER,
        "Harriet",
        "hvane",
    )
    assert (found.text, found.sent_at) == ("@wir <3", NOON)
    right = {"url": "https://example.org/a.jpg", "id": "3_1", "type": "photo"}
    assert found.attachments == (right,)


def test_the_newer_format_has_own_posts_reposts_and_messages_too() -> None:
    (own,) = read_all(activity("post.create", mention(author_id=OURSELVES)))
    assert isinstance(own, OwnPost)
    reposted = mention(referenced_tweets=[{"type": "retweeted", "id": "1"}])
    assert read_all(activity("post.create", reposted)) == [Ignored(kind="repost")]
    payload = {
        "direct_message_events": [direct(CUSTOMER, OURSELVES)],
        "users": {CUSTOMER: {"data": {"id": CUSTOMER, "name": "Harriet"}}},
    }
    assert message_in(read_all(activity("dm.received", payload))[0]).author.name == "Harriet"


@pytest.mark.parametrize(
    ("event", "kind"),
    [("like.create", "like"), ("dm.read", "read"), ("chat.received", "encrypted"),
     ("news.new", "unknown")],
)  # fmt: skip
def test_what_else_is_told_is_counted(event: str, kind: str) -> None:
    assert read_all(activity(event, {"id": "1", "text": "Neu!"})) == [Ignored(kind=kind)]


def test_deleted_posts_are_withdrawn() -> None:
    document = {"tweet_delete_events": [{"status": {"id": "7"}, "timestamp_ms": str(MS)}]}
    assert read_all(document) == [Withdrawn("7", NOON)]
    assert read_all(activity("post.delete", {"id": "7"})) == [Withdrawn("7")]


@pytest.mark.parametrize("body", [b"9b4507b3-9040-4669", b"12345678", b"true", b"a" * 200])
def test_what_a_check_has_signed_proves_no_delivery(body: bytes) -> None:
    """Anybody may have it signed."""
    keys = CONNECTOR.keys(SECRETS)
    answer = CONNECTOR.handshakes["GET"](asked(body.decode()).request(), keys, NOON)
    assert answer is not None
    digest = base64.b64decode(json.loads(answer.body)["response_token"].removeprefix("sha256="))
    headers = {"x-twitter-webhooks-signature": b"sha256=" + base64.b64encode(digest)}
    proof = CONNECTOR.claim(Sent(body, headers).request(), keys, NOON)
    with pytest.raises(RefusedError) as refused:
        proof(body)
    assert refused.value.status == 401
    other = signed(b"{}", SECRETS[0])
    CONNECTOR.claim(other.request(), keys, NOON)(b"{}")
