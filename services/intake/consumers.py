"""What intake learns from the router: who has an inquiry, or that it gets no answer."""

from __future__ import annotations

from collections.abc import Sequence

from services.intake import store, usecases
from shared.consumer import Listener
from shared.db import Write
from shared.events import Envelope
from shared.events.facts import (
    TodoClaimed,
    TodoCompleted,
    TodoCreated,
    TodoDismissed,
    TodoReleased,
    TodoRerouted,
)
from shared.events.registry import TODOS


def listener() -> Listener:
    return Listener(
        group="intake",
        topics=(TODOS,),
        handlers={
            TodoCreated.TYPE: _created,
            TodoRerouted.TYPE: _rerouted,
            TodoClaimed.TYPE: _claimed,
            TodoReleased.TYPE: _released,
            TodoCompleted.TYPE: _completed,
            TodoDismissed.TYPE: _dismissed,
        },
    )


def _created(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = [e.data for e in envelopes if isinstance(e.data, TodoCreated)]
    store.set_desk(tx, [(f.inquiry_id, f.todo_id, f.desk) for f in facts])


def _rerouted(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = [e.data for e in envelopes if isinstance(e.data, TodoRerouted)]
    store.set_desk(tx, [(f.inquiry_id, f.todo_id, f.desk) for f in facts])


def _claimed(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = [e.data for e in envelopes if isinstance(e.data, TodoClaimed)]
    store.set_assignee(tx, [(f.inquiry_id, f.assignee) for f in facts])


def _released(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = [e.data for e in envelopes if isinstance(e.data, TodoReleased)]
    store.set_assignee(tx, [(f.inquiry_id, None) for f in facts])


def _completed(tx: Write, envelopes: Sequence[Envelope]) -> None:
    facts = {e.data.inquiry_id: e.data for e in envelopes if isinstance(e.data, TodoCompleted)}
    # One of these comes with every answer; only the few that were completed by hand change a thing.
    for inquiry_id in store.awaiting_answer(tx, list(facts)):
        usecases.completed(tx, inquiry_id=inquiry_id, at=facts[inquiry_id].completed_at)


def _dismissed(tx: Write, envelopes: Sequence[Envelope]) -> None:
    for envelope in envelopes:
        fact = envelope.data
        if isinstance(fact, TodoDismissed):
            usecases.no_answer(
                tx, inquiry_id=fact.inquiry_id, reason=fact.reason, at=fact.dismissed_at
            )
