"""A new inquiry becomes a ToDo; what the customer adds before the answer joins it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.router.deciding.decide import Decider
from services.router.deciding.decision import Decision, Inquiry
from services.router.similar.usecases import index
from services.router.todos.store.arrivals import (
    Move,
    NewMessage,
    NewTodo,
    ensure_deadlines,
    insert_todos,
    keep_moves,
    remove_moved,
)
from services.router.todos.store.ends import first_answers
from services.router.todos.store.work import ROUTER, Note, What, lock_of_inquiries, note
from services.router.todos.usecases.pending import clear_verdicts
from services.router.todos.usecases.thanks import dismiss_thanks
from shared.db import Write
from shared.events.inquiries import InboundMessage, InquiryReceived, MessageAdded, MessageEdited
from shared.events.todos import TodoCreated
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.runtime.ids import derived_id, new_id

Received = tuple[Envelope, InquiryReceived]
Arrived = tuple[Envelope, InboundMessage]


def open_todos(
    tx: Write, arrived: Sequence[Received], *, decider: Decider, now: datetime
) -> Counter[str]:
    """One ToDo for each inquiry that has none; how many of which kind were decided."""
    begin_moves(tx, arrived)
    answered = first_answers(tx, [fact.conversation_id for _, fact in arrived])
    decided = {}
    for envelope, fact in arrived:
        after_answer = is_before(answered.get(fact.conversation_id), fact.received_at)
        decision = decision_on(fact, decider, after_answer=after_answer)
        decided[fact.inquiry_id] = (envelope, decision)
    todos = [
        _new_todo(fact, decided[fact.inquiry_id][1], envelope.time) for envelope, fact in arrived
    ]
    opened = insert_todos(tx, todos)
    move_away(tx, arrived, now=now)
    outbox.record(tx, [_created(decided[todo.inquiry_id][0], todo, now) for todo in opened])
    dismiss_thanks(tx, opened, above=decider.dismiss_thanks_above, now=now)
    return Counter(str(todo.decided["kind"]) for todo in opened)


def begin_moves(tx: Write, arrived: Sequence[Arrived]) -> None:
    """Note where messages that moved are now, and lock what they leave and where they go.

    Of two transactions with the two ends of one move, one waits and then sees what the other did.
    The locks are taken before any other, always in the same order.
    """
    moves = [(envelope.time, fact) for envelope, fact in arrived if fact.moved_from is not None]
    if not moves:
        return
    whole = {fact.inquiry_id for _, fact in arrived} | _left([fact for _, fact in arrived])
    ensure_deadlines(tx, sorted(whole))
    lock_of_inquiries(tx, sorted(whole))
    for reported_at, fact in moves:
        came = Move(fact.inquiry_id, fact.message_id, reported_at, here=True)
        keep_moves(tx, [came, *(replace(came, inquiry_id=i, here=False) for i in _left([fact]))])


def move_away(tx: Write, arrived: Sequence[Arrived], *, now: datetime) -> None:
    """Messages that an end did not cover leave the ToDo at which they were; a repeat does nothing.

    A message that opens an inquiry of its own leaves whatever ToDo has it. A ToDo that is not known
    here is passed over.
    """
    facts = [fact for _, fact in arrived]
    opened = {fact.inquiry_id for fact in facts if isinstance(fact, InquiryReceived)}
    gone = remove_moved(tx, sorted(opened | _left(facts)))
    lines = [Note(todo, now, ROUTER, What.MESSAGE_MOVED, str(message)) for todo, message in gone]
    note(tx, lines)
    clear_verdicts(tx, [(todo, now) for todo, _ in gone])
    if gone:
        index.refresh(tx, opened | _left(facts))


def _left(facts: Iterable[InboundMessage]) -> set[UUID]:
    return {fact.moved_from for fact in facts if fact.moved_from is not None}


def message_of(fact: InquiryReceived | MessageAdded) -> NewMessage:
    return NewMessage(
        fact.inquiry_id, fact.message_id, fact.received_at, fact.text, fact.subject, fact.url
    )


def decision_on(
    fact: InquiryReceived | MessageAdded | MessageEdited,
    decider: Decider,
    *,
    after_answer: bool = False,
) -> Decision:
    tags = tuple(use.tag for use in fact.hashtags)
    return decider.decide(Inquiry(fact.text, fact.subject, fact.channel, tags, after_answer))


def is_before(answered_at: datetime | None, received_at: datetime) -> bool:
    """Whether a message came after an answer, by when both happened."""
    return answered_at is not None and answered_at < received_at


def decided_columns(decision: Decision) -> dict[str, Any]:
    """What the ToDo's row keeps of a decision, besides its desk."""
    return {
        "kind": decision.kind.value,
        "confidence": decision.confidence,
        "decided_by": decision.decided_by,
        "language": decision.language,
        "leaning": None if decision.leaning is None else decision.leaning.value,
        "reasons": _reasons(decision),
    }


def _reasons(decision: Decision) -> list[dict[str, Any]]:
    return [
        {
            "rule": why.rule,
            "word": why.word,
            "weight": why.weight,
            "term": why.term,
            "span": why.span,
        }
        for why in decision.reasons
    ]


def _new_todo(fact: InquiryReceived, decision: Decision, recorded_at: datetime) -> NewTodo:
    return NewTodo(
        # A router that lost its database has the same ToDos again, of the same moment.
        id=derived_id(fact.inquiry_id, "todo"),
        conversation_id=fact.conversation_id,
        channel=fact.channel,
        desk=decision.desk,
        decided=decided_columns(decision),
        created_at=recorded_at,
        message=message_of(fact),
    )


def _created(cause: Envelope, todo: NewTodo, now: datetime) -> Envelope:
    fact = TodoCreated.model_validate(
        {
            "todo_id": todo.id,
            "inquiry_id": todo.inquiry_id,
            "conversation_id": todo.conversation_id,
            "desk": todo.desk,
            **todo.decided,
            "created_at": todo.created_at,
        }
    )
    return Envelope(new_id(), cause.key, now, fact, cause.traceparent)
