"""Counts what comes in, in memory, so that a message costs no second write: what was counted is
written together, every few seconds, and instances add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from services.intake.channels.domain import beginning_of_hour

What = Literal["delivery", "message", "failure", "ignored"]
"""A proven delivery, a new message, a delivery that proved nothing, an item that made none."""
LONGEST_KIND = 40
LONGEST_DETAIL = 200


@dataclass(slots=True)
class Tally:
    """`counts` by channel, hour (UTC, its beginning), what it was and of which kind; `latest` is
    when that came last, with a word about it.
    """

    counts: Counter[tuple[str, datetime, What, str]] = field(default_factory=Counter)
    latest: dict[tuple[str, What], tuple[datetime, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.counts)

    def add(
        self,
        channel: str,
        what: What,
        at: datetime,
        *,
        kind: str = "",
        detail: str = "",
        n: int = 1,
    ) -> None:
        self.counts[channel, beginning_of_hour(at), what, kind[:LONGEST_KIND]] += n
        self.note(channel, what, at, detail)

    def note(self, channel: str, what: What, at: datetime, detail: str) -> None:
        known = self.latest.get((channel, what))
        if known is None or known[0] <= at:
            self.latest[channel, what] = (at, detail[:LONGEST_DETAIL])


class Activity:
    """Of this process, since it was last taken."""

    def __init__(self) -> None:
        self._tally = Tally()

    def delivered(self, channel: str, at: datetime) -> None:
        self._tally.add(channel, "delivery", at)

    def accepted(self, channel: str, at: datetime) -> None:
        self._tally.add(channel, "message", at)

    def not_proven(self, channel: str, at: datetime, *, reason: str, problem: str) -> None:
        self._tally.add(channel, "failure", at, kind=reason, detail=problem)

    def ignored(self, channel: str, at: datetime, kinds: Mapping[str, int]) -> None:
        """`kinds` are constant words."""
        for kind, n in kinds.items():
            self._tally.add(channel, "ignored", at, kind=kind, n=n)

    def take(self) -> Tally:
        taken, self._tally = self._tally, Tally()
        return taken

    def give_back(self, tally: Tally) -> None:
        """What could not be written counts with what has come since."""
        self._tally.counts.update(tally.counts)
        for (channel, what), (at, detail) in tally.latest.items():
            self._tally.note(channel, what, at, detail)
