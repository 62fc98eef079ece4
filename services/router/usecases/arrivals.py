"""A new inquiry becomes a ToDo; what the customer adds before the answer joins it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from services.router.domain.classify import Decision
from services.router.store.arrivals import NewMessage, NewTodo, insert_todos, remove_messages
from services.router.store.work import ROUTER, Note, What, note
from services.router.usecases.decide import Decider
from shared import outbox
from shared.db import Write
from shared.events.envelope import Envelope
from shared.events.facts import InquiryReceived, MessageAdded, TodoCreated
from shared.ids import new_id

Heard = tuple[Envelope, InquiryReceived]


def open_todos(
    tx: Write, heard: Sequence[Heard], *, decider: Decider, now: datetime
) -> Counter[str]:
    """One ToDo for each inquiry that has none; how many of which kind were decided."""
    decided = {fact.inquiry_id: (envelope, decision_on(fact, decider)) for envelope, fact in heard}
    todos = [_new_todo(fact, decided[fact.inquiry_id][1], now) for _, fact in heard]
    opened = insert_todos(tx, todos)
    move_away(tx, [fact for _, fact in heard], now=now)
    outbox.record(tx, [_created(decided[todo.inquiry_id][0], todo) for todo in opened])
    return Counter(todo.kind for todo in opened)


def move_away(tx: Write, facts: Sequence[InquiryReceived | MessageAdded], *, now: datetime) -> None:
    """Messages that an end did not cover leave the ToDo at which they were; a repeat does nothing.

    A ToDo that is not known here is passed over.
    """
    moved = {fact.message_id: fact.moved_from for fact in facts if fact.moved_from is not None}
    left = remove_messages(tx, moved)
    note(
        tx,
        [Note(todo_id, now, ROUTER, What.MESSAGE_MOVED, str(message)) for todo_id, message in left],
    )


def message_of(fact: InquiryReceived | MessageAdded) -> NewMessage:
    return NewMessage(fact.inquiry_id, fact.message_id, fact.received_at, fact.text, fact.subject)


def decision_on(fact: InquiryReceived | MessageAdded, decider: Decider) -> Decision:
    return decider.decide(
        fact.text,
        subject=fact.subject,
        channel=fact.channel,
        hashtags=[use.tag for use in fact.hashtags],
    )


def _new_todo(fact: InquiryReceived, decision: Decision, now: datetime) -> NewTodo:
    return NewTodo(
        id=new_id(),
        conversation_id=fact.conversation_id,
        channel=fact.channel,
        desk=decision.desk,
        kind=decision.kind.value,
        confidence=decision.confidence,
        reasons=[
            {"rule": why.rule, "word": why.word, "weight": why.weight, "term": why.term}
            for why in decision.reasons
        ],
        created_at=now,
        message=message_of(fact),
    )


def _created(heard: Envelope, todo: NewTodo) -> Envelope:
    fact = TodoCreated.model_validate(
        {
            "todo_id": todo.id,
            "inquiry_id": todo.inquiry_id,
            "conversation_id": todo.conversation_id,
            "desk": todo.desk,
            "kind": todo.kind,
            "confidence": todo.confidence,
            "reasons": todo.reasons,
            "created_at": todo.created_at,
        }
    )
    return Envelope(new_id(), heard.key, todo.created_at, fact, heard.traceparent)
