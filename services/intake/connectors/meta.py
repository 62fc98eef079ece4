"""What the webhooks of Meta have in common: Facebook pages, Messenger, Instagram and WhatsApp.

A delivery is `{"object": ..., "entry": [{"id", "time", "changes": [...], "messaging": [...]}]}`, an
item of it the same around one of the changes or events. Meta asks by GET whether the address is
ours, with a token that we chose, and signs the raw bytes with the secret of its app.
https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.decoding import json_document
from services.intake.connectors.items import Broken, Ignored, Item
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
from services.intake.connectors.signing import BodySignature, same, secret_bytes
from services.intake.connectors.values import elements, id_of, part
from shared.errors import FieldProblem
from shared.web.problems import RefusedError

TOKEN = "verify:"  # noqa: S105 - what stands before one
SIGNATURE = BodySignature("x-hub-signature-256")
CONNECTORS_OF = {
    "page": "facebook_page or messenger",
    "instagram": "instagram",
    "whatsapp_business_account": "whatsapp",
}
_NO_TOKEN = (
    f"a verify token, as `{TOKEN}<word>` among its secrets: until then that is the app's secret, "
    "which Meta would write into the address that it calls"
)
_UNREAD = "unread"
"""What is no entry, so that it is kept and does not look like a delivery."""
_LISTS = ("messaging", "changes", "standby")


@dataclass(frozen=True, slots=True)
class Keys:
    """`secrets` are the app's. `tokens` are what Meta must show when it asks for our address."""

    secrets: tuple[bytes, ...]
    tokens: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """A change or an event, with the account of ours (a page, an Instagram account, a WhatsApp
    Business account) and the time of the notification, in whatever form it came.
    """

    data: Any
    account: str | None
    notified: Any
    reading: Reading

    @property
    def own_ids(self) -> frozenset[str]:
        return self.reading.own_ids | ({self.account} if self.account else set())


ReadUpdate = Callable[[Update], Item]


def connector(
    name: str,
    object_: str,
    *,
    changes: ReadUpdate,
    messaging: ReadUpdate,
    message_id: Callable[[Any], Any],
    apart: Callable[[Any], Iterable[Any]] = lambda change: (change,),
    product: str = "Webhooks",
) -> Connector[Keys]:
    """The connector for the webhooks of one of Meta's objects.

    `message_id` finds the id of the message of which a change or an event speaks. `apart` parts a
    change that brings several. `product` is where Meta's dashboard has the address.
    """

    def read(item: Any, reading: Reading) -> Item:
        entry = part(item, "entry")
        if not isinstance(entry, dict) or _UNREAD in entry:
            return Broken((lenient.NO_OBJECT,))
        if item.get("object") != object_:
            return _of_another(item.get("object"))
        account, notified = id_of(entry.get("id")), entry.get("time")
        if "messaging" in entry:
            return messaging(Update(entry["messaging"], account, notified, reading))
        if "changes" in entry:
            return changes(Update(entry["changes"], account, notified, reading))
        # Another app of the page owns the conversation: its people answer.
        return Ignored(kind="standby" if "standby" in entry else "unknown")

    def id_in(item: Any) -> str | None:
        entry = part(item, "entry")
        found = next((part(entry, name) for name in _LISTS if part(entry, name) is not None), None)
        return lenient.id_of({"id": message_id(found)})

    return Connector(
        name=name,
        keys=keys,
        claim=claim,
        decode=json_document,
        split=lambda document: _split(document, apart),
        read=read,
        is_delivery=is_delivery,
        id_of=id_in,
        handshakes={"GET": confirm},
        acknowledge=counted_as_ok,
        setup=Setup(
            address=f"your app's dashboard at Meta, {product}, as callback URL",
            secrets=f"the app's secret, and `{TOKEN}` with a word of your own that is pasted there "
            "as verify token",
        ),
        lacks=_lacks,
    )


def _lacks(keys: Keys) -> Sequence[str]:
    return () if keys.tokens is not keys.secrets else (_NO_TOKEN,)


def keys(secrets: Sequence[str]) -> Keys:
    """`verify:...` is a verify token; the others are secrets of the app.

    Without a token of its own the secret is one. Raises ValueError for what can be neither.
    """
    signing = secret_bytes(each for each in secrets if not each.startswith(TOKEN))
    tokens = secret_bytes(each.removeprefix(TOKEN) for each in secrets if each.startswith(TOKEN))
    if not signing:
        raise ValueError("of the app there is no secret, only a verify token")
    return Keys(signing, tokens or signing)


def claim(request: WebhookRequest, keys: Keys, now: datetime) -> Proof:
    return SIGNATURE.claim(request, keys.secrets, now)


def confirm(request: WebhookRequest, keys: Keys, _now: datetime) -> Answer:
    """The challenge, for whoever knows the verify token."""
    asked = request.parameters
    token = asked.get("hub.verify_token", "").encode()
    if asked.get("hub.mode") != "subscribe" or not same([token], keys.tokens):
        raise not_proven(
            "hub.verify_token",
            "is not the one of this channel",
            f"what stands behind {TOKEN} in the channel's secrets",
            status=403,
        )
    return Answer(200, asked.get("hub.challenge", "").encode(), "text/plain")


def is_delivery(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("entry"), list)


def _split(document: Any, apart: Callable[[Any], Iterable[Any]]) -> Parts:
    if not is_delivery(document) or not isinstance(document.get("object"), str):
        raise RefusedError(422, "invalid-request", "no delivery: it has no `object` with `entry`")
    items = [
        {"object": document["object"], "entry": entry}
        for each in document["entry"]
        for entry in _entries(each, apart)
    ]
    return Parts(items, named="entry")


def _entries(entry: Any, apart: Callable[[Any], Iterable[Any]]) -> Iterator[Any]:
    """The entry once for each of its changes and events."""
    if not isinstance(entry, dict):
        yield {_UNREAD: entry}
        return
    frame = {name: entry[name] for name in ("id", "time") if name in entry}
    if not any(name in entry for name in _LISTS):
        yield frame
    for name in _LISTS:
        for each in elements(entry.get(name)):
            for one in apart(each) if name == "changes" else (each,):
                yield {**frame, name: one}


def _of_another(object_: Any) -> Item:
    right = CONNECTORS_OF.get(object_) if isinstance(object_, str) else None
    if right is None:
        return Ignored()
    # Somebody's words are in it, and this address is not made for them.
    expected = f"a channel whose connector is {right}"
    return Broken((FieldProblem("object", "belongs to another connector", expected),))
