"""A service as the root sees it: an app to serve, loops to run, a database to open and close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from starlette.types import ASGIApp

from shared.access.keys import KeyRing
from shared.bus.port import Bus
from shared.db import Database
from shared.messaging.consumer import Consumer, Listener
from shared.messaging.envelope import Envelope
from shared.messaging.redelivery import Redelivery
from shared.messaging.relay import Relay
from shared.runtime.checks import Checks
from shared.runtime.clock import Clock
from shared.runtime.housekeeping import Housekeeping
from shared.runtime.lifecycle import Loop, pause, running_loops
from shared.runtime.settings import DeskSettings
from shared.runtime.telemetry import Metrics
from shared.web.app import HttpDescription, build_app
from shared.web.edge import EdgeMiddleware
from shared.web.health import Check, Examination, Health
from shared.web.hot import HotRoutes

RECHECK_SECONDS = 1.0

P = TypeVar("P")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Runtime(Generic[P]):
    """What the root gives to each service."""

    settings: DeskSettings
    policy: P
    bus: Bus
    clock: Clock
    keys: KeyRing


class Service:
    """Wires what every service has: outbox relay, consumers, housekeeping, health, app."""

    def __init__(
        self,
        name: str,
        *,
        runtime: Runtime[Any],
        database: Database,
        metrics: Metrics,
        tells_progress: bool = False,
    ) -> None:
        """`tells_progress`: see Relay."""
        self.name = name
        self.database = database
        self.metrics = metrics
        self._runtime = runtime
        self.relay = Relay(
            database=database,
            bus=runtime.bus,
            clock=runtime.clock,
            metrics=metrics,
            source=f"/{name}",
            tells_progress=tells_progress,
        )
        self._consumers: list[Consumer] = []
        self._loops: list[tuple[str, Loop]] = []
        self._own_checks: dict[str, Check] = {}
        self._waits_for: str | None = None
        self._checks = Checks(
            name,
            database=database,
            bus=runtime.bus,
            clock=runtime.clock,
            keys=runtime.keys,
            metrics=metrics,
            relay=self.relay,
            consumers=self._consumers,
        )
        self._live = Examination(self._checks.live)
        self._ready = Examination(lambda: {**self._checks.ready(), **self._own_checks})
        self.app: ASGIApp = _not_built

    def listen(
        self, listener: Listener, *, on_recorded: Callable[[], None] | None = None
    ) -> Consumer:
        """The consumer is returned for those who must know how far it is.

        `on_recorded` is called after each commit of it, instead of waking the relay alone.
        """
        consumer = Consumer(
            listener,
            database=self.database,
            bus=self._runtime.bus,
            clock=self._runtime.clock,
            metrics=self.metrics,
            on_recorded=on_recorded or self.relay.wake,
        )
        self._consumers.append(consumer)
        return consumer

    def loop(self, name: str, loop: Loop) -> None:
        """A loop of the service's own (timers, group committer), started with its consumers."""
        self._loops.append((name, loop))

    @property
    def own_loops(self) -> Sequence[tuple[str, Loop]]:
        """The loops of its own, by name, for tests that run some of them alone."""
        return tuple(self._loops)

    def check(self, name: str, check: Check) -> None:
        """What the service's readiness shows beside what every service's does; before `serve`."""
        self._own_checks[name] = check

    def serve(self, http: HttpDescription) -> None:
        settings = self._runtime.settings
        app = build_app(
            http,
            service=self.name,
            metrics=self.metrics,
            live=self._live,
            ready=self._ready,
        )
        self.app = EdgeMiddleware(
            HotRoutes(app, http.hot_routes),
            metrics=self.metrics,
            body_limit=settings.body_limit,
            body_seconds=settings.body_seconds,
            bodies_bytes=settings.bodies_mib * 1_048_576,
            limit_of=http.limit_of,
            page_of=http.page_of,
        )

    async def handle(self, events: Sequence[Envelope]) -> None:
        """Handle these facts as if they had come off the bus together, each once.

        With `drain` the seam for tests: a story can be told in any order, without a bus. Raises
        what a handler raises; nothing has changed then.
        """
        for consumer in self._consumers:
            await consumer.handle(events)

    async def drain(self) -> list[Envelope]:
        """What the service has recorded for the others and not handed over yet, in order."""
        return await self.relay.drain()

    async def live(self) -> Health:
        """Whether this process works, or should be restarted."""
        return await self._live()

    async def ready(self) -> Health:
        """What works and what does not, each with its reason; at most a second old."""
        return await self._ready()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Event]:
        """Run everything until the context ends; the event is set when a loop has failed."""
        await self.database.start()
        try:
            loops = [
                ("relay", self.relay.run),
                ("redelivery", self._redelivery().run),
                ("housekeeping", self._housekeeping().run),
                *((f"consumer-{n}", consumer.run) for n, consumer in enumerate(self._consumers)),
                *self._loops,
            ]
            gated = [(f"{self.name}.{name}", self._once_current(loop)) for name, loop in loops]
            async with running_loops(gated) as failed:
                yield failed
        finally:
            await self.database.stop()

    def _housekeeping(self) -> Housekeeping:
        runtime = self._runtime
        return Housekeeping(self.name, self.database, runtime.clock, runtime.settings)

    def _redelivery(self) -> Redelivery:
        return Redelivery(
            database=self.database,
            clock=self._runtime.clock,
            relay=self.relay,
            consumers=self._consumers,
        )

    def _once_current(self, loop: Loop) -> Loop:
        """Work begins when the schema is current: against an old one every record would fail."""

        async def gated(stop: asyncio.Event) -> None:
            while not stop.is_set():
                reason = await self._checks.schema()
                if reason is None:
                    await loop(stop)
                    return
                if reason != self._waits_for:
                    self._waits_for = reason
                    log.warning("service.waiting", service=self.name, reason=reason)
                await pause(stop, RECHECK_SECONDS)

        return gated


async def _not_built(_scope: object, _receive: object, _send: object) -> None:
    raise RuntimeError("the service has no app yet: call serve() first")
