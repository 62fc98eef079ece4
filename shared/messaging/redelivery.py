"""Redelivery: gives each dead letter that a person has asked for to its consumer group once more.

The handlers' effect, the inbox row and the letter's new state are one transaction, so the effect
stays exactly one. What fails again waits for a person again, with its new reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from shared.bus.port import Record
from shared.db import Database, DatabaseUnavailableError, Write
from shared.messaging import dead_letters, outbox
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Envelope
from shared.messaging.relay import Relay
from shared.runtime.clock import Clock
from shared.runtime.error_text import described
from shared.runtime.lifecycle import pause

POLL_SECONDS = 2.0
NOT_NOTED_SECONDS = 60.0

log = structlog.get_logger()


class Redelivery:
    def __init__(
        self, *, database: Database, clock: Clock, relay: Relay, consumers: Sequence[Consumer]
    ) -> None:
        self._database = database
        self._clock = clock
        self._relay = relay
        self._consumers = {consumer.group: consumer for consumer in consumers}

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            seconds = POLL_SECONDS
            try:
                while not stop.is_set() and await self.next():
                    pass
            except DatabaseUnavailableError:
                # The database says so itself; the letter waits.
                pass
            except Exception:
                log.exception("letter.not_noted")
                seconds = NOT_NOTED_SECONDS
            await pause(stop, seconds)

    async def next(self) -> bool:
        """Try the letter that is next; False when there is none, or another instance has it.

        Raises DatabaseUnavailableError.
        """
        groups = [*self._consumers, dead_letters.RELAY]
        letter_id = await self._database.read(dead_letters.next_asked, groups)
        if letter_id is None:
            return False
        try:
            found = await self._database.write(self._try, letter_id)
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of a letter: any failure is its own
            reason, shown = repr(error), described(error)
        else:
            if found is not None:
                self._had_effect(letter_id, *found)
            return found is not None
        now = self._clock.now()
        await self._database.write(dead_letters.failed_again, letter_id, reason=reason, now=now)
        log.error("letter.failed_again", letter_id=str(letter_id), reason=shown)
        return True

    def _had_effect(self, letter_id: UUID, consumer: str, fresh: Sequence[Envelope]) -> None:
        if consumer in self._consumers:
            self._consumers[consumer].count(fresh)
        self._relay.wake()
        log.info("letter.handled", letter_id=str(letter_id), consumer=consumer)

    def _try(self, tx: Write, letter_id: UUID) -> tuple[str, list[Envelope]] | None:
        taken = dead_letters.take(tx, letter_id)
        if taken is None:
            return None
        consumer, record = taken
        fresh: list[Envelope] = []
        if consumer == dead_letters.RELAY:
            again = Record(record.partition.topic, record.key, record.value, record.headers)
            outbox.record_again(tx, [again])
        else:
            fresh = self._consumers[consumer].work_off(tx, [record])
        state = dead_letters.State.HANDLED
        dead_letters.settle(tx, [letter_id], state=state, now=self._clock.now())
        return consumer, fresh
