"""What moved a clock, and the states under which targets are published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.sla.clocks.target import Phase
from shared.events.deadlines import DeadlineState, MoveCause


@dataclass(frozen=True, slots=True)
class Cause:
    """What moved the clock, if it moved: the cause to publish, and when."""

    kind: MoveCause
    at: datetime


def published_state(phase: Phase) -> DeadlineState:
    """Raises ValueError for a clock that never started."""
    match phase:
        case Phase.RUNNING:
            return "running"
        case Phase.PAUSED:
            return "paused"
        case Phase.BREACHED:
            return "breached"
        case Phase.MET:
            return "met"
        case Phase.MET_LATE:
            return "met_late"
        case Phase.CANCELLED:
            return "cancelled"
        case Phase.NOT_STARTED:
            raise ValueError("a clock that never started has no state to publish")
