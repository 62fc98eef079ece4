"""How the promise was kept, over the inquiries received in a span."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.sla.store.reports import (
    BestEffortLine,
    GroupBy,
    Line,
    Span,
    best_effort_lines,
    promised_lines,
)
from shared.db import Read


@dataclass(frozen=True, slots=True)
class Report:
    lines: tuple[Line, ...]
    best_effort: tuple[BestEffortLine, ...]


def report(tx: Read, *, start: datetime, end: datetime, group_by: GroupBy, now: datetime) -> Report:
    """Promised inquiries by group, and the best-effort channels as their own class."""
    span = Span(start, end)
    lines = promised_lines(tx, span, group_by=group_by, now=now)
    return Report(tuple(lines), tuple(best_effort_lines(tx, span, now=now)))
