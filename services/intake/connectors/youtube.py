"""YouTube: its push of a channel's feed (WebSub), and lists of comments that somebody fetched.

The push reports videos only, never comments. A list of comments is an answer of YouTube's API,
handed on by whoever fetched it, and signed as the push is.
https://developers.google.com/youtube/v3/guides/push_notifications
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from services.intake.connectors import lenient, youtube_comments
from services.intake.connectors.decoding import json_document, parsed_json
from services.intake.connectors.items import Ignored, Item
from services.intake.connectors.port import (
    Answer,
    Connector,
    Parts,
    Proof,
    Reading,
    Setup,
    WebhookRequest,
    counted_as_ok,
    not_proven,
)
from services.intake.connectors.signing import BodySignature, secret_bytes
from services.intake.connectors.values import part
from shared.web.problems import RefusedError

_HEADER = "x-hub-signature"
_SHA1 = BodySignature(_HEADER, prefix=b"sha1=", algorithm="sha1")
_SHA256 = BodySignature(_HEADER)
_ATOM = "{http://www.w3.org/2005/Atom}"
_KINDS = {"entry": "video", "deleted-entry": "video-deleted"}
"""Of elements of a feed; the latter is that of RFC 6721."""
_XML = ("application/atom+xml", "application/xml", "text/xml")
_TOPICS = (
    "https://www.youtube.com/xml/feeds/videos.xml?",
    "https://www.youtube.com/feeds/videos.xml?",
)
_LONGEST_CHALLENGE = 1_000


def _claim(request: WebhookRequest, keys: Sequence[bytes], now: datetime) -> Proof:
    """WebSub lets the hub choose the algorithm; YouTube's takes SHA-1."""
    is_sha256 = (request.header(_HEADER) or b"").startswith(_SHA256.prefix)
    return (_SHA256 if is_sha256 else _SHA1).claim(request, keys, now)


def _confirm(request: WebhookRequest, _keys: Sequence[bytes], _now: datetime) -> Answer:
    """The hub asks whether we want this feed, and again with every renewal.

    Nobody else can use it: what is pushed has to be signed. That it ends is confirmed to nobody,
    for anybody may ask the hub for it.
    """
    asked = request.parameters
    if asked.get("hub.mode") != "subscribe" or not asked.get("hub.topic", "").startswith(_TOPICS):
        raise not_proven("hub.topic", "is no feed of YouTube", f"{_TOPICS[0]}...", status=403)
    challenge = asked.get("hub.challenge", "")[:_LONGEST_CHALLENGE]
    return Answer(200, challenge.encode("utf-8", "replace"), "text/plain")


def _decode(body: bytes, request: WebhookRequest | None) -> Any:
    content_type = b"" if request is None else request.header("content-type") or b""
    kind = content_type.decode("latin-1").partition(";")[0].strip().lower()
    if kind in _XML or (request is None and body.lstrip().startswith(b"<")):
        return {"feed": _entries(body)}
    return parsed_json(body) if request is None else json_document(body, request)


def _entries(body: bytes) -> list[dict[str, Any]]:
    """Raises RefusedError: 400 for what is no XML or brings entities, 422 for another document."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        reason = f"the body is no XML without a DTD: {str(error)[:200]}"
        raise RefusedError(400, "malformed-xml", reason) from error
    if root.tag != f"{_ATOM}feed":
        raise RefusedError(422, "invalid-request", "this is no feed")
    return [
        {"kind": _KINDS[name], "id": each.get("ref") or each.findtext(f"{_ATOM}id")}
        for each in root
        if (name := each.tag.rpartition("}")[2]) in _KINDS
    ]


def _split(document: Any) -> Parts:
    if youtube_comments.is_list(document):
        return youtube_comments.split(document)
    feed = part(document, "feed")
    if not isinstance(feed, list):
        raise RefusedError(422, "invalid-request", "this is neither a feed nor a list of comments")
    if not feed:
        return Parts((), ignored=1, kind="feed")
    return Parts([{"entry": each} for each in feed], named="the feed")


def _read(item: Any, reading: Reading) -> Item:
    entry = part(item, "entry")
    if entry is None:
        return youtube_comments.read(item, reading)
    return Ignored(kind="video-deleted" if part(entry, "kind") == "video-deleted" else "video")


def _id_of(item: Any) -> str | None:
    entry = part(item, "entry")
    return youtube_comments.id_of(item) if entry is None else lenient.id_of(entry)


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="youtube",
    keys=secret_bytes,
    claim=_claim,
    decode=_decode,
    split=_split,
    read=_read,
    is_delivery=youtube_comments.is_list,
    id_of=_id_of,
    handshakes={"GET": _confirm},
    acknowledge=counted_as_ok,
    setup=Setup(
        address="`hub.callback` in the subscription at YouTube's hub",
        secrets="a secret of your own making, as `hub.secret` of the subscription",
        own_ids="the ids of your own YouTube channels (UC...)",
    ),
)
