"""What a source of messages consists of, for each platform the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

Cursor = Mapping[str, Any]
"""How far one place of a source is read, as JSON, in the source's own words."""
Cursors = Mapping[str, Cursor]
"""By place: a folder of a mailbox, or the only one there is."""

Failure = Literal["unreachable", "credentials", "limited", "answer"]
"""Why a source cannot be read: it is away, does not let us in, asks us to wait, or says what cannot
be understood.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of what a place has, in its order, each in the format of the channel's connector.

    `cursor` is where the place is read up to, once all of it is stored. `after` is done to the
    originals after that: nothing of them is touched before.
    """

    place: str
    bodies: Sequence[bytes]
    cursor: Cursor
    after: Callable[[], Awaitable[None]] | None = None


class PullError(Exception):
    """A source cannot be read now. The text is for a person and holds no secret and nobody's words.

    `not_before`: when the source lets us ask again, as far as it says so.
    """

    def __init__(self, kind: Failure, reason: str, *, not_before: datetime | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.not_before = not_before


class Source(Protocol):
    """Read by one task at a time. Every step ends in bounded time."""

    def batches(self, cursors: Cursors) -> AsyncGenerator[Batch, None]:
        """One round: everything that came since, in batches, until nothing more is there.

        Only when a batch is stored the next one is asked for. Raises PullError.
        """

    async def wait(self, seconds: float) -> None:
        """Until something may have come, at most so long. Raises PullError."""

    async def close(self) -> None:
        """Let connections go, whatever state they are in; a later round opens new ones."""
