"""An intake under test: messages in by REST and webhook, facts in through its consumer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from services.intake.app import build
from services.intake.connectors.port import Connector
from services.intake.connectors.registry import FORMATS, registry
from services.intake.connectors.standard_webhooks import CONNECTOR as STANDARD_WEBHOOKS
from services.intake.settings import IntakeSettings
from services.intake.tables import messages
from shared.access.keys import ALL_SCOPES
from shared.bus.port import Received
from shared.messaging.codec import to_envelope
from shared.messaging.envelope import Envelope, Fact
from shared.policy import OwnPosts, Policy, load_policy
from shared.runtime.lifecycle import running_loops
from shared.web.signing import secret_key, sign
from tests.support.bench import Bench, Keys, as_received, runtime_of, served
from tests.support.clock import ManualClock

ANNA, BERT, READER = (f"desk_{name:_<20}" for name in ("anna", "bert", "reader"))
SECRET = "whsec_bm9yZGxpY2h0LWdlbmVyaWMtaW5ib3gta2V5LTAwMDE="
OTHER_SECRET = "whsec_YW5vdGhlci1rZXktd2hpbGUtcm90YXRpbmctMDAwMg=="
STRANGE_SECRET = "whsec_ZGllc2VyLVNjaGx1ZXNzZWwtaXN0LWZhbHNjaC0wMDA="
OWN_ID = "agent-7"
STAFF_ID = "colleague-1"
TEXT = "Was kostet der Versand nach Südtirol?"
_numbers = count()

refused_at_the_door = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is refused before any database is asked: one database is enough."""


def policy(connector: str = STANDARD_WEBHOOKS.name, **facebook: Any) -> Policy:
    """The shipped policy, in which some channels know an account of our own.

    `facebook` is public, `email` private; own posts hold on `linkedin`, and ask on `mastodon`. The
    connector and what else is given are those of `facebook`. STAFF_ID is
    somebody who works for the company.
    """
    shipped = load_policy(None)
    changes: dict[str, dict[str, Any]] = {
        "facebook": {"connector": connector, **facebook},
        "email": {},
        "linkedin": {"own_posts": OwnPosts.HOLDING},
        "mastodon": {"own_posts": OwnPosts.ASK},
    }
    channels = {
        name: shipped.channels[name].model_copy(
            update={"own_ids": (OWN_ID,), "staff_ids": (STAFF_ID,), **change}
        )
        for name, change in changes.items()
    }
    return shipped.model_copy(update={"channels": {**shipped.channels, **channels}})


def message(**fields: Any) -> dict[str, Any]:
    """A message in a webhook; `author` may be only the id. A field that is `...` is left out."""
    number = next(_numbers)
    whole = {
        "id": f"m-{number}",
        "thread_id": f"t-{number}",
        "author": {"id": "c-77", "name": "Anna Thaler"},
        "text": TEXT,
        **fields,
    }
    if isinstance(whole["author"], str):
        whole["author"] = {"id": whole["author"]}
    return {name: value for name, value in whole.items() if value is not ...}


def inquiry(**fields: Any) -> dict[str, Any]:
    """A body for `POST /inquiries`; a field that is `...` is left out."""
    whole = {"channel": "web_form", "author": {"email": "erika@example.org"}, "text": TEXT}
    return {name: value for name, value in {**whole, **fields}.items() if value is not ...}


def record_of(fact: Any, *, event_id: UUID | None = None) -> Received:
    """The fact as it comes off the bus."""
    time = ManualClock(fact_moment(fact)).now()
    return as_received(fact, time=time, event_id=event_id, offset=next(_numbers))


def fact_moment(fact: Any) -> Any:
    return next(value for name, value in fact if name.endswith("_at"))


class Desk(Bench):
    KEY = ANNA

    def envelope(self, fact: Fact) -> Envelope:
        return to_envelope(record_of(fact))

    async def hears_batch(self, records: Sequence[Received]) -> None:
        await self.service.handle([to_envelope(record) for record in records])

    async def types(self) -> list[str]:
        return [envelope.data.TYPE for envelope in await self.told()]

    async def stored(self) -> int:
        """How many messages there are."""
        query = select(func.count()).select_from(messages)
        return await self.service.database.read(lambda tx: int(tx.execute(query).scalar_one()))

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        idempotency: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        if idempotency is not None:
            headers = {**headers, "Idempotency-Key": idempotency}
        return await super().post(path, body, key=key, **headers)

    async def new_inquiry(self, **fields: Any) -> dict[str, Any]:
        answer = await self.post("/inquiries", inquiry(**fields))
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed

    async def detail(self, placed: Mapping[str, Any] | str) -> dict[str, Any]:
        identifier = placed if isinstance(placed, str) else placed["inquiry_id"]
        shown: dict[str, Any] = await self.get(f"/inquiries/{identifier}")
        return shown

    def signed(
        self,
        body: bytes,
        *,
        secret: str = SECRET,
        seconds_off: int = 0,
        webhook_id: str = "msg_1",
    ) -> dict[str, str]:
        at = int(self.clock.now().timestamp()) + seconds_off
        signature = sign(secret_key(secret), webhook_id=webhook_id, timestamp=at, body=body)
        return {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature,
        }

    async def deliver(
        self, data: Any, *, channel: str = "facebook", type_: str = "message.created"
    ) -> httpx.Response:
        """A signed delivery, as a connector makes it."""
        event = {"type": type_, "timestamp": self.clock.now().isoformat(), "data": data}
        body = json.dumps(event)
        return await self.deliver_raw(body.encode(), channel=channel)

    async def deliver_raw(
        self, body: bytes, *, channel: str = "facebook", headers: Any = None
    ) -> httpx.Response:
        return await self.http.post(
            f"/intake/v1/webhooks/{channel}",
            content=body,
            headers=self.signed(body) if headers is None else headers,
        )

    async def accepted(self, data: Any, **more: Any) -> list[str]:
        """Deliver, and the ids of the inquiries."""
        answer = await self.deliver(data, **more)
        assert answer.status_code == 202, answer.text
        found: list[str] = answer.json()["inquiries"]
        return found


@asynccontextmanager
async def opened(
    database_url: str,
    folder: Path,
    clock: ManualClock,
    *,
    accepting: bool = True,
    connector: Connector[Any] = STANDARD_WEBHOOKS,
    secrets: Sequence[str] = (SECRET, OTHER_SECRET),
    intake: Mapping[str, Any] = MappingProxyType({}),
    facebook: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> AsyncIterator[Desk]:
    """An intake whose committer runs (`accepting`) and nothing else; the schema is the caller's.

    `connector`, `secrets` and what the policy says besides are those of `facebook`; `intake` and
    `more` are settings.
    """
    keys: Keys = {
        "Anna": (ANNA, ALL_SCOPES),
        "Bert": (BERT, ALL_SCOPES),
        "Reader": (READER, ("inquiries:read",)),
    }
    service = build(
        runtime_of(folder, clock, policy(connector.name, **facebook), keys, **more),
        IntakeSettings(database_url=database_url, **intake),
        {"facebook": secrets, **dict.fromkeys(("x", "email", "linkedin", "mastodon"), (SECRET,))},
        registry(*FORMATS, connector),
    )
    loops = [(name, loop) for name, loop in service.own_loops if name == "accept"]
    async with served(service) as http, running_loops(loops if accepting else []):
        await asyncio.sleep(0)  # the committer begins
        yield Desk(service, clock, http)


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, after a look at its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["type"] == f"urn:inbound-desk:problem:{code}"
    assert found["status"] == status
    assert found["detail"]
    return found
