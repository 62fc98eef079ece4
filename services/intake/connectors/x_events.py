"""What an event of X says: a post, a direct message, something else.

`x` makes items of the deliveries, for both of X's formats the same; their fields differ a little.
https://docs.x.com/x-api/activity/event-payloads
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.html_text import unescaped
from services.intake.connectors.items import Broken, Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.port import Reading
from services.intake.connectors.values import elements, first, id_of, mail_date, part, unix_ms

_LINK = re.compile(r"https?://t\.co/\w+")
_PARENTS = ("in_reply_to_status_id_str", "in_reply_to_status_id", "in_reply_to_tweet_id")
_POSTS = frozenset({"post.create", "post.mention.create", "post.reply.create", "post.quote.create"})
_OTHERS = {
    "favorite_events": "like", "follow_events": "follow", "block_events": "block",
    "mute_events": "mute", "direct_message_indicate_typing_events": "typing",
    "direct_message_mark_read_events": "read", "like.create": "like", "follow.follow": "follow",
    "follow.unfollow": "follow", "dm.indicate_typing": "typing", "dm.read": "read",
    "chat.received": "encrypted", "chat.sent": "encrypted",
}  # fmt: skip
"""What is no message, in either format, and as what it is counted."""


def read(item: Any, reading: Reading) -> Item:
    event, content = part(item, "event"), part(item, "content")
    if not isinstance(event, str) or not isinstance(content, dict):
        return Broken((lenient.NO_OBJECT,))
    if event == "tweet_create_events" or event in _POSTS:
        if _is_repost(content):
            return Ignored(kind="repost")
        fields = _post(item, content)
    elif event == "direct_message_events":
        fields = _message(item, content, reading)
    elif event in ("tweet_delete_events", "post.delete"):
        at = unix_ms(content.get("timestamp_ms"))
        return lenient.withdrawn(id_in(content), at=at, now=reading.now)
    else:
        return Ignored(kind=_OTHERS.get(event, "unknown"))
    kind = OwnPost if fields["author"]["id"] in _own_ids(item, reading) else NewMessage
    return lenient.item_of(kind, fields, now=reading.now)


def _own_ids(item: Any, reading: Reading) -> frozenset[str]:
    account = id_of(part(item, "account"))
    return reading.own_ids | ({account} if account else set())


def _is_repost(content: dict[str, Any]) -> bool:
    referenced = elements(content.get("referenced_tweets"))
    return isinstance(content.get("retweeted_status"), dict) or any(
        part(each, "type") == "retweeted" for each in referenced
    )


def id_in(content: Any) -> Any:
    """`id` loses digits in some senders' hands, `id_str` does not."""
    status = part(content, "status")
    return first(*(part(each, name) for each in (content, status) for name in ("id_str", "id")))


def _post(item: Any, content: dict[str, Any]) -> dict[str, Any]:
    long = first(content.get("extended_tweet"), content.get("note_tweet"), {})
    text = first(part(long, "full_text"), part(long, "text"), content.get("text"))
    entities = first(part(long, "entities"), content.get("entities"))
    media = first(
        part(long, "extended_entities", "media"),
        part(content, "extended_entities", "media"),
        part(entities, "media"),
        part(item, "media"),
    )
    at, post = content.get("timestamp_ms"), id_of(id_in(content))
    parent = first(*(content.get(name) for name in _PARENTS))
    return {
        "id": post,
        "thread_id": content.get("conversation_id"),
        "parent_id": parent,
        "author": _author(item, content.get("author_id")),
        "text": _words(text, entities),
        "sent_at": mail_date(content.get("created_at")) if at is None else unix_ms(at),
        "url": post and f"https://x.com/i/web/status/{post}",
        "visibility": "public",
        "attachments": [_file(each) for each in elements(media)],
    }


def _message(item: Any, content: dict[str, Any], reading: Reading) -> dict[str, Any]:
    sender = id_of(part(content, "message_create", "sender_id"))
    own = sender in _own_ids(item, reading)
    recipient = id_of(part(content, "message_create", "target", "recipient_id"))
    data = part(content, "message_create", "message_data")
    return {
        "id": content.get("id"),
        "thread_id": recipient if own else sender,
        "author": _author(item, sender),
        "text": _words(part(data, "text"), part(data, "entities")),
        "sent_at": unix_ms(content.get("created_timestamp")),
        "visibility": "private",
        "attachments": [_file(each) for each in elements(part(data, "attachment", "media"))],
    }


def _author(item: Any, writer: Any) -> dict[str, Any]:
    known = part(item, "author")
    return {
        "id": id_of(first(writer, part(known, "id_str"), part(known, "id"))),
        "name": part(known, "name"),
        "handle": first(part(known, "screen_name"), part(known, "username")),
    }


def _file(media: Any) -> dict[str, Any]:
    url = first(part(media, "media_url_https"), part(media, "url"))
    return {
        "url": url,
        "type": part(media, "type"),
        "id": first(part(media, "id_str"), part(media, "media_key")),
    }


def _words(text: Any, entities: Any) -> Any:
    """Without the escapes of HTML, and with whole links for X's short ones."""
    if not isinstance(text, str):
        return text
    links: dict[str, deque[str]] = {}
    for each in elements(part(entities, "urls")):
        short, whole = part(each, "url"), part(each, "expanded_url")
        if isinstance(short, str) and isinstance(whole, str):
            links.setdefault(short, deque()).append(whole)
    # Each is used once, so that a text does not grow beyond what was sent.
    return _LINK.sub(lambda found: _next(links, found[0]), unescaped(text))


def _next(links: dict[str, deque[str]], short: str) -> str:
    whole = links.get(short)
    return whole.popleft() if whole else short
