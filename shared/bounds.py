"""How much of what may be endless one answer holds."""

from __future__ import annotations

MOST_SHOWN = 50
"""Of a list inside an answer; the rest is counted, or has a cursor."""
