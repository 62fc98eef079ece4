"""Accepting one message: with many others where it can be, alone and with care where it must be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.intake.accepting.committer import CareNeededError, GroupCommitter
from services.intake.inquiries.domain.message import Accepted, Incoming
from services.intake.inquiries.store.storing import WriteContext
from services.intake.inquiries.usecases import racing
from services.intake.inquiries.usecases.placing import place
from shared.db import Database
from shared.policy import KnownHashtags
from shared.runtime.clock import Clock

REMEMBERED = 1024
"""Threads of which it is known that the hot path has no place for their messages."""


class Acceptor:
    def __init__(
        self,
        committer: GroupCommitter,
        *,
        database: Database,
        known: KnownHashtags,
        clock: Clock,
        on_accepted: Callable[[str, datetime], None],
    ) -> None:
        """`on_accepted` is told the channel and the receipt of each message that was new."""
        self._committer = committer
        self._database = database
        self._known = known
        self._clock = clock
        self._on_accepted = on_accepted
        self._careful: dict[tuple[str, str], None] = {}

    async def accept(self, message: Incoming) -> Accepted:
        """Returns after the commit. Raises what kept this message from being stored."""
        with self._database.writing():  # it waits for its batch, and carries its moment
            placed = await self._accept(message)
        if not placed.duplicate:
            self._on_accepted(message.channel, message.received_at)
        return placed

    async def _accept(self, message: Incoming) -> Accepted:
        thread = (message.channel, message.thread)
        if not message.guessed and thread not in self._careful:
            try:
                return await self._committer.accept(message)
            except CareNeededError:
                if message.audience == "public":
                    self._remember(thread)
        context = WriteContext(self._known, self._clock.now())
        return await racing.write(self._database, place, message, context=context)

    def _remember(self, thread: tuple[str, str]) -> None:
        """A public thread needs care for ever, a private one until a message is later."""
        self._careful[thread] = None
        if len(self._careful) > REMEMBERED:
            del self._careful[next(iter(self._careful))]
