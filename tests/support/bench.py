"""A service on a bench: facts in through its consumers, requests in through its app, and what it
has recorded out of its outbox. Nothing of it runs that the test does not start.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx

from shared.access.keys import KeyRing, Scope, add_key
from shared.bus.open import open_bus
from shared.bus.port import Partition, Received
from shared.events import Envelope, Fact
from shared.events.catalogue import topics
from shared.messaging.codec import record_of, to_envelope
from shared.policy import Policy
from shared.runtime.ids import new_id
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import DeskSettings
from shared.runtime.trace import new_traceparent
from tests.support.clock import ManualClock
from tests.support.outbox import told_by

Keys = Mapping[str, tuple[str, Sequence[Scope]]]
"""Names of keys, with the keys and their scopes."""


@dataclass
class Bench:
    service: Service
    clock: ManualClock
    http: httpx.AsyncClient

    KEY: ClassVar[str]
    """With which a request is made that names no other."""

    async def hears(self, *told: Fact) -> None:
        """Each fact as a batch of its own, in this order."""
        for fact in told:
            await self.hears_together(fact)

    async def hears_together(self, *told: Fact) -> None:
        """The facts in one transaction."""
        await self.service.handle([self.envelope(fact) for fact in told])

    def envelope(self, fact: Fact) -> Envelope:
        """The fact as it comes off the bus."""
        return to_envelope(as_received(fact, time=self.clock.now()))

    async def told(self) -> list[Envelope]:
        """What the service has recorded in its outbox, in order."""
        return await told_by(self.service.database)

    async def request(
        self, method: str, path: str, *, key: str | None = "", **more: Any
    ) -> httpx.Response:
        """`path` is below the service's API; without a key where that is None."""
        if more.get("json", ...) is None:
            del more["json"]
        headers = {**more.pop("headers", {})}
        if key is not None:
            headers["Authorization"] = f"Bearer {key or self.KEY}"
        path = f"/{self.service.name}/v1/{path.removeprefix('/')}"
        return await self.http.request(method, path, headers=headers, **more)

    async def get(self, path: str, *, key: str = "", **params: Any) -> Any:
        answer = await self.request("GET", path, key=key, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(
        self, path: str, body: Any = None, *, key: str = "", **headers: str
    ) -> httpx.Response:
        return await self.request("POST", path, key=key, json=body, headers=headers)


def as_received(
    fact: Fact, *, time: Any, event_id: Any = None, traceparent: str = "", offset: int = 0
) -> Received:
    """The fact as a record on its topic, under the key of its conversation."""
    record = record_of(
        fact,
        event_id=event_id or new_id(),
        key=str(getattr(fact, "conversation_id")),  # noqa: B009 - any fact of the desk has one
        traceparent=traceparent or new_traceparent(),
        time=time,
        source="/test",
    )
    return Received(Partition(record.topic, 0), offset, record.key, record.value, record.headers)


def runtime_of(
    folder: Path, clock: ManualClock, policy: Policy, keys: Keys, **settings: Any
) -> Runtime[Policy]:
    """A runtime with these keys, on a local bus that is not started."""
    made = DeskSettings.model_validate({"data_dir": folder, **settings})
    path = made.keys_path()
    if not path.exists():
        for name, (key, scopes) in keys.items():
            add_key(path, name=name, key=key, scopes=scopes, now=clock.now())
    bus = open_bus(made.bus(), topics(retention_days=14))
    return Runtime(made, policy, bus, clock, KeyRing(path))


@asynccontextmanager
async def served(service: Service, **client: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Its database is open inside; the schema is the caller's. `client` is for httpx."""
    await service.database.start()
    transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=True)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://desk", **client) as http:
            yield http
    finally:
        await service.database.stop()
