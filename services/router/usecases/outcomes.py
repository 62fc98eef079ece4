"""What intake tells about an inquiry whose ToDo is there: added messages, replies, its close.

An inquiry without a ToDo is a NotFoundError. `inquiry.received` comes first on the same topic, so
its record must have failed; this one then waits beside it among the dead letters, and `replay`
brings both back in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.router.domain import todo as moves
from services.router.domain.classify import Kind, Rule
from services.router.domain.todo import Actor, DismissReason, IllegalTransition, Role
from services.router.store.arrivals import insert_messages
from services.router.store.work import Note, What, WorkTodo, lock_of_inquiries, note, save
from services.router.usecases.arrivals import decision_on, message_of
from services.router.usecases.decide import Decider
from shared import outbox
from shared.db import Write
from shared.errors import NotFoundError
from shared.events.envelope import Envelope
from shared.events.facts import (
    CloseReason,
    InquiryAnswered,
    InquiryClosed,
    InquiryHeld,
    MessageAdded,
    TodoCompleted,
)
from shared.ids import new_id

ROUTER = "router"

# A withdrawn inquiry needs no answer; the history keeps the word that intake used.
_DISMISSAL: dict[CloseReason, DismissReason] = {
    "no_answer_needed": DismissReason.NO_ANSWER_NEEDED,
    "withdrawn": DismissReason.NO_ANSWER_NEEDED,
    "spam": DismissReason.SPAM,
    "duplicate": DismissReason.DUPLICATE,
}


def add_messages(tx: Write, facts: Sequence[MessageAdded], *, decider: Decider) -> None:
    """Show the message at its ToDo, which stays where it is.

    A suspected violation of the netiquette is noted for whoever works on it and moves nothing:
    the inquiry has a desk where a person reads it and can dismiss or reroute it. A message that
    comes after the end is noted too; it is intake that opens the next inquiry.
    """
    todos = _todos(tx, [fact.inquiry_id for fact in facts])
    added = insert_messages(tx, [message_of(fact) for fact in facts])
    new = [fact for fact in facts if fact.message_id in added]
    note(tx, [line for fact in new for line in _notes(fact, todos[fact.inquiry_id], decider)])


def record_answers(
    tx: Write, heard: Sequence[tuple[Envelope, InquiryAnswered]], *, now: datetime
) -> None:
    """The answer completes the ToDo, whoever has claimed it.

    A dismissed ToDo stays dismissed and one that is done stays done; the answer is noted.
    """
    todos = _todos(tx, [fact.inquiry_id for _, fact in heard])
    completed: list[WorkTodo] = []
    told: list[Envelope] = []
    lines: list[Note] = []
    for envelope, fact in heard:
        todo = todos[fact.inquiry_id]
        after = _answered(todo, fact)
        if after is None:
            why = f"after it was {todo.status.state.value}"
            lines.append(Note(todo.id, fact.answered_at, fact.answered_by, What.ANSWERED, why))
            continue
        completed.append(after)
        lines.append(Note(todo.id, fact.answered_at, fact.answered_by, What.COMPLETED, "answered"))
        told.append(_completed(envelope, todo, fact, now))
    save(tx, completed)
    note(tx, lines)
    outbox.record(tx, told)


def record_holds(tx: Write, facts: Sequence[InquiryHeld]) -> None:
    """The customer was told to wait, and maybe until when; an ended ToDo only notes it."""
    todos = _todos(tx, [fact.inquiry_id for fact in facts])
    open_ = [(todos[fact.inquiry_id], fact) for fact in facts]
    save(
        tx,
        [replace(todo, follow_up_at=fact.follow_up_at) for todo, fact in open_ if not todo.ended],
    )
    note(
        tx,
        [
            Note(todo.id, fact.held_at, fact.held_by, What.HELD, _until(fact))
            for todo, fact in open_
        ],
    )


def _until(fact: InquiryHeld) -> str | None:
    return None if fact.follow_up_at is None else fact.follow_up_at.isoformat()


def record_closes(tx: Write, facts: Sequence[InquiryClosed]) -> None:
    """A person closed the inquiry without an answer, which dismisses the ToDo.

    No `todo.dismissed` is told: intake and sla act on `inquiry.closed` itself, and a second fact
    would tell them the same once more. What has ended stays as it is; the close is noted.
    """
    todos = _todos(tx, [fact.inquiry_id for fact in facts])
    closing = [(todos[fact.inquiry_id], fact) for fact in facts]
    save(tx, [_closed(todo, fact) for todo, fact in closing if not todo.ended])
    note(
        tx,
        [
            Note(todo.id, fact.closed_at, fact.closed_by, What.CLOSED, fact.reason)
            for todo, fact in closing
        ],
    )


def _todos(tx: Write, inquiries: Sequence[UUID]) -> dict[UUID, WorkTodo]:
    todos = lock_of_inquiries(tx, inquiries)
    for inquiry in inquiries:
        if inquiry not in todos:
            raise NotFoundError("todo-not-found", f"the inquiry {inquiry} has no ToDo yet")
    return todos


def _notes(fact: MessageAdded, todo: WorkTodo, decider: Decider) -> Iterable[Note]:
    if todo.ended:
        yield Note(todo.id, fact.received_at, ROUTER, What.MESSAGE_AFTER_END)
    decision = decision_on(fact, decider)
    if decision.kind is Kind.NETIQUETTE:
        terms = [why.term for why in decision.reasons if why.rule is Rule.NETIQUETTE_TERM]
        yield Note(todo.id, fact.received_at, ROUTER, What.NETIQUETTE_SUSPECTED, ", ".join(terms))


def _answered(todo: WorkTodo, fact: InquiryAnswered) -> WorkTodo | None:
    """None when the answer changes nothing."""
    try:
        after = moves.complete_by_answer(todo.status)
    except IllegalTransition:
        return None
    if after == todo.status:
        return None
    return replace(todo, status=after, ended_at=fact.answered_at, ended_by=fact.answered_by)


def _completed(heard: Envelope, todo: WorkTodo, fact: InquiryAnswered, now: datetime) -> Envelope:
    data = TodoCompleted(
        todo_id=todo.id,
        inquiry_id=todo.inquiry_id,
        conversation_id=todo.conversation_id,
        completed_at=fact.answered_at,
        completed_by=fact.answered_by,
    )
    return Envelope(new_id(), heard.key, now, data, heard.traceparent)


def _closed(todo: WorkTodo, fact: InquiryClosed) -> WorkTodo:
    # The inquiry is closed already, so nobody's claim can stand against it.
    actor = Actor(fact.closed_by, Role.SUPERVISOR)
    status = moves.dismiss(todo.status, actor, reason=_DISMISSAL[fact.reason])
    return replace(todo, status=status, ended_at=fact.closed_at, ended_by=fact.closed_by)
