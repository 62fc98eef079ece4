"""What the channels need now and then; and how readiness and the metrics show them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from services.intake.channels.states import ChannelState, problems
from services.intake.channels.usecases import Channels
from shared.db import DatabaseUnavailableError
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic
from shared.runtime.telemetry import Metrics

FLUSHED_EVERY_SECONDS = 5.0
FORGOTTEN_EVERY = timedelta(hours=6)

log = structlog.get_logger()


def counting(channels: Channels) -> Loop:
    """Write what was counted, and at the end what was counted since; forget what is too old."""
    forgotten_at = channels.clock.now()

    async def step(_stop: asyncio.Event) -> None:
        nonlocal forgotten_at
        try:
            await channels.flush()
            if channels.clock.now() - forgotten_at >= FORGOTTEN_EVERY:
                await channels.forget()
                forgotten_at = channels.clock.now()
        except DatabaseUnavailableError as error:
            log.debug("channels.not_counted", reason=str(error))

    async def loop(stop: asyncio.Event) -> None:
        await periodic("channels", FLUSHED_EVERY_SECONDS, step)(stop)
        await step(stop)

    return loop


class ChannelHealth:
    """A part of readiness, which sets the metrics of the channels as well."""

    def __init__(self, channels: Channels, metrics: Metrics) -> None:
        self._channels = channels
        self._silent = metrics.gauge(
            "desk_channel_silent", "1: silent for unusually long.", "channel"
        )
        self._last = metrics.gauge(
            "desk_channel_last_message_timestamp_seconds", "When a message was new last.", "channel"
        )
        self._observes = metrics.gauge(
            "desk_channel_observes", "1: accepts what does not prove who sent it.", "channel"
        )
        self._expires = metrics.gauge(
            "desk_channel_expiry_timestamp_seconds", "When its secret or token ends.", "channel"
        )

    async def examine(self) -> str | None:
        """Why readiness is degraded, or None; sets the metrics."""
        states, now = await self._channels.states(), self._channels.clock.now()
        for state in states:
            self._show(state)
        reasons = [p.text for state in states for p in problems(state, now) if p.degrades]
        return "; ".join(reasons) or None

    def _show(self, state: ChannelState) -> None:
        name = state.rules.name
        self._silent.labels(name).set(state.silent)
        self._observes.labels(name).set(not state.rules.enforced)
        if state.message is not None:
            self._last.labels(name).set(state.message.at.timestamp())
        if state.expires_at is not None:
            self._expires.labels(name).set(state.expires_at.timestamp())
