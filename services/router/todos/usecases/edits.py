"""What a customer changed or took back: the ToDo shows it, and while nobody has it, may move.

An inquiry without a ToDo is a NotFoundError, see `outcomes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.router.deciding.decide import Decider
from services.router.deciding.decision import Decision
from services.router.todos.domain.todo import TodoState
from services.router.todos.store import edits
from services.router.todos.store.ends import first_answers
from services.router.todos.store.work import (
    ROUTER,
    Note,
    What,
    WorkTodo,
    note,
    raise_version,
    save,
)
from services.router.todos.usecases.arrivals import decided_columns, decision_on, is_before
from services.router.todos.usecases.outcomes import refresh_ended, suspicion, todos_of
from services.router.todos.usecases.pending import clear_verdicts
from shared.db import Write
from shared.events.inquiries import MessageEdited, MessageWithdrawn
from shared.events.todos import TodoRerouted
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.runtime.ids import new_id

EDITED = "the customer edited the message"


def show_edits(
    tx: Write, arrived: Sequence[tuple[Envelope, MessageEdited]], *, decider: Decider, now: datetime
) -> None:
    """The message reads as it does now.

    The first message decides on the desk again, to which the ToDo goes, as long as it is open and
    no person has claimed or moved it. Else a suspected violation of the netiquette is noted for
    whoever works on it, as with any later message.
    """
    todos = todos_of(tx, [fact.inquiry_id for _, fact in arrived])
    for envelope, fact in arrived:
        todo, content = todos[fact.inquiry_id], {"text": fact.text}
        if fact.subject is not None:
            content["subject"] = fact.subject
        at = fact.edited_at
        if not edits.rewrite(tx, fact.inquiry_id, fact.message_id, content, at=at):
            continue
        raise_version(tx, todo.id)
        note(tx, [Note(todo.id, at, ROUTER, What.MESSAGE_EDITED, str(fact.message_id))])
        clear_verdicts(tx, [(todo.id, at)])
        decision = decision_on(fact, decider, after_answer=_came_after_answer(tx, fact))
        if _may_move(tx, todo, fact):
            _decide_again(tx, todo, decision, envelope, now=now)
        else:
            note(tx, list(suspicion(todo, decision, at=at)))
    refresh_ended(tx, todos, [fact for _, fact in arrived])


def show_withdrawals(tx: Write, facts: Sequence[MessageWithdrawn]) -> None:
    """The message stays, and is shown as withdrawn; whether that ends anything, intake says."""
    todos = todos_of(tx, [fact.inquiry_id for fact in facts])
    for fact in facts:
        inquiry_id, message_id, at = fact.inquiry_id, fact.message_id, fact.withdrawn_at
        if edits.mark_withdrawn(tx, inquiry_id, message_id, at=at):
            todo = todos[inquiry_id]
            raise_version(tx, todo.id)
            note(tx, [Note(todo.id, at, ROUTER, What.MESSAGE_WITHDRAWN, str(message_id))])
            clear_verdicts(tx, [(todo.id, at)])
    refresh_ended(tx, todos, facts)


def _came_after_answer(tx: Write, fact: MessageEdited) -> bool:
    received_at = edits.received_at(tx, fact.inquiry_id, fact.message_id)
    answered_at = first_answers(tx, [fact.conversation_id]).get(fact.conversation_id)
    return received_at is not None and is_before(answered_at, received_at)


def _may_move(tx: Write, todo: WorkTodo, fact: MessageEdited) -> bool:
    if todo.status.state is not TodoState.OPEN or edits.in_hands(tx, todo.id):
        return False
    return edits.decides(tx, fact.inquiry_id, fact.message_id)


def _decide_again(
    tx: Write, todo: WorkTodo, decision: Decision, cause: Envelope, *, now: datetime
) -> None:
    edits.decide_again(tx, todo.id, decided_columns(decision))
    before, desk = todo.status.desk, decision.desk
    if desk == before:
        return
    save(tx, [replace(todo, status=replace(todo.status, desk=desk))])
    note(tx, [Note(todo.id, now, ROUTER, What.REROUTED, f"{before} to {desk}: {EDITED}")])
    fact = TodoRerouted(
        **todo.ids,
        from_desk=before,
        desk=desk,
        reason=EDITED,
        rerouted_at=now,
        rerouted_by=ROUTER,
    )
    outbox.record(tx, [Envelope(new_id(), cause.key, now, fact, cause.traceparent)])
