"""What the routes of the sla service need at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.sla.promises.versions import PolicyVersions
from shared.access.authorizer import Authorizer
from shared.db import Database
from shared.errors import FieldProblem, InvalidError
from shared.policy import KnownHashtags
from shared.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class SlaDependencies:
    """`on_written` is called after each commit that may have filled the outbox."""

    database: Database
    policy_versions: PolicyVersions
    authorizer: Authorizer
    clock: Clock
    on_written: Callable[[], None]
    channels: frozenset[str]
    desks: frozenset[str]
    hashtags: KnownHashtags

    def known_desk(self, name: str) -> str:
        """Raises InvalidError."""
        if name not in self.desks:
            problem = _unknown("desk", self.desks)
            raise InvalidError("unknown-desk", "the policy has no such desk", problem)
        return name

    def known_channel(self, name: str) -> str:
        """Raises InvalidError."""
        if name not in self.channels:
            problem = _unknown("channel", self.channels)
            raise InvalidError("unknown-channel", "the policy has no such channel", problem)
        return name


def _unknown(field: str, known: frozenset[str]) -> FieldProblem:
    right = f"one of {', '.join(sorted(known))}" if known else "nothing is defined here yet"
    return FieldProblem(field, "is not in the policy", right)
