"""What the connectors of platforms make of single items: the traps of each platform's format.

What is the same for all of them is in tests/contracts, recorded deliveries are in tests/data.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.connectors import (
    cloudevents,
    discourse,
    github,
    mastodon,
    slack,
    telegram,
    twilio,
    youtube,
)
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
from services.intake.connectors.port import Connector, Reading, WebhookRequest
from shared.web.problems import RefusedError
from tests.contracts.connectors import (
    cloudevents_sample,
    discourse_sample,
    github_sample,
    mastodon_sample,
    slack_sample,
    telegram_sample,
    twilio_sample,
    youtube_sample,
)
from tests.contracts.connectors.platforms import SECRETS
from tests.contracts.connectors.sample import PATH

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
JSON = {b"content-type": b"application/json"}


def items(connector: Connector[Any], document: Any, own_ids: Sequence[str] = ()) -> list[Item]:
    reading = Reading(NOON, frozenset(own_ids))
    return [connector.read(raw, reading) for raw in connector.split(document).items]


def only(connector: Connector[Any], document: Any, own_ids: Sequence[str] = ()) -> Item:
    (found,) = items(connector, document, own_ids)
    return found


def message(item: Item) -> Message:
    assert isinstance(item, NewMessage | OwnPost | Edited)
    return item.message


def kind(item: Item) -> str:
    assert isinstance(item, Ignored)
    return item.kind


def request(headers: dict[bytes, bytes], **more: Any) -> WebhookRequest:
    return WebhookRequest("POST", list(headers.items()), **more)


# Mastodon


def test_notifications_of_mastodon_are_read_as_its_webhook_is() -> None:
    mentions = [
        {"type": "mention", "status": mastodon_sample.status("1", visibility="private")},
        {"type": "favourite", "status": mastodon_sample.status("2")},
        {"type": "mention"},
    ]
    mention, favourite, empty = items(mastodon.CONNECTOR, mentions)
    assert message(mention).visibility == "private"
    assert kind(favourite) == "event"
    assert isinstance(empty, Broken)


def test_a_post_is_ours_to_answer_only_where_it_speaks_to_us() -> None:
    def found(**parts: Any) -> Item:
        event = mastodon_sample.event("status.created", **parts)("1")
        return only(mastodon.CONNECTOR, event, ["7"])

    assert isinstance(found(mentions=[{"id": "7"}]), NewMessage)
    assert isinstance(found(mentions=[], in_reply_to_account_id="7"), NewMessage)
    assert isinstance(found(), NewMessage), "it does not say whom it mentions"
    assert kind(found(mentions=[{"id": 8}, None])) == "not-addressed"
    assert isinstance(found(mentions=[], account={"id": "7"}), OwnPost)


def test_an_edit_that_drops_the_mention_changes_what_is_known_and_no_more() -> None:
    def found(*mentions: Any) -> Item:
        event = mastodon_sample.event("status.updated", mentions=[*mentions])("1")
        return only(mastodon.CONNECTOR, event, ["7"])

    dropped, kept = found({"id": "8"}), found({"id": "7"})
    assert isinstance(dropped, Edited)
    assert isinstance(kept, Edited)
    assert (dropped.if_unknown, kept.if_unknown) == (Ignored(kind="not-addressed"), None)


def test_an_edit_of_mastodon_says_when_it_was() -> None:
    event = mastodon_sample.event("status.updated", edited_at="2026-11-24T11:00:00Z")("1")
    found = only(mastodon.CONNECTOR, event)
    assert isinstance(found, Edited)
    assert found.edited_at == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


# Telegram


def test_a_topic_of_telegram_is_a_conversation_and_its_beginning_nobodys_message() -> None:
    topic = {"message_thread_id": 5, "is_topic_message": True}
    begun = {"message_id": 5, "chat": telegram_sample.CHAT, "forum_topic_created": {}}
    found = only(
        telegram.CONNECTOR,
        telegram_sample.update("message", **topic, reply_to_message=begun)("6"),
    )
    chat = telegram_sample.CHAT["id"]
    assert (message(found).thread_id, message(found).parent_id) == (f"{chat}:5", None)
    # Outside of topics it names the first of some answers, which is in the chat itself.
    found = only(telegram.CONNECTOR, telegram_sample.update("message", message_thread_id=5)("6"))
    assert message(found).thread_id == str(chat)


def test_who_writes_as_a_channel_is_that_channel() -> None:
    other = {"id": -100777, "title": "Ein Verein", "username": "verein"}
    stand_in = {"id": 136817688, "is_bot": True, "first_name": "Channel"}
    update = telegram_sample.update("message", sender_chat=other, **{"from": stand_in})("1")
    author = message(only(telegram.CONNECTOR, update, ["136817688"])).author
    assert (author.id, author.name, author.handle) == ("-100777", "Ein Verein", "verein")


def test_deleted_messages_of_telegram_are_each_withdrawn() -> None:
    update = {
        "update_id": 1,
        "deleted_business_messages": {"chat": {"id": 5}, "message_ids": [1, 2, {}]},
    }
    first, second, broken = items(telegram.CONNECTOR, update)
    assert (first, second) == (Withdrawn("5:1"), Withdrawn("5:2"))
    assert isinstance(broken, Broken)


def test_a_business_chat_is_another_one_than_that_with_the_bot() -> None:
    chat = {"id": 5, "type": "private"}
    connections = [{"business_connection_id": each} for each in ("b1", "b2")]
    accounts = {"bot": {}, "b1": connections[0], "b2": connections[1]}
    answered = {"chat": chat, "reply_to_message": {"message_id": 6, "chat": chat}}
    seen = {}
    for account, named in accounts.items():
        kind = "business_message" if named else "message"
        raw = telegram_sample.update(kind, **answered, **named)("7")
        found = message(only(telegram.CONNECTOR, raw))
        seen[account] = (found.id, found.parent_id, found.thread_id)
        assert telegram.CONNECTOR.id_of(telegram.CONNECTOR.split(raw).items[0]) == found.id
        edit = telegram_sample.update(f"edited_{kind}", **answered, **named)("7")
        assert message(only(telegram.CONNECTOR, edit)).id == found.id
    assert seen == {
        "bot": ("5:7", "5:6", "5"),
        "b1": ("b1:5:7", "b1:5:6", "b1:5"),
        "b2": ("b2:5:7", "b2:5:6", "b2:5"),
    }
    gone = {"business_connection_id": "b1", "chat": chat, "message_ids": [7]}
    update = {"update_id": 1, "deleted_business_messages": gone}
    assert only(telegram.CONNECTOR, update) == Withdrawn("b1:5:7")


# Slack


def test_slack_tells_its_own_changes_from_those_of_people() -> None:
    now = {"user": "U0GUEST", "ts": "5.0", "text": "neu"}
    event = slack_sample.event("9.9", subtype="message_changed", message=now)
    assert kind(only(slack.CONNECTOR, slack_sample.delivered(event))) == "unfurled"
    now["edited"] = {"user": "U0GUEST", "ts": "1795521000.5"}  # type: ignore[assignment]
    found = only(slack.CONNECTOR, slack_sample.delivered(event))
    assert isinstance(found, Edited)
    assert found.edited_at == datetime(2026, 11, 24, 11, 50, 0, 500_000, tzinfo=UTC)
    now["subtype"] = "tombstone"
    found = only(slack.CONNECTOR, slack_sample.delivered(event))
    assert found == Withdrawn("C0LOBBY:5.0")


@pytest.mark.parametrize(
    ("parts", "right"),
    [
        ({"bot_id": "B0OURS"}, OwnPost),
        ({"bot_id": "B9", "user": "U0OURS"}, OwnPost),
        ({"bot_id": "B9", "app_id": "A0OURS"}, OwnPost),
        ({"bot_id": "B9", "app_id": "A9"}, Ignored),
        ({"subtype": "bot_message", "bot_id": "B9", "user": None}, Ignored),
        ({"subtype": "thread_broadcast", "thread_ts": "1.0"}, NewMessage),
        ({"subtype": ["odd"]}, NewMessage),
    ],
)
def test_bots_of_slack_are_ours_or_nobody(parts: dict[str, Any], right: type[Item]) -> None:
    event = slack_sample.delivered(slack_sample.event("5.0", **parts))
    assert isinstance(only(slack.CONNECTOR, event, ["B0OURS", "U0OURS"]), right)


def test_what_is_passed_on_without_words_has_the_words_of_what_it_is() -> None:
    shared = [{"text": "3 &lt; 4"}, {"fallback": "ein Bild"}, {"text": 7}, None]
    event = slack_sample.event("5.0", text="", attachments=shared)
    found = message(only(slack.CONNECTOR, slack_sample.delivered(event)))
    assert found.text == "3 < 4\n\nein Bild"


# GitHub and Discourse


def test_an_app_that_wrote_for_somebody_is_ours_by_its_number_or_slug() -> None:
    for app, right in (({"id": 7}, OwnPost), ({"slug": "ours"}, OwnPost), ({"id": 8}, NewMessage)):
        event = github_sample.event("created", 1, performed_via_github_app=app)
        assert isinstance(only(github.CONNECTOR, event, ["7", "ours"]), right)


def test_a_kept_form_of_github_is_read_again() -> None:
    payload = json.dumps(github_sample.event("created", 1)).encode()
    body = b"payload=" + payload.replace(b"&", b"%26").replace(b"+", b"%2B")
    assert message(only(github.CONNECTOR, github.CONNECTOR.decode(body, None))).id == "1"
    headers = {**JSON, b"x-github-event": b"discussion_comment"}
    document = github.CONNECTOR.decode(payload, request(headers))
    assert (github.CONNECTOR.split(document).ignored, items(github.CONNECTOR, document)) == (1, [])


@pytest.mark.parametrize("own", ["40", "kim"])
def test_accounts_of_a_forum_are_ours_by_number_or_name(own: str) -> None:
    assert isinstance(only(discourse.CONNECTOR, discourse_sample.post(1), [own]), OwnPost)


def test_a_post_of_a_forum_has_an_address() -> None:
    headers = {**JSON, b"x-discourse-instance": b"https://forum.example/"}
    body = json.dumps(discourse_sample.post(1, name="")).encode()
    found = message(only(discourse.CONNECTOR, discourse.CONNECTOR.decode(body, request(headers))))
    assert found.url == "https://forum.example/t/12/3"
    assert (found.author.name, found.visibility) == ("kim", "public")


# Twilio


def _proven(url: str, called: WebhookRequest, *, body: bytes = b"Body=a&MessageSid=1") -> bool:
    """Whether a delivery that was signed for this address is taken where it is called."""
    secret = SECRETS[0]
    signature = twilio_sample.signed(body, secret, url).headers["x-twilio-signature"]
    headers = [(b"x-twilio-signature", signature), *called.headers]
    request = WebhookRequest(
        "POST", headers, called.path, called.query, called.scheme, called.origin
    )
    connector = twilio.CONNECTOR
    try:
        connector.claim(request, connector.keys([secret]), NOON)(body)
    except RefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://desk.example.org/in/hook?a=%20b", True),
        ("https://desk.example.org:443/in/hook?a=%20b", True),
        ("https://desk.example.org/in/hook?a=+b", False),
        ("https://desk.example.org/in/hook", False),
        ("https://other.example.org/in/hook?a=%20b", False),
    ],
)
def test_the_address_from_outside_is_what_twilio_signs(url: str, fits: bool) -> None:
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"host", b"10.0.0.7:8000")]
    called = WebhookRequest(
        "POST", headers, "/hook", b"a=%20b", "http", origin="https://desk.example.org/in"
    )
    assert _proven(url, called) is fits


@pytest.mark.parametrize("host", [b"desk.example.org", b"desk.example.org:8443"])
def test_without_it_the_host_counts_whatever_scheme_and_port_are(host: bytes) -> None:
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"host", host)]
    called = WebhookRequest("POST", headers, "/hook", scheme="http")
    assert _proven(f"https://{host.decode()}/hook", called)
    assert _proven("https://desk.example.org/hook", called)
    assert not _proven("https://desk.example.org:1234/hook", called)


def test_hostile_hosts_prove_nothing() -> None:
    for host in (b"", b"[", b"]:1", b":", b"\xff", b"a@b", b"x" * 5000):
        headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"host", host)]
        assert not _proven("https://a.example/hook", WebhookRequest("POST", headers, "/hook"))


def test_of_json_twilio_signs_a_hash() -> None:
    secret, body = SECRETS[0], b'{"MessageSid": "SM1", "Body": "a"}'
    for given, fits in ((hashlib.sha256(body).hexdigest(), True), ("0" * 64, False), ("", False)):
        url = f"https://desk{PATH}?bodySHA256={given}"
        digest = base64.b64encode(hmac.digest(secret.encode(), url.encode(), "sha1"))
        headers = {**JSON, b"host": b"desk", b"x-twilio-signature": digest}
        sent = request(headers, path=PATH, query=f"bodySHA256={given}".encode())
        prove = twilio.CONNECTOR.claim(sent, twilio.CONNECTOR.keys([secret]), NOON)
        if fits:
            prove(body)
            assert message(only(twilio.CONNECTOR, twilio.CONNECTOR.decode(body, sent))).id == "SM1"
        else:
            with pytest.raises(RefusedError):
                prove(body)


# CloudEvents


def test_a_token_may_be_in_the_address() -> None:
    connector = cloudevents.CONNECTOR
    keys = connector.keys(cloudevents_sample.SECRETS)
    for query, fits in (
        (b"access_token=a-second-secret", True),
        (b"access_token=a-third-secret", False),
        (b"access_token=%ff", False),
        (b"access_token=", False),
        (b"", False),
    ):
        sent = request({}, query=query)
        if fits:
            connector.claim(sent, keys, NOON)(b"anything")
        else:
            with pytest.raises(RefusedError):
                connector.claim(sent, keys, NOON)


def test_what_an_event_lacks_is_said() -> None:
    lacking = only(cloudevents.CONNECTOR, [{"specversion": "0.3", "type": "", "id": None}])
    assert isinstance(lacking, Broken)
    assert [each.field for each in lacking.problems] == ["type", "source", "id", "specversion"]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"data": "Nur Worte"}, "Nur Worte"),
        ({"data": None, "data_base64": "eyJ0ZXh0IjogIsO8In0="}, "ü"),
        ({"datacontenttype": "text/plain", "data_base64": "w7w="}, "ü"),
        ({"data": {"text": "ohne id", "id": None}}, "ohne id"),
    ],
)
def test_a_message_without_an_id_has_that_of_its_event(parts: dict[str, Any], text: str) -> None:
    event = {**cloudevents_sample.event("message.created", "x"), **parts}
    found = message(only(cloudevents.CONNECTOR, event))
    assert (found.id, found.text) == ("/shop:e-1", text)
    assert found.sent_at == datetime(2026, 11, 24, 11, 59, 59, tzinfo=UTC)


def test_no_two_events_are_known_by_the_same_id() -> None:
    pairs = [("urn:shop", "1:x"), ("urn:shop:1", "x"), ("urn", "shop:1:x"), ("urn\\", ":1:x")]
    pairs += [("a", "b"), ("a\\:b", "c"), ("a:b", "c"), ("a\\", "b:c")]
    data = {"text": "Grüße"}
    ids = [
        message(
            only(
                cloudevents.CONNECTOR,
                cloudevents_sample.event("message.created", "", source=source, id=id_, data=data),
            )
        ).id
        for source, id_ in pairs
    ]
    assert len(set(ids)) == len(pairs)
    assert ids[4] == "a:b"


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("2026-11-24T11:00:00Z", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        ("gestern", datetime(2026, 11, 24, 11, 59, 59, tzinfo=UTC)),
        ("2099-11-24T11:00:00Z", datetime(2026, 11, 24, 11, 59, 59, tzinfo=UTC)),
        (None, datetime(2026, 11, 24, 11, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_change_was_when_its_message_says_else_when_its_event_does(
    said: Any, right: datetime
) -> None:
    data = {"id": "c-1", "text": "Grüße"}
    edit = cloudevents_sample.event("message.edited", "", data={**data, "edited_at": said})
    found = only(cloudevents.CONNECTOR, edit)
    assert isinstance(found, Edited)
    assert found.edited_at == right
    gone = cloudevents_sample.event("message.deleted", "", data={**data, "deleted_at": said})
    assert only(cloudevents.CONNECTOR, gone) == Withdrawn("c-1", right)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", "Grüße".encode()),
        ("text/plain; charset=utf-8", "Grüße".encode()),
        ("text/plain; charset=iso-8859-1", "Grüße".encode("latin-1")),
        ('Text/Plain;format=flowed; Charset="ISO-8859-1"', "Grüße".encode("latin-1")),
        ("text/plain; charset=utf-16", "Grüße".encode("utf-16")),
        ("text/plain; charset=no-such", "Grüße".encode()),
    ],
)
def test_the_text_of_an_event_is_read_in_its_charset(content_type: str, body: bytes) -> None:
    connector = cloudevents.CONNECTOR
    attributes = {"specversion": "1.0", "type": "message.created", "source": "/s", "id": "1"}
    headers = {f"ce-{name}".encode(): value.encode() for name, value in attributes.items()}
    sent = request({b"content-type": content_type.encode(), **headers})
    assert message(only(connector, connector.decode(body, sent))).text == "Grüße"
    encoded = {"datacontenttype": content_type, "data_base64": base64.b64encode(body).decode()}
    assert message(only(connector, {**attributes, **encoded})).text == "Grüße"


def test_data_that_is_none_is_broken() -> None:
    for parts in ({"data": None}, {"data": 7}, {"data_base64": "%"}, {"data_base64": "e30"}):
        event = {**cloudevents_sample.event("message.created", "x"), **parts}
        assert isinstance(only(cloudevents.CONNECTOR, event), Broken), parts


# YouTube


def test_the_push_of_youtube_may_be_signed_by_either_algorithm() -> None:
    connector, body = youtube.CONNECTOR, youtube_sample.feed()
    secret = SECRETS[0]
    for algorithm, fits in (("sha1", True), ("sha256", True), ("sha512", False)):
        digest = hmac.digest(secret.encode(), body, algorithm).hex()
        sent = request({b"x-hub-signature": f"{algorithm}={digest}".encode()})
        if fits:
            connector.claim(sent, connector.keys([secret]), NOON)(body)
        else:
            with pytest.raises(RefusedError):
                connector.claim(sent, connector.keys([secret]), NOON)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE feed SYSTEM "https://example.org/a.dtd"><feed/>',
        b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><feed>&a;</feed>',
        b'<?xml version="1.0" encoding="no-such"?><feed/>',
        b"<feed>" * 10_000,
        b"<feed>&nothing;</feed>",
    ],
)
def test_xml_with_anything_to_expand_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        youtube.CONNECTOR.decode(body, request({b"content-type": b"application/atom+xml"}))
    assert refused.value.code == "malformed-xml"


def test_videos_of_a_feed_are_counted_each() -> None:
    feed = youtube_sample.feed("<entry><id>v1</id></entry>", '<at:deleted-entry ref="v2"/>', "<a/>")
    document = youtube.CONNECTOR.decode(feed, None)
    assert [kind(each) for each in items(youtube.CONNECTOR, document)] == ["video", "video-deleted"]
    nothing = youtube.CONNECTOR.split(youtube.CONNECTOR.decode(youtube_sample.feed(), None))
    assert (nothing.ignored, nothing.kind) == (1, "feed")
