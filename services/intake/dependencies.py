"""What intake's routes depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate

from services.intake.accepting.acceptor import Acceptor
from services.intake.channels.activity import Activity
from services.intake.files.domain import Limits
from services.intake.inquiries.store.storing import WriteContext
from services.intake.policy import IntakeRules
from shared.access.authorizer import Authorizer
from shared.db import Database, Write
from shared.db.database import P, T
from shared.messaging.relay import Relay
from shared.runtime.clock import Clock
from shared.runtime.telemetry import Metrics
from shared.web.rates import Rates


@dataclass(frozen=True, slots=True)
class IntakeDependencies:
    database: Database
    acceptor: Acceptor
    relay: Relay
    rules: IntakeRules
    authorizer: Authorizer
    clock: Clock
    metrics: Metrics
    rates: Rates
    """Of the channels."""
    files: Limits
    activity: Activity
    public_url: str = ""
    """How the desk is called from outside; empty: as each request says."""

    async def act(
        self, verb: Callable[Concatenate[Write, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run the verb in one transaction, then wake the relay for the facts that it recorded."""
        result = await self.database.write(verb, *args, **kwargs)
        self.relay.wake()
        return result

    def context(self) -> WriteContext:
        """What a verb that tells others needs, at this moment."""
        return WriteContext(self.rules.hashtags, self.clock.now())
