"""A service as the root sees it: an app to serve, loops to run, a database to open and close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import structlog
from starlette.types import ASGIApp

from shared.access.keys import KeyRing
from shared.bus.port import Bus, BusUnavailableError
from shared.db import Database, DatabaseUnavailableError
from shared.db.migrate import pending
from shared.messaging import dead_letters, inbox, outbox
from shared.messaging.consumer import Consumer, Listener
from shared.messaging.envelope import Envelope
from shared.messaging.redelivery import Redelivery
from shared.messaging.relay import Relay
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import Loop, pause, running_loops
from shared.runtime.settings import DeskSettings
from shared.runtime.telemetry import Metrics
from shared.web.app import Surface, build_app
from shared.web.edge import Edge
from shared.web.health import Check, Examination, Health
from shared.web.hot import HotRoutes

HOUSEKEEPING_SECONDS = 600.0
LOOK_AGAIN_SECONDS = 1.0
OLD_OUTBOX_SECONDS = 60.0

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
        self._live = Examination(self._live_checks)
        self._ready = Examination(self._ready_checks)
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
        """What the service's readiness tells beside what every service's does; before `serve`."""
        self._own_checks[name] = check

    def serve(self, surface: Surface) -> None:
        settings = self._runtime.settings
        app = build_app(
            surface,
            service=self.name,
            metrics=self.metrics,
            live=self._live,
            ready=self._ready,
        )
        self.app = Edge(
            HotRoutes(app, surface.hot_routes),
            metrics=self.metrics,
            body_limit=settings.body_limit,
            body_seconds=settings.body_seconds,
            bodies_bytes=settings.bodies_mib * 1_048_576,
        )

    async def handle(self, events: Sequence[Envelope]) -> None:
        """Work off these facts as if they had come off the bus together, each once.

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
                ("housekeeping", self._housekeeping),
                *((f"consumer-{n}", consumer.run) for n, consumer in enumerate(self._consumers)),
                *self._loops,
            ]
            gated = [(f"{self.name}.{name}", self._once_current(loop)) for name, loop in loops]
            async with running_loops(gated) as failed:
                yield failed
        finally:
            await self.database.stop()

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
            said = False
            while not stop.is_set():
                reason = await self._schema()
                if reason is None:
                    await loop(stop)
                    return
                if not said:
                    log.warning("service.waiting", service=self.name, reason=reason)
                    said = True
                await pause(stop, LOOK_AGAIN_SECONDS)

        return gated

    async def _schema(self) -> str | None:
        try:
            return await pending(self.database, self.name)
        except DatabaseUnavailableError as error:
            return str(error)

    def _live_checks(self) -> dict[str, Check]:
        return {"consumers": Check(self._consumers_turn, "down")}

    def _ready_checks(self) -> dict[str, Check]:
        return {
            "database": Check(self._database_works, "down"),
            "writes": Check(self._last_writes, "degraded"),
            "migrations": Check(self._schema, "down"),
            "bus": Check(self._bus_answers, "degraded"),
            "consumers": Check(self._consumer_lag, "degraded"),
            "outbox": Check(self._outbox_age, "degraded"),
            "keys": Check(self._keys_readable, "degraded"),
            "callers": Check(self._somebody_may_call, "down"),
            "dead_letters": Check(self._letters_wait, "degraded"),
            **self._own_checks,
        }

    async def _database_works(self) -> str | None:
        await self.database.ping()
        if self.database.availability.write_failure is not None:
            # It may be over, and nobody else might write for a long time.
            now = self._runtime.clock.now()
            await self.database.write(inbox.try_out, event_id=new_id(), now=now)
        return None

    async def _last_writes(self) -> str | None:
        return self.database.availability.write_failure

    async def _bus_answers(self) -> str | None:
        await self._runtime.bus.ping()
        return None

    async def _keys_readable(self) -> str | None:
        return self._runtime.keys.problem or self._lacking_keys()

    async def _somebody_may_call(self) -> str | None:
        # Keys that have expired take no service away from what it does without one: intake goes on
        # to accept signed webhooks.
        return None if self._runtime.keys.has_keys() else self._lacking_keys()

    def _lacking_keys(self) -> str | None:
        return self._runtime.keys.lacks_keys(self._runtime.clock.now())

    async def _consumers_turn(self) -> str | None:
        if any(consumer.stalled() for consumer in self._consumers):
            return "a consumer loop stands still; restart the process"
        return None

    async def _consumer_lag(self) -> str | None:
        for consumer in self._consumers:
            if await consumer.lag() is None:
                return "not joined to its consumer group yet"
        return None

    async def _outbox_age(self) -> str | None:
        oldest = await self.database.read(outbox.oldest_unpublished)
        age = 0.0 if oldest is None else (self._runtime.clock.now() - oldest).total_seconds()
        self.metrics.outbox_age.set(age)
        if age > OLD_OUTBOX_SECONDS:
            return self.relay.problem or f"a fact has waited {age:.0f} seconds for the bus"
        return None

    async def _letters_wait(self) -> str | None:
        count = await self.database.read(dead_letters.count_open)
        self.metrics.letters.set(count)
        return f"{count} dead letters wait for a decision" if count else None

    async def _housekeeping(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._forget(stop)
            except (DatabaseUnavailableError, BusUnavailableError) as error:
                log.warning("housekeeping.failed", service=self.name, reason=str(error))
            await pause(stop, HOUSEKEEPING_SECONDS)

    async def _forget(self, stop: asyncio.Event) -> None:
        settings, now = self._runtime.settings, self._runtime.clock.now()
        published_before = now - timedelta(days=settings.outbox_days)
        handled_before = now - timedelta(days=settings.inbox_days)
        rows = 1
        while rows and not stop.is_set():
            rows = await self.database.write(outbox.forget_published, before=published_before)
            rows += await self.database.write(inbox.forget_handled, before=handled_before)
            rows += await self._forget_letters(now - timedelta(days=settings.dead_letter_days))
        await self.database.tidy()

    async def _forget_letters(self, before: datetime) -> int:
        gone, unseen = await self.database.write(dead_letters.forget, before=before)
        if unseen:
            log.warning("letter.forgotten", service=self.name, count=unseen)
        return gone


async def _not_built(_scope: object, _receive: object, _send: object) -> None:
    raise RuntimeError("the service has no HTTP surface yet: call serve() first")
