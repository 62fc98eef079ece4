"""Who else hears of a fact about a ToDo: a delivery for each target, stored with the fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from services.router.notifications.store import Standing, standings
from shared.db import Write
from shared.db.database import Follower
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
from shared.messaging.envelope import Envelope
from shared.notifications import store
from shared.notifications.domain import Subscription
from shared.notifications.store import Delivery
from shared.notifications.usecases import body_of, deliveries_to, utc
from shared.text.references import reference_of


def follower(subscriptions: Sequence[Subscription]) -> Follower:
    """Stores what has to go out for the facts of a transaction, after the ToDos are as they say."""
    kinds = frozenset(kind for each in subscriptions for kind in each.kinds)

    def follow(tx: Write, envelopes: Sequence[Envelope]) -> None:
        wanted = [
            (envelope, envelope.data)
            for envelope in envelopes
            if isinstance(envelope.data, TodoFact) and envelope.data.TYPE in kinds
        ]
        if wanted:
            known = standings(tx, [fact.todo_id for _, fact in wanted])
            made = [
                delivery
                for envelope, fact in wanted
                for delivery in _deliveries(envelope, fact, known[fact.todo_id], subscriptions)
            ]
            store.add(tx, made)

    return follow


def _deliveries(
    envelope: Envelope, fact: TodoFact, todo: Standing, subscriptions: Sequence[Subscription]
) -> Iterator[Delivery]:
    concerned = {todo.desk, *_desks(fact)}
    targets = [each.name for each in subscriptions if each.wants(fact.TYPE, *concerned)]
    if targets:
        at, more = _of(fact)
        body = body_of(fact.TYPE, at, {**_about(envelope.id, fact, todo), **more})
        yield from deliveries_to(
            targets, envelope, kind=fact.TYPE, inquiry_id=fact.inquiry_id, body=body
        )


def _desks(fact: TodoFact) -> tuple[str, ...]:
    """Who loses the ToDo hears of it, too."""
    return (fact.from_desk, fact.desk) if isinstance(fact, TodoRerouted) else ()


def _about(event_id: UUID, fact: TodoFact, todo: Standing) -> dict[str, object]:
    """Ids, moments, names of the policy and of people at the desks. Not the words that decided, nor
    the reason of whoever moved it: both may repeat what a customer wrote.
    """
    return {
        "event_id": str(event_id),
        "todo_id": str(fact.todo_id),
        "inquiry_id": str(fact.inquiry_id),
        "reference": reference_of(fact.inquiry_id),
        "conversation_id": str(fact.conversation_id),
        "channel": todo.channel,
        "desk": todo.desk,
        "kind": todo.kind,
        "state": todo.state,
        "assignee": todo.assignee,
        "due_at": None if todo.due_at is None else utc(todo.due_at),
    }


def _of(fact: TodoFact) -> tuple[datetime, dict[str, object]]:
    """When it became true, and what only a fact of its type says."""
    at: datetime
    more: dict[str, object]
    match fact:
        case TodoCreated():
            at, more = fact.created_at, {}
        case TodoClaimed():
            at, more = fact.claimed_at, {"by": fact.assigned_by or fact.assignee}
        case TodoReleased():
            at, more = fact.released_at, {"by": fact.released_by}
        case TodoRerouted():
            at, more = fact.rerouted_at, {"from_desk": fact.from_desk, "by": fact.rerouted_by}
        case TodoCompleted():
            at, more = fact.completed_at, {"by": fact.completed_by}
        case TodoDismissed():
            at, more = fact.dismissed_at, {"reason": fact.reason, "by": fact.dismissed_by}
        case TodoReopened():
            at, more = fact.reopened_at, {"by": fact.reopened_by}
        case _:
            raise TypeError(f"nobody is notified of {fact.TYPE}")
    if isinstance(fact, TodoRerouted | TodoDismissed) and fact.verdict is not None:
        more["verdict"] = fact.verdict
    if isinstance(fact, TodoReopened) and fact.time_left is not None:
        more["time_left"] = fact.time_left
    return at, more
