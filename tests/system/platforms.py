"""What customers write on platforms, and how these hand it on to the desk."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.api_server import Asked, Says

SECRET = "the-secret-of-the-company"
PAGE, POST = "3311", "3311_7001"
ACCOUNT = "110011"
NUMBER, OUR_NUMBER = "118200", "493012345"
CHANNEL = "UCcompanycompanycompany1"
MAILBOX = "info@example.org"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A delivery of a platform, signed; sent as often as it takes."""

    channel: str
    body: bytes
    header: str

    @property
    def headers(self) -> dict[str, str]:
        digest = hmac.digest(SECRET.encode(), self.body, hashlib.sha256).hex()
        return {"content-type": "application/json", self.header: f"sha256={digest}"}


def _now() -> datetime:
    return datetime.now(UTC)


def facebook(*changes: Mapping[str, Any]) -> Webhook:
    entry = {
        "id": PAGE,
        "time": int(_now().timestamp()),
        "changes": [{"field": "feed", "value": each} for each in changes],
    }
    body = json.dumps({"object": "page", "entry": [entry]}).encode()
    return Webhook("facebook", body, "x-hub-signature-256")


def comment(
    id_: str, text: str | None, *, author: str, verb: str = "add", under: str = POST
) -> dict[str, Any]:
    said = {} if text is None else {"message": text}
    return {
        "item": "comment",
        "verb": verb,
        "comment_id": id_,
        "post_id": POST,
        "parent_id": under,
        "from": {"id": author, "name": f"Kundin {author}"},
        "created_time": int(_now().timestamp()),
        **said,
    }


def like(author: str) -> dict[str, Any]:
    return {"item": "reaction", "verb": "add", "post_id": POST, "from": {"id": author}}


def whatsapp(**value: Any) -> Webhook:
    metadata = {"display_phone_number": OUR_NUMBER, "phone_number_id": NUMBER}
    change = {"field": "messages", "value": {"metadata": metadata, **value}}
    document = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1022", "changes": [change]}],
    }
    return Webhook("whatsapp", json.dumps(document).encode(), "x-hub-signature-256")


def chat(id_: str, author: str, **said: Any) -> Webhook:
    """A message, or what else its author does to one: `type` and its parts."""
    message = {"from": author, "id": id_, "timestamp": str(int(_now().timestamp())), **said}
    contact = {"profile": {"name": "Dora"}, "wa_id": author}
    return whatsapp(contacts=[contact], messages=[message])


def mastodon(
    id_: str, text: str, *, author: str, event: str = "created", answers: str | None = None
) -> Webhook:
    moment = _now().isoformat()
    status = {
        "id": id_,
        "created_at": moment,
        "edited_at": moment if event == "updated" else None,
        "in_reply_to_id": answers,
        "visibility": "public",
        "content": f"<p>{text}</p>",
        "account": {"id": author, "acct": f"k{author}@other.example", "display_name": "Kim"},
        "mentions": [{"id": ACCOUNT}],
    }
    body = json.dumps({"event": f"status.{event}", "object": status}).encode()
    return Webhook("mastodon", body, "x-hub-signature")


def mail(id_: str, subject: str, text: str, *, author: str, **headers: str) -> bytes:
    """Names of `headers` have underscores in place of hyphens."""
    lines = [
        f"From: {author}",
        f"To: {MAILBOX}",
        f"Subject: {subject}",
        f"Message-ID: <{id_}@example.net>",
        f"Date: {_now():%a, %d %b %Y %H:%M:%S} +0000",
        "Content-Type: text/plain; charset=utf-8",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", text, ""]).encode()


@dataclass(slots=True)
class Youtube:
    """The API of YouTube, with the threads that it lists."""

    threads: list[dict[str, Any]] = field(default_factory=list)

    def comment(self, id_: str, text: str, *, author: str) -> None:
        self.threads.insert(0, self._thread(id_, self._comment(id_, text, author)))

    def reply(self, thread: str, id_: str, text: str, *, author: str) -> None:
        (found,) = (each for each in self.threads if each["id"] == thread)
        answer = self._comment(id_, text, author)
        answer["snippet"]["parentId"] = thread
        found["replies"]["comments"].append(answer)
        found["snippet"]["totalReplyCount"] += 1

    def answer(self, asked: Asked) -> Says:
        if asked.headers.get("x-goog-api-key") != SECRET:
            return Says({"error": {"code": 403}}, status=403)
        wanted = asked.parameters.get("id")
        ids = None if wanted is None else wanted.split(",")
        items = [each for each in self.threads if ids is None or each["id"] in ids]
        return Says({"kind": "youtube#commentThreadListResponse", "items": items})

    def _thread(self, id_: str, top: Mapping[str, Any]) -> dict[str, Any]:
        snippet = {"videoId": "v1", "topLevelComment": top, "totalReplyCount": 0}
        return {"id": id_, "snippet": snippet, "replies": {"comments": []}}

    def _comment(self, id_: str, text: str, author: str) -> dict[str, Any]:
        moment = _now().isoformat()
        snippet = {
            "authorChannelId": {"value": author},
            "authorDisplayName": f"Kanal {author}",
            "textOriginal": text,
            "textDisplay": text,
            "publishedAt": moment,
            "updatedAt": moment,
        }
        return {"kind": "youtube#comment", "id": id_, "snippet": snippet}


def policy(shipped: str, *, mails: str, youtube: str, names: Sequence[str]) -> str:
    """The shipped policy, with the company's own connections in place of those channels."""
    connections = _CONNECTIONS.format(
        youtube=youtube, today=f"{_now():%Y-%m-%d}",
        page=PAGE, account=ACCOUNT, number=OUR_NUMBER, channel=CHANNEL,
    )  # fmt: skip
    return without(shipped, names) + mails + connections


def without(shipped: str, names: Sequence[str]) -> str:
    """The policy without those channels."""
    blocks = shipped.split("\n[")
    gone = tuple(f"channels.{name}]" for name in names)
    return "\n[".join(each for each in blocks if not each.startswith(gone))


def mails(port: int, ca: Path, *, then: str = "nothing") -> str:
    """The channel whose mails are fetched from that server."""
    return _MAILS.format(mailbox=MAILBOX, port=port, ca=ca, then=then)


_MAILS = """
[channels.email]
connector = "email"
service_level = "promised"
own_ids = ["{mailbox}"]

[channels.email.pull]
type = "imap"
host = "localhost"
port = {port}
ca = "{ca}"
user = "{mailbox}"
folders = ["INBOX", "Verkauf"]
then = "{then}"
every = "1m"
"""

_CONNECTIONS = """
[channels.facebook]
connector = "facebook_page"
service_level = "promised"
audience = "public"
own_ids = ["{page}"]

[channels.mastodon]
connector = "mastodon"
service_level = "promised"
audience = "public"
own_ids = ["{account}"]

[channels.whatsapp]
connector = "whatsapp"
service_level = "promised"
own_ids = ["{number}"]

[channels.youtube]
connector = "youtube"
service_level = "best_effort"
audience = "public"
own_ids = ["{channel}"]

[channels.youtube.pull]
type = "youtube"
channel_id = "{channel}"
server = "{youtube}"
since = {today}
every = "1m"
"""
