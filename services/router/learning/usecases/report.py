"""How well the router decides, over the inquiries received in a span."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.router.learning.domain.figures import ALONE, Figures, KindFigures, WatchFigures
from services.router.learning.store import report as counts
from services.router.learning.store.report import Choice, Decided
from shared.db import Read
from shared.web.spans import Week


@dataclass(slots=True)
class Report:
    total: Figures = field(default_factory=Figures)
    weeks: list[tuple[Week, Figures]] = field(default_factory=list)
    by: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    kinds: dict[str, KindFigures] = field(default_factory=lambda: defaultdict(KindFigures))
    confusion: dict[tuple[Choice, Choice], int] = field(default_factory=lambda: defaultdict(int))
    watched: dict[int, WatchFigures] = field(default_factory=lambda: defaultdict(WatchFigures))


def report(tx: Read, weeks: Sequence[Week]) -> Report:
    """Of the inquiries received in these weeks: one or more, without a gap."""
    found = Report()
    for week in weeks:
        figures = Figures()
        for each in counts.decided(tx, week.start, week.end):
            _add(found, figures, each)
        found.weeks.append((week, figures))
    for seen in counts.watched(tx, weeks[0].start, weeks[-1].end):
        _add_watched(found.watched[seen.version], seen)
    return found


def _add(found: Report, week: Figures, each: Decided) -> None:
    choice, label, count = each.choice, each.label, each.count
    right = None if label is None else is_right(choice, label)
    for figures in (found.total, week, found.by[each.decided_by or "unknown"]):
        figures.add(choice.kind, each.decided_by, count, right=right)
    kind = found.kinds[choice.kind]
    kind.decided += count
    if label is not None and right is not None:
        kind.right += count * right
        kind.wrong += count * (not right)
        found.confusion[choice, label] += count


def _add_watched(figures: WatchFigures, seen: counts.Watched) -> None:
    figures.inquiries += seen.count
    figures.different += seen.count * (seen.would != seen.choice)
    alone = seen.would.kind in ALONE
    figures.alone += seen.count * alone
    if seen.label is None:
        return
    if alone:
        right = is_right(seen.would, seen.label)
        figures.right += seen.count * right
        figures.wrong += seen.count * (not right)
    if seen.choice.kind in ALONE:
        right = is_right(seen.choice, seen.label)
        figures.were_right += seen.count * right
        figures.were_wrong += seen.count * (not right)


def is_right(choice: Choice, label: Choice) -> bool:
    """The same kind, and where it gets an answer the same desk."""
    return choice.kind == label.kind and label.desk in (None, choice.desk)


def in_order(cells: Mapping[tuple[Choice, Choice], int]) -> list[tuple[Choice, Choice, int]]:
    ordered = sorted(
        cells.items(),
        key=lambda cell: [(each.kind, each.desk or "") for each in cell[0]],
    )
    return [(decided, label, count) for (decided, label), count in ordered]
