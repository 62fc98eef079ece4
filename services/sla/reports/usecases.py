"""How the promise was kept, over the inquiries received in a span."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.sla.reports.store import (
    ANSWERS,
    HAND_OVERS,
    BestEffortLine,
    GroupBy,
    Line,
    Span,
    best_effort_lines,
    lines,
    total,
)
from shared.db import Read


@dataclass(frozen=True, slots=True)
class Report:
    lines: tuple[Line, ...]
    total: Line
    hand_over: tuple[Line, ...]
    hand_over_total: Line
    best_effort: tuple[BestEffortLine, ...]


def report(tx: Read, *, start: datetime, end: datetime, group_by: GroupBy, now: datetime) -> Report:
    """Promised inquiries by group, and as their own classes hand-overs and best-effort channels."""
    span = Span(start, end)
    return Report(
        lines=tuple(lines(tx, span, of=ANSWERS, group_by=group_by, now=now)),
        total=total(tx, span, of=ANSWERS, now=now),
        hand_over=tuple(lines(tx, span, of=HAND_OVERS, group_by=group_by, now=now)),
        hand_over_total=total(tx, span, of=HAND_OVERS, now=now),
        best_effort=tuple(best_effort_lines(tx, span, now=now)),
    )
