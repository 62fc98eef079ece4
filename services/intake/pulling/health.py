"""How far behind each source is that is fetched: a metric, and a part of readiness."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.intake.channels.domain import PollState
from services.intake.pulling import store
from services.intake.pulling.store import PullState
from shared.db import Database, Read
from shared.runtime.clock import Clock
from shared.runtime.telemetry import Metrics

TOO_LONG = timedelta(minutes=15)


class PullLag:
    """`every` says of each channel how long the pause between two rounds is."""

    def __init__(
        self,
        every: Mapping[str, timedelta],
        database: Database,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._every = every
        self._database = database
        self._clock = clock
        self._lags = metrics.gauge(
            "desk_pull_lag_seconds", "Since all that a source has was read.", "channel"
        )

    def states(self, tx: Read, now: datetime) -> Mapping[str, PollState]:
        """How each source is, for whoever shows the channels."""
        return {
            name: PollState(state.polled_at, state.lag(now), state.error)
            for name, state in store.states(tx, self._every).items()
        }

    async def examine(self) -> str | None:
        """Why readiness is degraded, or None; sets the metric."""
        states = await self._database.read(store.states, self._every)
        now = self._clock.now()
        lags = {name: state.lag(now) for name, state in states.items()}
        for name, lag in lags.items():
            self._lags.labels(name).set(lag)
        late = {n: lag for n, lag in lags.items() if lag > self._patience(n).total_seconds()}
        if not late:
            return None
        channel = max(late, key=late.__getitem__)
        return f"{channel} was last read {late[channel]:.0f} seconds ago{_why(states[channel])}"

    def _patience(self, channel: str) -> timedelta:
        return max(3 * self._every[channel], TOO_LONG)


def _why(state: PullState) -> str:
    return "" if state.error is None else f": {state.error}"
