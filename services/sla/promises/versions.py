"""What of the policy the verbs need: who is told, and the editions by key.

The current edition is always there, those of the past as far as they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sla.notifications.domain import Audience
from services.sla.promises import store
from services.sla.promises.policy_version import Edition, EditionByKey, edition_from
from shared.db import Read, Write


class Library:
    """One per process. Reading the same edition twice side by side is harmless."""

    def __init__(self, own: Edition, audiences: Sequence[Audience] = ()) -> None:
        """`own` is what this instance was started with, and current until another one holds."""
        self.own = own
        self.current = own
        self.audiences = audiences
        self._known = {own.key: own}

    def put_own_in_force(self, tx: Write, *, now: datetime) -> None:
        """The policy of the instance that starts last holds for all of them."""
        store.keep(tx, key=self.own.key, document=self.own.document, now=now)
        store.put_in_force(tx, self.own.key, now=now)
        self.current = self.own

    def follow(self, tx: Write, *, now: datetime) -> Edition:
        """The edition that holds, stored before anything refers to it.

        While a new policy is rolled out instances were started with different ones. Those with the
        old one must not count by it any more, or a clock would depend on who heard of it.
        """
        key = store.in_force(tx)
        if key is None:
            store.keep(tx, key=self.own.key, document=self.own.document, now=now)
        elif key != self.current.key:
            self.current = self.reader(tx, now=now)(key)
        return self.current

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
        text = store.document(tx, key)
        if text is None:
            raise LookupError(f"the edition {key} of the policy is not stored here")
        return edition_from(key, text, now=now)
