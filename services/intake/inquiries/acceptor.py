"""Accepting one message: with many others where it can be, alone and with care where it must be."""

from __future__ import annotations

from services.intake.accept.committer import CareNeededError, GroupCommitter
from services.intake.domain.message import Accepted, Incoming
from services.intake.inquiries import racing
from services.intake.inquiries.placing import place
from services.intake.inquiries.storing import Teller
from shared.clock import Clock
from shared.db import Database
from shared.policy import KnownHashtags


class Acceptor:
    def __init__(
        self, committer: GroupCommitter, *, database: Database, known: KnownHashtags, clock: Clock
    ) -> None:
        self._committer = committer
        self._database = database
        self._known = known
        self._clock = clock

    async def accept(self, message: Incoming) -> Accepted:
        """Returns after the commit. Raises what kept this message from being stored."""
        if not message.guessed:
            try:
                return await self._committer.accept(message)
            except CareNeededError:
                pass
        teller = Teller(self._known, self._clock.now())
        return await racing.write(self._database, place, message, teller=teller)
