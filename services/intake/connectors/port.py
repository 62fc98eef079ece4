"""What the format of a channel consists of, for each connector the same.

A request to a channel's address goes through a connector's functions in this order:

    handshakes   answer a request of that method at once, before anything is proven
    claim        look at the headers and the URL before the body is read
    (proof)      what `claim` returned: look at the raw body before anything parses it
    decode       the body as a document
    challenge    answer a proven delivery that is no delivery (a handshake by POST)
    split        the document into items that stand alone
    read         one item as what it is to the desk
    acknowledge  the answer, after all of it is stored

The functions know no database and no clock, and have no effects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl

import orjson

from services.intake.connectors.items import Item
from shared.errors import FieldProblem
from shared.web.problems import RefusedError

K = TypeVar("K")
"""What a connector makes of a channel's secrets."""


@dataclass(frozen=True)
class WebhookRequest:
    """A request to a channel's address, without its body.

    `headers` are as they were sent, repeated ones too, with names in lower case; `path` and `query`
    are still percent-encoded. `origin` is how the desk is called from outside, where that is set.
    """

    method: str
    headers: Sequence[tuple[bytes, bytes]]
    path: str = ""
    query: bytes = b""
    scheme: str = "https"
    origin: str = ""

    def header(self, name: str) -> bytes | None:
        """The first one of that name, which is given in lower case."""
        wanted = name.encode()
        return next((value for key, value in self.headers if key == wanted), None)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Those of the query; of a repeated one the last."""
        return dict(parse_qsl(self.query.decode("latin-1"), keep_blank_values=True))

    @property
    def url(self) -> str:
        """The address as the sender called it, as far as that is set, or proxies hand it on."""
        host = (self.header("host") or b"").decode("latin-1")
        query = f"?{self.query.decode('latin-1')}" if self.query else ""
        return f"{self.origin or f'{self.scheme}://{host}'}{self.path}{query}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """A delivery's items as JSON values, each with what it needs of its surroundings, so that it
    can be kept aside and read again later.

    `ignored` counts what the delivery as a whole brought and is no message, and `kind` says what
    that is, as in `Ignored`; `named` is what holds the items, in the words of the format.
    """

    items: Sequence[Any]
    ignored: int = 0
    kind: str = "unknown"
    named: str = "the delivery"


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading an item needs of the desk: when it was received (UTC), our own accounts."""

    now: datetime
    own_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Once:
    """A token beside the body proves what it came with first, and nothing else until that moment
    (UTC), after which it is too old anyway. `digest` tells one content from another.
    """

    token: bytes
    digest: bytes
    until: datetime


Proof = Callable[[bytes], Once | None]
"""Takes the raw body. Raises RefusedError (401) when it is not what was signed."""
Claim = Callable[[WebhookRequest, K, datetime], Proof]
Handshake = Callable[[WebhookRequest, K, datetime], Answer | None]


class Acknowledge(Protocol):
    def __call__(self, body: Mapping[str, Any], *, repeated: bool) -> Answer: ...


def no_challenge(_document: Any) -> None:
    """For formats whose deliveries are deliveries."""


def counted(body: Mapping[str, Any], *, repeated: bool) -> Answer:
    """200 when nothing changed because all of it was known, else 202; with the counts as JSON."""
    answer = orjson.dumps(body)
    return Answer(200 if repeated else 202, answer, "application/json")


def counted_as_ok(body: Mapping[str, Any], *, repeated: bool) -> Answer:  # noqa: ARG001
    """200 with the counts, for platforms that take any other answer for a failure."""
    return Answer(200, orjson.dumps(body), "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an operator does on the platform, as parts of sentences that speak to them;
    docs/channels/<name>.md has the whole of it.

    `address`: where the channel's address is pasted there. `secrets`: what of there, or of one's
    own making, is put into DESK_SECRET_<CHANNEL>. `own_ids`: what of there is put into the
    channel's `own_ids`, where the platform sends us our own posts and does not say whose they are;
    None where it says so, or sends none. Where `needs_secret`, a channel does not start without.
    """

    address: str = "the webhook settings of the platform"
    secrets: str = "the secret with which the platform signs"
    own_ids: str | None = None
    needs_secret: bool = True


def nothing_lacks(_keys: object) -> Sequence[str]:
    """For formats whose one secret is all that they need."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector(Generic[K]):
    """A format. `name` is what the policy file calls it.

    `keys` turns the channel's secrets into what its other functions need, once, at the start;
    raises ValueError for what cannot be a secret. There is at least one.

    `claim` raises RefusedError (401) for headers that no body can fit; see `not_proven`. What it
    returns raises the same for a body that they do not fit. A `handshake` answers, or returns None
    where the request is a delivery; it never signs what could be a delivery's body, for anybody
    may ask it to.

    `decode` raises RefusedError: 415 for a body of another content type, 400 for one that is not
    what it says. There is no request when a kept body is tried again. `split` raises RefusedError
    (422) for a document that is no delivery; bodies of either are kept aside. Reading an item says
    `Broken` for what it does not understand, and whatever it raises costs this item alone.

    Two functions look at what was kept aside, an item or a body that is JSON. `is_delivery` tells
    a whole delivery from an item of one, `id_of` finds the id of the message where it is the only
    one; both take whatever JSON can hold.

    `acknowledge` gets the fields of `WebhookAnswer`, and whether all was known before.
    `body_limit` is for formats whose deliveries may be larger than DESK_BODY_LIMIT (bytes).

    `setup` is for the operator: the start, and `inbound-desk channels check`, say what of it is
    missing. `lacks` says in words what else the platform asks for and these keys do not have, such
    as a token to verify the address by; the channel starts all the same.
    """

    name: str
    keys: Callable[[Sequence[str]], K]
    claim: Claim[K]
    decode: Callable[[bytes, WebhookRequest | None], Any]
    split: Callable[[Any], Parts]
    read: Callable[[Any, Reading], Item]
    is_delivery: Callable[[Any], bool]
    id_of: Callable[[Any], str | None]
    delivered_by: frozenset[str] = frozenset({"POST"})
    handshakes: Mapping[str, Handshake[K]] = field(default_factory=dict)
    challenge: Callable[[Any], Answer | None] = no_challenge
    acknowledge: Acknowledge = counted
    body_limit: int | None = None
    setup: Setup = Setup()
    lacks: Callable[[K], Sequence[str]] = nothing_lacks

    @property
    def methods(self) -> frozenset[str]:
        """By which requests are answered."""
        return self.delivered_by | self.handshakes.keys()


def not_proven(field_name: str, problem: str, expected: str, *, status: int = 401) -> RefusedError:
    """To be raised where a request does not prove who sent it."""
    return RefusedError(
        status,
        "signature-invalid",
        f"{field_name} {problem}",
        FieldProblem(field_name, problem, expected),
    )
