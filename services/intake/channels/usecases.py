"""The channels of the desk as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from services.intake.channels import store
from services.intake.channels.activity import Activity, What
from services.intake.channels.domain import MOST_WEEKS, WEEK, Kept, PollState, Usual, usual
from services.intake.channels.states import ChannelState, Latest, expiry, silence
from services.intake.policy import ChannelRules
from shared.db import Database, DatabaseUnavailableError, Read
from shared.runtime.clock import Clock

LEARNED_EVERY = timedelta(minutes=10)
A_DAY = timedelta(hours=24)
REMEMBERED = MOST_WEEKS * WEEK + A_DAY

QuarantineOf = Callable[[Read, Iterable[str]], Mapping[str, Kept]]
PollsOf = Callable[[Read, datetime], Mapping[str, PollState]]


@dataclass(frozen=True, slots=True)
class _Learned:
    at: datetime
    usual: Mapping[str, Usual | None]


@dataclass(slots=True)
class Channels:
    """`quarantine` says what is kept aside of each channel, `polls` how those that are polled are;
    `zone` is the desk's.
    """

    database: Database
    clock: Clock
    rules: Mapping[str, ChannelRules]
    activity: Activity
    quarantine: QuarantineOf
    zone: tzinfo
    polls: PollsOf
    _learned: _Learned | None = field(default=None, init=False)

    async def flush(self) -> None:
        """Write what this process has counted. Raises DatabaseUnavailableError; it counts later."""
        tally = self.activity.take()
        if not tally:
            return
        try:
            await self.database.write(store.add, tally)
        except DatabaseUnavailableError:
            self.activity.give_back(tally)
            raise

    async def forget(self) -> None:
        """Raises DatabaseUnavailableError."""
        await self.database.write(store.forget, before=self.clock.now() - REMEMBERED)

    async def states(self) -> list[ChannelState]:
        """In the order of the policy file. Raises DatabaseUnavailableError."""
        with suppress(DatabaseUnavailableError):  # one may look where one may not write
            await self.flush()
        now = self.clock.now()
        known = await self.database.read(self._known, now)
        usual_ones = await self._usual(now)
        return [
            self._state(rules, known, usual_ones.get(name), now)
            for name, rules in self.rules.items()
        ]

    def _known(self, tx: Read, now: datetime) -> _Known:
        return _Known(
            store.latest(tx),
            store.counted_since(tx, now - A_DAY),
            self.quarantine(tx, self.rules),
            self.polls(tx, now),
        )

    def _state(
        self,
        rules: ChannelRules,
        known: _Known,
        learned: Usual | None,
        now: datetime,
    ) -> ChannelState:
        name, message = rules.name, known.latest(rules.name, "message")
        since_last, silent = silence(message, learned, now)
        return ChannelState(
            rules=rules,
            delivery=known.latest(name, "delivery"),
            message=message,
            failure=known.latest(name, "failure"),
            failures=known.counted.get((name, "failure"), {}),
            ignored=known.counted.get((name, "ignored"), {}),
            usual=learned,
            since_last=since_last,
            silent=silent,
            kept=known.kept.get(name),
            poll=known.polls.get(name),
            expires_at=expiry(rules.expires_on, self.zone),
        )

    async def _usual(self, now: datetime) -> Mapping[str, Usual | None]:
        """By channel; learned anew now and then, for what is usual changes slowly."""
        learned = self._learned
        if learned is None or now - learned.at >= LEARNED_EVERY:
            by_hour = await self.database.read(store.messages_by_hour, now - REMEMBERED)
            found = {
                name: usual(counts, now=now, zone=self.zone) for name, counts in by_hour.items()
            }
            learned = self._learned = _Learned(now, found)
        return learned.usual


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database has of all channels."""

    moments: Mapping[tuple[str, str], Mapping[str, Any]]
    counted: Mapping[tuple[str, str], Mapping[str, int]]
    kept: Mapping[str, Kept]
    polls: Mapping[str, PollState]

    def latest(self, channel: str, what: What) -> Latest | None:
        row = self.moments.get((channel, what))
        return None if row is None else Latest(row["at"], row["detail"])
