"""What became of a delivery: one result, which is the answer, the counts and the metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.intake.connectors.items import Adjusted, IgnoredReason
from services.intake.inquiries.domain.message import Accepted
from shared.bounds import MOST_SHOWN
from shared.errors import FieldProblem
from shared.runtime.telemetry import Metrics
from shared.text.references import reference_of


@dataclass(slots=True)
class Result:
    """What became of the items of one delivery, by their place in it.

    `kinds` say what those are that the connector itself ignored, `another_type` what those are that
    were ignored together.
    """

    accepted: int = 0
    duplicate: int = 0
    inquiries: dict[int, UUID] = field(default_factory=dict)
    errors: dict[int, tuple[FieldProblem, ...]] = field(default_factory=dict)
    adjusted: dict[int, tuple[Adjusted, ...]] = field(default_factory=dict)
    ignored: dict[int, IgnoredReason] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    of_another_type: int = 0
    another_type: str = "unknown"

    @property
    def repeated(self) -> bool:
        """Nothing changed, because all of it was known."""
        changed = {"edited", "withdrawn"} & set(self.ignored.values())
        return self.duplicate > 0 and not (self.accepted or self.errors or changed)

    def counts(self) -> dict[str, int]:
        return {
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "ignored": len(self.ignored) + self.of_another_type,
            "broken": len(self.errors),
        }

    def add(self, number: int, placed: Accepted) -> None:
        if placed.duplicate:
            self.duplicate += 1
        elif placed.of_no_inquiry:
            self.ignored[number] = "withdrawn"
        else:
            self.accepted += 1
        if not placed.of_no_inquiry:
            self.inquiries[number] = placed.inquiry_id

    def ignored_by_kind(self) -> Counter[str]:
        """In the connector's constant words, or the reason why the desk ignored it."""
        found = Counter(self._kind(number, reason) for number, reason in self.ignored.items())
        if self.of_another_type:
            found[self.another_type] += self.of_another_type
        return found

    def _kind(self, number: int, reason: IgnoredReason) -> str:
        kind = self.kinds.get(number, "unknown")
        return reason if kind == "unknown" and reason != "event-type" else kind

    def body(self) -> dict[str, Any]:
        """The fields of WebhookAnswer; of each kind the first are named, and the rest counted."""
        errors = [
            {"index": n, "field": p.field, "problem": p.problem, "expected": p.expected}
            for n, problems in sorted(self.errors.items())
            for p in problems
        ]
        adjusted = [
            {"index": n, "field": each.field, "done": each.done}
            for n, all_of_it in sorted(self.adjusted.items())
            for each in all_of_it
        ]
        inquiries = [inquiry for _, inquiry in sorted(self.inquiries.items())]
        return {
            **self.counts(),
            "inquiries": [str(each) for each in inquiries],
            "references": [reference_of(each) for each in inquiries],
            "errors": errors[:MOST_SHOWN],
            "more_errors": max(0, len(errors) - MOST_SHOWN),
            "adjusted": adjusted[:MOST_SHOWN],
            "more_adjusted": max(0, len(adjusted) - MOST_SHOWN),
            "ignored_items": self._ignored_items()[:MOST_SHOWN],
        }

    def _ignored_items(self) -> list[dict[str, Any]]:
        if self.of_another_type:
            return [{"index": None, "reason": "event-type"}]
        return [{"index": n, "reason": reason} for n, reason in sorted(self.ignored.items())]


class Counters:
    """The results of all deliveries as metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._outcomes = metrics.counter("desk_messages", "Inbound messages by outcome.", "outcome")
        self._adjusted = metrics.counter(
            "desk_webhook_adjusted", "Fields that were cut, replaced or left out.", "field"
        )
        self._ignored = metrics.counter(
            "desk_webhook_ignored", "Items that made no inquiry.", "reason"
        )
        self._kinds = metrics.counter(
            "desk_channel_ignored", "Items that made no inquiry, by kind.", "channel", "kind"
        )

    def count(self, channel: str, result: Result) -> None:
        for outcome, items in result.counts().items():
            if items:
                self._outcomes.labels(outcome).inc(items)
        for each in result.adjusted.values():
            for adjustment in each:
                self._adjusted.labels(adjustment.field).inc()
        for reason in result.ignored.values():
            self._ignored.labels(reason).inc()
        if result.of_another_type:
            self._ignored.labels("event-type").inc(result.of_another_type)
        for kind, items in result.ignored_by_kind().items():
            self._kinds.labels(channel, kind).inc(items)
