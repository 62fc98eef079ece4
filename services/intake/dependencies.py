"""What intake's routes need at hand."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.accepting.acceptor import Acceptor
from services.intake.inquiries.store.storing import Teller
from services.intake.policy import IntakeRules
from shared.access.authorizer import Authorizer
from shared.db import Database
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

    def teller(self) -> Teller:
        """What a verb that tells others needs, at this moment."""
        return Teller(self.rules.hashtags, self.clock.now())
