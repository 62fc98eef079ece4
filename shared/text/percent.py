"""A share as reports say it."""

from __future__ import annotations


def percent(part: int, whole: int) -> float | None:
    """Rounded down to a tenth: 100 is said only of all. None of nothing."""
    return None if whole == 0 else part * 1000 // whole / 10
