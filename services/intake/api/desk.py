"""What intake's routes need at hand."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.accept.committer import GroupCommitter
from services.intake.rules import IntakeRules
from shared.clock import Clock
from shared.db import Database
from shared.relay import Relay
from shared.telemetry import Metrics
from shared.web.access import Gate


@dataclass(frozen=True, slots=True)
class IntakeDesk:
    database: Database
    committer: GroupCommitter
    relay: Relay
    rules: IntakeRules
    gate: Gate
    clock: Clock
    metrics: Metrics
