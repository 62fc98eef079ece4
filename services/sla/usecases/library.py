"""What of the policy the verbs need: who is told, and the editions by key.

The present edition is always there, those of the past as far as they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sla.domain import Audience
from services.sla.rules.edition import Edition, edition_from
from services.sla.store import editions
from services.sla.store.facts import EditionByKey
from shared.db import Read, Write


class Library:
    """One per process. Reading the same edition twice side by side is harmless."""

    def __init__(self, current: Edition, audiences: Sequence[Audience] = ()) -> None:
        self.current = current
        self.audiences = audiences
        self._known = {current.key: current}
        self._kept = False

    def keep_current(self, tx: Write, *, now: datetime) -> None:
        """Store the present edition before anything refers to it."""
        if not self._kept:
            editions.keep(tx, key=self.current.key, document=self.current.document, now=now)

    def current_is_kept(self) -> None:
        """Say that a transaction with `keep_current` was committed."""
        self._kept = True

    def reader(self, tx: Read, *, now: datetime) -> EditionByKey:
        """Editions by key, read with this transaction when they are not in memory."""

        def edition(key: str) -> Edition:
            found = self._known.get(key)
            if found is None:
                found = self._read(tx, key, now)
                self._known[key] = found
            return found

        return edition

    def _read(self, tx: Read, key: str, now: datetime) -> Edition:
        text = editions.document(tx, key)
        if text is None:
            raise LookupError(f"the edition {key} of the policy is not stored here")
        return edition_from(key, text, now=now)
