"""The facts that the router listens to, and the verb for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import Counter

from services.router.deadlines import usecases
from services.router.deciding.decide import Decider
from services.router.todos.usecases import arrivals, edits, outcomes
from shared.db import Write
from shared.events.catalogue import DEADLINES, INQUIRIES
from shared.events.deadlines import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineFact,
    DeadlineMet,
    DeadlineMoved,
    DeadlineStarted,
    DeadlineWarning,
)
from shared.events.inquiries import (
    InquiryAnswered,
    InquiryClosed,
    InquiryHeld,
    InquiryReceived,
    MessageAdded,
    MessageEdited,
    MessageWithdrawn,
    OwnPostSeen,
    ReplyWithdrawn,
)
from shared.messaging.consumer import Handler, Listener
from shared.messaging.envelope import Envelope, Fact
from shared.runtime.clock import Clock

GROUP = "router"

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class EventHandlers:
    decider: Decider
    clock: Clock
    decisions: Counter
    """By kind. A transaction that is run again counts again."""

    def listener(self) -> Listener:
        return Listener(GROUP, (INQUIRIES, DEADLINES), self._handlers())

    def _handlers(self) -> Mapping[str, Handler]:
        return {
            InquiryReceived.TYPE: self.received,
            MessageAdded.TYPE: self.message_added,
            MessageEdited.TYPE: self.message_edited,
            MessageWithdrawn.TYPE: self.message_withdrawn,
            InquiryAnswered.TYPE: self.answered,
            InquiryHeld.TYPE: self.held,
            InquiryClosed.TYPE: self.closed,
            ReplyWithdrawn.TYPE: self.withdrawn,
            OwnPostSeen.TYPE: self.own_post,
            DeadlineStarted.TYPE: self.deadline,
            DeadlineMoved.TYPE: self.deadline,
            DeadlineWarning.TYPE: self.deadline,
            DeadlineBreached.TYPE: self.deadline,
            DeadlineMet.TYPE: self.deadline,
            DeadlineCancelled.TYPE: self.deadline,
        }

    def received(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        pairs = _pairs(InquiryReceived, envelopes)
        kinds = arrivals.open_todos(tx, pairs, decider=self.decider, now=self.clock.now())
        for kind, count in kinds.items():
            self.decisions.labels(kind).inc(count)

    def message_added(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        pairs = _pairs(MessageAdded, envelopes)
        outcomes.add_messages(tx, pairs, decider=self.decider, now=self.clock.now())

    def message_edited(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        pairs = _pairs(MessageEdited, envelopes)
        edits.show_edits(tx, pairs, decider=self.decider, now=self.clock.now())

    def message_withdrawn(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        edits.show_withdrawals(tx, _data(MessageWithdrawn, envelopes))

    def answered(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        pairs = _pairs(InquiryAnswered, envelopes)
        outcomes.record_answers(tx, pairs, now=self.clock.now())

    def held(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        outcomes.record_holds(tx, _data(InquiryHeld, envelopes))

    def closed(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        outcomes.record_closes(tx, _pairs(InquiryClosed, envelopes))

    def withdrawn(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        facts = _data(ReplyWithdrawn, envelopes)
        outcomes.record_withdrawals(tx, facts, now=self.clock.now())

    def own_post(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        outcomes.record_own_posts(tx, _data(OwnPostSeen, envelopes))

    def deadline(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        usecases.take_over_deadlines(tx, _pairs(DeadlineFact, envelopes))


def _pairs(kind: type[F], envelopes: Sequence[Envelope]) -> list[tuple[Envelope, F]]:
    """Raises TypeError for a fact of another type: its handler was registered wrongly."""
    pairs = []
    for each in envelopes:
        if not isinstance(each.data, kind):
            raise TypeError(f"{each.data.TYPE} came where {kind.__name__} was expected")
        pairs.append((each, each.data))
    return pairs


def _data(kind: type[F], envelopes: Sequence[Envelope]) -> list[F]:
    return [fact for _, fact in _pairs(kind, envelopes)]
