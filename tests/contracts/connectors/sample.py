"""What the suite of connectors needs of a format: how it looks when a sender sends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.intake.connectors.port import Answer, Connector, WebhookRequest

PATH = "/intake/v1/webhooks/facebook"
"""The address of the channel, for platforms that sign it."""
Kind = Literal["message", "own_post", "edited", "withdrawn", "ignored", "broken"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a platform makes it, to whichever channel."""

    body: bytes = b""
    headers: Mapping[str, bytes] = field(default_factory=dict)
    method: str = "POST"
    query: str = ""

    def request(self) -> WebhookRequest:
        headers = [(name.encode(), value) for name, value in self.headers.items()]
        return WebhookRequest(self.method, headers, PATH, self.query.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`secrets` are one channel's, `signing` those of them that prove a delivery, each by itself;
    `stranger` is nobody's, and `no_secrets` cannot be any.

    `items` make an item of each kind that the format has, with this id; the author of `own_post` is
    none of the channel's `own_ids`. `delivery` is the body that holds them, up to `most`, and
    `sign` the request with it. `proof` are the headers that carry the proof, `tolerance` the
    seconds after which it is too old (None: no time is signed). `no_delivery` are bodies that are
    proven and still are none.

    `stored_id` is the id that such an item's message has at the desk: some platforms' are unique
    in a part of them only. Where not `signs_body`, a secret in the headers proves any body.

    `handshakes` are requests with their answers, `refused_handshakes` those of somebody who does
    not know the secret.
    """

    connector: Connector[Any]
    secrets: tuple[str, ...]
    signing: tuple[str, ...]
    stranger: str
    no_secrets: tuple[str, ...]
    items: Mapping[Kind, Callable[[str], Any]]
    delivery: Callable[[Sequence[Any]], bytes]
    sign: Callable[[bytes, str, datetime], Sent]
    proof: tuple[str, ...]
    no_delivery: tuple[bytes, ...]
    tolerance: int | None = None
    stored_id: Callable[[str], str] = str
    signs_body: bool = True
    most: int = 1000
    handshakes: Sequence[tuple[Sent, Answer]] = ()
    refused_handshakes: Sequence[Sent] = ()

    @property
    def name(self) -> str:
        return self.connector.name

    def signed(self, *items: Any, now: datetime) -> Sent:
        return self.sign(self.delivery(items), self.signing[0], now)
