"""Comments of YouTube, as its API lists them: `commentThreads.list` and `comments.list`.

The platform sends comments to nobody; such a list is fetched. A comment without a thread of its own
begins one, and its replies name it as their parent.
https://developers.google.com/youtube/v3/docs/comments
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from services.intake.connectors import lenient
from services.intake.connectors.html_text import unescaped
from services.intake.connectors.items import Item
from services.intake.connectors.port import Parts, Reading
from services.intake.connectors.values import text_of

KINDS = frozenset({"youtube#commentThreadListResponse", "youtube#commentListResponse"})
_WATCH = "https://www.youtube.com/watch"
_BREAK = re.compile(r"<br ?/?>")
_TAG = re.compile("<[^<>]*>")


def is_list(document: Any) -> bool:
    """Whether it is an answer of the API that lists comments."""
    return isinstance(document, dict) and text_of(document.get("kind")) in KINDS


def split(document: Mapping[str, Any]) -> Parts:
    """Each comment by itself, the first one of a thread before its replies."""
    items = document.get("items")
    listed = items if isinstance(items, list) else []
    return Parts([comment for item in listed for comment in _comments(item)], named="items")


def _comments(item: Any) -> Iterator[Any]:
    snippet = _table(item, "snippet")
    if "topLevelComment" not in snippet:
        yield item
        return
    video = {"videoId": snippet.get("videoId")}
    replies = _table(item, "replies").get("comments")
    for comment in (snippet["topLevelComment"], *(replies if isinstance(replies, list) else ())):
        own = _table(comment, "snippet")
        yield {**comment, "snippet": {**video, **own}} if own else comment


def read(comment: Any, reading: Reading) -> Item:
    """Edited, where it has changed since it was published."""
    snippet = _table(comment, "snippet")
    identifier = comment.get("id") if isinstance(comment, dict) else None
    fields = {
        "id": identifier,
        "thread_id": snippet.get("parentId") or identifier,
        "parent_id": snippet.get("parentId"),
        "author": {
            "id": _table(snippet, "authorChannelId").get("value"),
            "name": snippet.get("authorDisplayName"),
        },
        "text": _text(snippet),
        "sent_at": snippet.get("publishedAt"),
        "url": _address(snippet.get("videoId"), identifier),
    }
    if _has_changed(snippet):
        return lenient.edited(fields, at=snippet.get("updatedAt"), now=reading.now)
    return lenient.message_of(fields, now=reading.now)


def id_of(document: Any) -> str | None:
    """The id of one comment."""
    return None if is_list(document) else lenient.id_of(document)


def _text(snippet: Mapping[str, Any]) -> Any:
    """The words as they were written, else without the HTML in which they are shown."""
    original, shown = snippet.get("textOriginal"), snippet.get("textDisplay")
    if isinstance(original, str) or not isinstance(shown, str):
        return original or shown
    return unescaped(_TAG.sub("", _BREAK.sub("\n", shown)))


def _address(video: Any, identifier: Any) -> str | None:
    if not isinstance(video, str) or not isinstance(identifier, str):
        return None
    return f"{_WATCH}?v={quote(video, errors='replace')}&lc={quote(identifier, errors='replace')}"


def _has_changed(snippet: Mapping[str, Any]) -> bool:
    published, updated = (_moment(snippet.get(name)) for name in ("publishedAt", "updatedAt"))
    return published is not None and updated is not None and updated > published


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _table(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
