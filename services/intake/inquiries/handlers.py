"""What intake learns from the router: who has an inquiry, and how its ToDo ended or began again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.intake.inquiries.store import queries
from services.intake.inquiries.store.loading import lock_all
from services.intake.inquiries.store.storing import WriteContext
from services.intake.inquiries.usecases import decisions
from shared.db import Write
from shared.events import Envelope, Fact
from shared.events.catalogue import TODOS
from shared.events.todos import (
    TodoClaimed,
    TodoCompleted,
    TodoCreated,
    TodoDismissed,
    TodoFact,
    TodoReleased,
    TodoReopened,
    TodoRerouted,
)
from shared.messaging.consumer import Listener
from shared.policy import KnownHashtags
from shared.runtime.clock import Clock

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class TodoEvents:
    known: KnownHashtags
    clock: Clock

    def listener(self) -> Listener:
        return Listener(
            group="intake",
            topics=(TODOS,),
            handlers={
                TodoCreated.TYPE: _created,
                TodoRerouted.TYPE: _rerouted,
                TodoClaimed.TYPE: _claimed,
                TodoReleased.TYPE: _released,
                TodoCompleted.TYPE: self.completed,
                TodoDismissed.TYPE: self.dismissed,
                TodoReopened.TYPE: self.reopened,
            },
            prepare=_lock,
        )

    def completed(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        for envelope, fact in _pairs(TodoCompleted, envelopes):
            # One comes with every answer that was recorded here, and says nothing new.
            if fact.answer_id is None:
                decisions.todo_ended(tx, fact, event_id=envelope.id, context=self._context())

    def dismissed(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        for envelope, fact in _pairs(TodoDismissed, envelopes):
            decisions.todo_ended(tx, fact, event_id=envelope.id, context=self._context())

    def reopened(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        for _, fact in _pairs(TodoReopened, envelopes):
            decisions.reopened(tx, fact, context=self._context())
            queries.set_desk(tx, [(fact.inquiry_id, fact.todo_id, fact.desk)])

    def _context(self) -> WriteContext:
        return WriteContext(self.known, self.clock.now())


def _lock(tx: Write, envelopes: Sequence[Envelope]) -> None:
    """Conversations before inquiries, and in one order, as whoever accepts messages and replies."""
    facts = [each.data for each in envelopes if isinstance(each.data, TodoFact)]
    lock_all(tx, sorted({fact.inquiry_id for fact in facts}))


def _created(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = [fact for _, fact in _pairs(TodoCreated, envelopes)]
    queries.set_desk(tx, [(f.inquiry_id, f.todo_id, f.desk) for f in facts])


def _rerouted(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = [fact for _, fact in _pairs(TodoRerouted, envelopes)]
    queries.set_desk(tx, [(f.inquiry_id, f.todo_id, f.desk) for f in facts])


def _claimed(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = [fact for _, fact in _pairs(TodoClaimed, envelopes)]
    queries.set_assignee(tx, [(f.inquiry_id, f.assignee, f.key_name) for f in facts])


def _released(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = [fact for _, fact in _pairs(TodoReleased, envelopes)]
    queries.set_assignee(tx, [(f.inquiry_id, None, None) for f in facts])


def _pairs(kind: type[F], envelopes: Sequence[Envelope]) -> list[tuple[Envelope, F]]:
    """Raises TypeError for a fact of another type: its handler was registered wrongly."""
    pairs = []
    for each in envelopes:
        if not isinstance(each.data, kind):
            raise TypeError(f"{each.data.TYPE} came where {kind.TYPE} was expected")
        pairs.append((each, each.data))
    return pairs
