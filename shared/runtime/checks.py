"""What a service's health shows: what works and what does not, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.access.keys import KeyRing
from shared.bus.port import Bus
from shared.db import Database, DatabaseUnavailableError
from shared.db.migrate import pending
from shared.messaging import dead_letters, outbox
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.runtime.clock import Clock
from shared.runtime.telemetry import Metrics
from shared.web.health import Check

OLD_OUTBOX_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks that every service has. Each gives a reason, or None when all is well."""

    service: str
    database: Database
    bus: Bus
    clock: Clock
    keys: KeyRing
    metrics: Metrics
    relay: Relay
    consumers: Sequence[Consumer]

    def live(self) -> dict[str, Check]:
        return {"consumers": Check(self._consumers_turn, "down")}

    def ready(self) -> dict[str, Check]:
        return {
            "database": Check(self._database_works, "down"),
            "writes": Check(self._last_writes, "degraded"),
            "migrations": Check(self.schema, "down"),
            "bus": Check(self._bus_answers, "degraded"),
            "consumers": Check(self._consumer_lag, "degraded"),
            "outbox": Check(self._outbox_age, "degraded"),
            "keys": Check(self._keys_readable, "degraded"),
            "callers": Check(self._somebody_may_call, "down"),
            "dead_letters": Check(self._letters_wait, "degraded"),
        }

    async def _database_works(self) -> str | None:
        await self.database.ping()
        if self.database.availability.write_failure is not None:
            # It may be over, and nobody else might write for a long time.
            await self.database.write(dead_letters.try_out, now=self.clock.now())
        return None

    async def _last_writes(self) -> str | None:
        return self.database.availability.write_failure

    async def _bus_answers(self) -> str | None:
        await self.bus.ping()
        return None

    async def _keys_readable(self) -> str | None:
        return self.keys.problem or self._lacking_keys()

    async def _somebody_may_call(self) -> str | None:
        # Keys that have expired take no service away from what it does without one: intake goes on
        # to accept signed webhooks.
        return None if self.keys.has_keys() else self._lacking_keys()

    def _lacking_keys(self) -> str | None:
        return self.keys.lacks_keys(self.clock.now())

    async def _consumers_turn(self) -> str | None:
        if any(consumer.stalled() for consumer in self.consumers):
            return "a consumer loop hangs; restart the process"
        return None

    async def _consumer_lag(self) -> str | None:
        lag = 0
        for consumer in self.consumers:
            count = await consumer.lag()
            if count is None:
                return "has not joined its consumer group yet"
            lag += count
        self.metrics.lag.set(lag)
        return None

    async def _outbox_age(self) -> str | None:
        oldest = await self.database.read(outbox.oldest_unpublished)
        age = 0.0 if oldest is None else (self.clock.now() - oldest).total_seconds()
        self.metrics.outbox_age.set(age)
        if age > OLD_OUTBOX_SECONDS:
            return self.relay.problem or f"a fact has waited {age:.0f} seconds for the bus"
        return None

    async def _letters_wait(self) -> str | None:
        count = await self.database.read(dead_letters.count_open)
        self.metrics.letters.set(count)
        return f"{count} dead letters are waiting for a decision" if count else None

    async def schema(self) -> str | None:
        """Why work cannot begin yet: against an old schema every record would fail."""
        try:
            return await pending(self.database, self.service)
        except DatabaseUnavailableError as error:
            return str(error)
