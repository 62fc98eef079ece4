"""What of the policy the verbs need: who is notified, and its versions by key.

The current policy version is always there, those of the past as far as they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sla.promises import store
from services.sla.promises.policy_version import (
    PolicyVersion,
    PolicyVersionByKey,
    policy_version_from,
)
from shared.db import Read, Write
from shared.notifications.domain import Subscription


class PolicyVersions:
    """One per process. Reading the same policy version twice side by side is harmless."""

    def __init__(self, own: PolicyVersion, subscriptions: Sequence[Subscription] = ()) -> None:
        """`own` is what this instance was started with, and current until another one holds."""
        self.own = own
        self.current = own
        self.subscriptions = subscriptions
        self._known = {own.key: own}

    def activate_own(self, tx: Write, *, now: datetime) -> None:
        """The policy of the instance that starts last holds for all of them."""
        store.keep(tx, key=self.own.key, document=self.own.document, now=now)
        store.activate(tx, self.own.key, now=now)
        self.current = self.own

    def active(self, tx: Write, *, now: datetime) -> PolicyVersion:
        """The policy version that holds, stored before anything refers to it.

        While a new policy is rolled out instances were started with different ones. Those with the
        old one must not count by it any more, or a clock would depend on which instance handled it.
        """
        key = store.active_key(tx)
        if key is None:
            store.keep(tx, key=self.own.key, document=self.own.document, now=now)
        elif key != self.current.key:
            self.current = self.by_key(tx, now=now)(key)
        return self.current

    def by_key(self, tx: Read, *, now: datetime) -> PolicyVersionByKey:
        """Policy versions by key, read with this transaction when they are not in memory."""

        def policy_version(key: str) -> PolicyVersion:
            found = self._known.get(key)
            if found is None:
                found = self._read(tx, key, now)
                self._known[key] = found
            return found

        return policy_version

    def _read(self, tx: Read, key: str, now: datetime) -> PolicyVersion:
        text = store.document(tx, key)
        if text is None:
            raise LookupError(f"the version {key} of the policy is not stored here")
        return policy_version_from(key, text, now=now)
