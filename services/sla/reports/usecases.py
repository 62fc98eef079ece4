"""How the promise was kept, over the inquiries received in a span."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.sla.reports.store import (
    BestEffortLine,
    GroupBy,
    HandOverLine,
    Line,
    Span,
    best_effort_lines,
    hand_over_lines,
    hand_over_total,
    promised_lines,
    promised_total,
)
from shared.db import Read


@dataclass(frozen=True, slots=True)
class Report:
    lines: tuple[Line, ...]
    total: Line
    hand_over: tuple[HandOverLine, ...]
    hand_over_total: HandOverLine
    best_effort: tuple[BestEffortLine, ...]


def report(tx: Read, *, start: datetime, end: datetime, group_by: GroupBy, now: datetime) -> Report:
    """Promised inquiries by group, and as their own classes hand-overs and best-effort channels."""
    span = Span(start, end)
    hand_overs = hand_over_lines(tx, span, group_by=group_by, now=now)
    return Report(
        lines=tuple(promised_lines(tx, span, group_by=group_by, now=now)),
        total=promised_total(tx, span, now=now),
        hand_over=tuple(hand_overs),
        hand_over_total=hand_over_total(hand_overs),
        best_effort=tuple(best_effort_lines(tx, span, now=now)),
    )
