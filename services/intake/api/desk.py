"""What intake's routes need at hand."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.inquiries.acceptor import Acceptor
from services.intake.inquiries.storing import Teller
from services.intake.rules import IntakeRules
from shared.clock import Clock
from shared.db import Database
from shared.relay import Relay
from shared.telemetry import Metrics
from shared.web.access import Gate
from shared.web.rates import Rates


@dataclass(frozen=True, slots=True)
class IntakeDesk:
    database: Database
    acceptor: Acceptor
    relay: Relay
    rules: IntakeRules
    gate: Gate
    clock: Clock
    metrics: Metrics
    rates: Rates
    """Of the channels."""

    def teller(self) -> Teller:
        """What a verb that tells others needs, at this moment."""
        return Teller(self.rules.hashtags, self.clock.now())
