"""What the routes of the sla service need at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.sla.usecases.library import Library
from shared.clock import Clock
from shared.db import Database
from shared.web.access import Gate


@dataclass(frozen=True, slots=True)
class SlaDesk:
    """`on_written` is called after each commit that may have filled the outbox, with the moment at
    which the changed clock needs a look.
    """

    database: Database
    library: Library
    gate: Gate
    clock: Clock
    on_written: Callable[[datetime | None], None]
    channels: frozenset[str]
    desks: frozenset[str]
    targets: frozenset[str]
