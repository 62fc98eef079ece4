"""The report by ISO week, in the desk's zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.router.moderation import store
from services.router.moderation.store import Appeals
from shared.db import Read
from shared.web.spans import Week


@dataclass(frozen=True, slots=True)
class ModeratedWeek:
    """`dismissed` is by reason."""

    week: Week
    dismissed: Mapping[str, int]
    appeals: Appeals


def report(tx: Read, weeks: Sequence[Week]) -> Sequence[ModeratedWeek]:
    return [
        ModeratedWeek(
            week,
            store.dismissed(tx, start=week.start, end=week.end),
            store.appealed(tx, start=week.start, end=week.end),
        )
        for week in weeks
    ]
