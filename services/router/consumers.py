"""What the router hears, and the verb for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import Counter

from services.router.usecases import arrivals, deadlines, outcomes
from services.router.usecases.decide import Decider
from shared.clock import Clock
from shared.consumer import Handler, Listener
from shared.db import Write
from shared.events import facts
from shared.events.envelope import Envelope, Fact
from shared.events.registry import DEADLINES, INQUIRIES

GROUP = "router"

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Ear:
    decider: Decider
    clock: Clock
    decisions: Counter
    """By kind. A transaction that is run again counts again."""

    def listener(self) -> Listener:
        return Listener(GROUP, (INQUIRIES, DEADLINES), self._handlers())

    def _handlers(self) -> Mapping[str, Handler]:
        return {
            facts.InquiryReceived.TYPE: self.received,
            facts.MessageAdded.TYPE: self.message_added,
            facts.InquiryAnswered.TYPE: self.answered,
            facts.InquiryHeld.TYPE: self.held,
            facts.InquiryClosed.TYPE: self.closed,
            facts.DeadlineStarted.TYPE: self.deadline,
            facts.DeadlineMoved.TYPE: self.deadline,
            facts.DeadlineWarning.TYPE: self.deadline,
            facts.DeadlineBreached.TYPE: self.deadline,
            facts.DeadlineMet.TYPE: self.deadline,
            facts.DeadlineCancelled.TYPE: self.deadline,
        }

    def received(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        heard = _pairs(facts.InquiryReceived, envelopes)
        kinds = arrivals.open_todos(tx, heard, decider=self.decider, now=self.clock.now())
        for kind, count in kinds.items():
            self.decisions.labels(kind).inc(count)

    def message_added(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        outcomes.add_messages(tx, _data(facts.MessageAdded, envelopes), decider=self.decider)

    def answered(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        heard = _pairs(facts.InquiryAnswered, envelopes)
        outcomes.record_answers(tx, heard, now=self.clock.now())

    def held(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        outcomes.record_holds(tx, _data(facts.InquiryHeld, envelopes))

    def closed(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        outcomes.record_closes(tx, _data(facts.InquiryClosed, envelopes))

    def deadline(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        deadlines.learn_deadlines(tx, _pairs(facts.DeadlineFact, envelopes))


def _pairs(kind: type[F], envelopes: Sequence[Envelope]) -> list[tuple[Envelope, F]]:
    return [(each, each.data) for each in envelopes if isinstance(each.data, kind)]


def _data(kind: type[F], envelopes: Sequence[Envelope]) -> list[F]:
    return [each.data for each in envelopes if isinstance(each.data, kind)]
