"""How the promise was kept, over the inquiries received in a span."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.sla.store.reports import (
    BestEffortLine,
    GroupBy,
    HandOverLine,
    Line,
    Span,
    best_effort_lines,
    hand_over_lines,
    promised_lines,
)
from shared.db import Read


@dataclass(frozen=True, slots=True)
class Report:
    lines: tuple[Line, ...]
    hand_over: tuple[HandOverLine, ...]
    best_effort: tuple[BestEffortLine, ...]


def report(tx: Read, *, start: datetime, end: datetime, group_by: GroupBy, now: datetime) -> Report:
    """Promised inquiries by group, and as their own classes hand-overs and best-effort channels."""
    span = Span(start, end)
    lines = promised_lines(tx, span, group_by=group_by, now=now)
    beside = hand_over_lines(tx, span, group_by=group_by, now=now)
    return Report(tuple(lines), tuple(beside), tuple(best_effort_lines(tx, span, now=now)))
