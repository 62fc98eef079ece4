"""What the API documents show for an id and for moments."""

from __future__ import annotations

ID = "0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a"
MONDAY, TUESDAY = "2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z"
