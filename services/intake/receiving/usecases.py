"""The one way of whatever is sent to a channel's address, and of what was kept aside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any

import structlog

from services.intake.connectors.decoding import parsed_json
from services.intake.connectors.port import Answer, Parts, WebhookRequest
from services.intake.dependencies import IntakeDependencies
from services.intake.policy import ChannelRules
from services.intake.receiving.delivery import NOT_STORED, Delivery
from services.intake.receiving.off_loop import off_loop
from services.intake.receiving.outcome import Counters, Result
from services.intake.receiving.proving import NotProven, Prover, secret_missing
from services.intake.receiving.quarantine import external_id_of, keep_aside
from shared.errors import UnavailableError
from shared.web.problems import RefusedError

LARGE = 4 * 1_048_576
"""Bytes of a delivery of which no two are handled at once."""
MOST_KEPT = 1_048_576
"""Bytes of an unreadable delivery that are kept; a readable item is kept whole."""
FAILED = "the desk could not read it by a fault of its own; the log has the stack"

log = structlog.get_logger()


class Receiver:
    def __init__(self, desk: IntakeDependencies) -> None:
        self._desk = desk
        self._counters = Counters(desk.metrics)
        self._large = asyncio.Semaphore(1)
        self._prover = Prover(desk.database, desk.metrics, desk.activity)

    async def receive(
        self,
        channel: ChannelRules,
        request: WebhookRequest,
        read_body: Callable[[], Awaitable[bytes]],
    ) -> Answer:
        """The answer to a handshake, or to a delivery whose items are stored.

        What the headers say comes before the body, and the proof before anything is parsed. Raises
        RefusedError, InvalidError for too many items, UnavailableError.
        """
        desk, connector = self._desk, channel.connector
        _check_method(channel, request)
        answer = _handshake(channel, request, desk.clock.now())
        if answer is not None:
            return answer
        raw, failure = await self._prover.prove(channel, request, read_body, desk.clock.now())
        # Only now it is certain who sends: a forger takes nothing away from the channel.
        desk.rates.take(channel.name if failure is None else f"{channel.name} (not proven)")
        received_at = desk.clock.now()
        if failure is None:
            desk.activity.delivered(channel.name, received_at)
        async with self._in_turn(len(raw)):
            with desk.database.writing():  # its items are written one after the other
                parts = await self._parts(channel, request, raw, received_at, failure)
                if isinstance(parts, Answer):
                    return parts
                proven, size = failure is None, len(raw)
                delivery = Delivery(desk, channel, received_at, proven=proven, size=size)
                result = await delivery.take(parts)
        self._counters.count(channel.name, result)
        desk.activity.ignored(channel.name, received_at, result.ignored_by_kind())
        return connector.acknowledge(result.body(), repeated=result.repeated)

    async def take_fetched(self, channel: ChannelRules, raw: bytes) -> None:
        """Store what nobody sent and the desk fetched, as if it had been delivered.

        What cannot be stored is kept aside: it holds up nothing that comes behind it. Raises
        UnavailableError.
        """
        received_at = self._desk.clock.now()
        self._desk.activity.delivered(channel.name, received_at)
        async with self._in_turn(len(raw)):
            with self._desk.database.writing():
                await self._store_fetched(channel, raw, received_at)

    async def _store_fetched(
        self, channel: ChannelRules, raw: bytes, received_at: datetime
    ) -> None:
        desk = self._desk
        try:
            parts = await self._parts(channel, None, raw, received_at)
            if isinstance(parts, Parts):
                result = await Delivery(desk, channel, received_at, size=len(raw)).take(parts)
                self._counters.count(channel.name, result)
                desk.activity.ignored(channel.name, received_at, result.ignored_by_kind())
        except UnavailableError:
            raise
        except RefusedError:
            return  # it is kept
        except Exception:
            log.exception("pull.body_failed", channel=channel.name)
            await self._keep(channel, raw, FAILED, received_at)

    def _in_turn(self, size: int) -> AbstractAsyncContextManager[Any]:
        """A large one is handled alone: reading it takes several times its size."""
        return self._large if size > LARGE else nullcontext()

    async def _parts(
        self,
        channel: ChannelRules,
        request: WebhookRequest | None,
        raw: bytes,
        received_at: datetime,
        failure: NotProven | None = None,
    ) -> Parts | Answer:
        """Or the answer, where it is no delivery but a proven challenge. What is neither is kept
        aside, and so is what cannot be read by a bug: the sender would only send it again.
        """
        connector = channel.connector
        try:
            document = await off_loop(len(raw), connector.decode, raw, request)
            answer = connector.challenge(document)
            if answer is None:
                return await off_loop(len(raw), connector.split, document)
        except RefusedError as error:
            if error.status != 415:
                await self._keep(channel, raw, error.detail, received_at)
            raise
        except Exception:
            log.exception("webhook.body_failed", channel=channel.name)
            await self._keep(channel, raw, FAILED, received_at)
            result = _failed()
            self._counters.count(channel.name, result)
            return connector.acknowledge(result.body(), repeated=False)
        if failure is not None:
            raise failure.error
        return answer

    async def _keep(
        self, channel: ChannelRules, raw: bytes, reason: str, received_at: datetime
    ) -> None:
        text = raw[:MOST_KEPT].decode("utf-8", "replace")
        await keep_aside(
            self._desk.database,
            text,
            channel=channel.name,
            reason=reason,
            external_id=external_id_of(text, channel.connector.id_of),
            received_at=received_at,
        )


async def retry(
    desk: IntakeDependencies, channel: ChannelRules, raw: str, *, received_at: datetime
) -> tuple[Result, bool]:
    """Try again what the quarantine holds: an item, or a whole delivery.

    With whether it can leave; of a whole delivery the items that stay are kept one by one. Raises
    RefusedError for what still cannot be read.
    """
    try:
        parts, whole = _kept(channel, raw.encode("utf-8", "replace"))
    except RefusedError:
        raise
    except Exception:
        log.exception("webhook.body_failed", channel=channel.name)
        return _failed(), False
    delivery = Delivery(desk, channel, received_at, retried=True, keep=whole)
    result = await delivery.take(parts)
    return result, whole or not result.errors


def _failed() -> Result:
    """Of a delivery that is kept aside as a whole."""
    return Result(errors={0: (NOT_STORED,)})


def _kept(channel: ChannelRules, body: bytes) -> tuple[Parts, bool]:
    """Its items, and whether it is a whole delivery. Items are kept as JSON, whatever they were."""
    connector = channel.connector
    try:
        item = parsed_json(body)
    except RefusedError:
        whole = True
    else:
        whole = connector.is_delivery(item)
    parts = connector.split(connector.decode(body, None)) if whole else Parts([item])
    return parts, whole


def _check_method(channel: ChannelRules, request: WebhookRequest) -> None:
    methods = channel.connector.methods
    if request.method not in methods:
        names = ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))
        raise RefusedError(
            405,
            "method-not-allowed",
            f"this path is served with {names}",
            headers={"Allow": names},
        )


def _handshake(channel: ChannelRules, request: WebhookRequest, now: datetime) -> Answer | None:
    """None where the request is a delivery. Raises RefusedError, also on a channel that observes:
    an answer to whoever asks would give the address, or a signature, away.
    """
    connector = channel.connector
    if channel.keys is None:
        if request.method not in connector.delivered_by:
            raise secret_missing(channel)
        return None
    handshake = connector.handshakes.get(request.method)
    return None if handshake is None else handshake(request, channel.keys, now)
