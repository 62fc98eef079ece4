"""What intake tells about an inquiry whose ToDo is there: added messages, replies, its close.

An inquiry without a ToDo is a NotFoundError. `inquiry.received` comes first on the same topic, so
its record must have failed; this one then waits beside it among the dead letters, and `replay`
brings both back in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.router.domain.classify import Kind, Rule
from services.router.domain.ends import End, EndKind
from services.router.domain.todo import DismissReason, TodoState
from services.router.store.arrivals import insert_messages, remove_all_messages
from services.router.store.work import ROUTER, Note, What, WorkTodo, lock_of_inquiries, note, save
from services.router.usecases.arrivals import decision_on, message_of, move_away
from services.router.usecases.decide import Decider
from services.router.usecases.settle import Ends
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
    OwnPostSeen,
    ReplyWithdrawn,
    TodoCompleted,
)
from shared.ids import new_id

# A withdrawn inquiry needs no answer; the history keeps the word that intake used.
_DISMISSAL: dict[CloseReason, DismissReason] = {
    "no_answer_needed": DismissReason.NO_ANSWER_NEEDED,
    "withdrawn": DismissReason.NO_ANSWER_NEEDED,
    "spam": DismissReason.SPAM,
    "duplicate": DismissReason.DUPLICATE,
}


def add_messages(
    tx: Write, facts: Sequence[MessageAdded], *, decider: Decider, now: datetime
) -> None:
    """Show the message at its ToDo, which stays where it is; it leaves the ToDo that it was at.

    A suspected violation of the netiquette is noted for whoever works on it and moves nothing:
    the inquiry has a desk where a person reads it and can dismiss or reroute it. A message that
    comes after the end is noted too; it is intake that opens the next inquiry.
    """
    todos = _todos(tx, [fact.inquiry_id for fact in facts])
    move_away(tx, facts, now=now)
    added = insert_messages(tx, [message_of(fact) for fact in facts])
    new = [fact for fact in facts if fact.message_id in added]
    note(tx, [line for fact in new for line in _notes(fact, todos[fact.inquiry_id], decider)])


def record_answers(
    tx: Write, heard: Sequence[tuple[Envelope, InquiryAnswered]], *, now: datetime
) -> None:
    """The answer completes the ToDo, whoever has claimed it, unless another end came before it.

    An answer that is heard late and came before a dismissal makes the ToDo done all the same.
    """
    todos = _todos(tx, [fact.inquiry_id for _, fact in heard])
    ends = Ends.read(tx, list(todos.values()))
    changed: dict[UUID, WorkTodo] = {}
    told: list[Envelope] = []
    lines: list[Note] = []
    for envelope, fact in heard:
        before = todos[fact.inquiry_id]
        after = ends.add(before, _answer(fact))
        todos[fact.inquiry_id] = changed[before.id] = after
        if after.status.state is TodoState.DONE and before.status.state is not TodoState.DONE:
            lines.append(_line(before, fact, What.COMPLETED, "answered"))
            told.append(_completed(envelope, after, fact, now))
        else:
            lines.append(_line(before, fact, What.ANSWERED, _beside(before)))
    _save(tx, ends, changed)
    note(tx, lines)
    outbox.record(tx, told)


def record_withdrawals(tx: Write, facts: Sequence[ReplyWithdrawn]) -> None:
    """A person said that a reply was none: the ToDo stands as if it had never been."""
    todos = _todos(tx, [fact.inquiry_id for fact in facts])
    ends = Ends.read(tx, list(todos.values()))
    changed = {}
    lines = []
    for fact in facts:
        todo = todos[fact.inquiry_id]
        end = End(
            fact.message_id,
            EndKind.WITHDRAWN,
            fact.withdrawn_at,
            fact.withdrawn_by,
            revision=fact.revision,
        )
        changed[todo.id] = ends.add(todo, end)
        lines.append(Note(todo.id, fact.withdrawn_at, fact.withdrawn_by, What.ANSWER_WITHDRAWN))
    _save(tx, ends, changed)
    note(tx, lines)


def record_own_posts(tx: Write, facts: Sequence[OwnPostSeen]) -> None:
    """Somebody of ours wrote on the platform; the ToDo says so, and a person what it was."""
    todos = _todos(tx, [fact.inquiry_id for fact in facts])
    save(tx, [_with_own_post(todos[fact.inquiry_id], fact) for fact in facts])
    note(
        tx,
        [
            Note(todos[fact.inquiry_id].id, fact.posted_at, fact.posted_by, What.OWN_POST_SEEN)
            for fact in facts
        ],
    )


def record_holds(tx: Write, facts: Sequence[InquiryHeld]) -> None:
    """The customer was told to wait, and maybe until when."""
    todos = _todos(tx, [fact.inquiry_id for fact in facts])
    ends = Ends.read(tx, list(todos.values()))
    changed = {}
    lines = []
    for fact in facts:
        todo = todos[fact.inquiry_id]
        end = End(
            fact.message_id,
            EndKind.HELD,
            fact.held_at,
            fact.held_by,
            follow_up_at=fact.follow_up_at,
            revision=fact.revision,
        )
        changed[todo.id] = ends.add(todo, end)
        lines.append(Note(todo.id, fact.held_at, fact.held_by, What.HELD, _until(fact)))
    _save(tx, ends, changed)
    note(tx, lines)


def _until(fact: InquiryHeld) -> str | None:
    return None if fact.follow_up_at is None else fact.follow_up_at.isoformat()


def record_closes(tx: Write, heard: Sequence[tuple[Envelope, InquiryClosed]]) -> None:
    """A person closed the inquiry without an answer, which dismisses the ToDo.

    No `todo.dismissed` is told: intake and sla act on `inquiry.closed` itself, and a second fact
    would tell them the same once more. An inquiry that turned out to be part of another has given
    its messages to that one, and nothing brings it back.
    """
    todos = _todos(tx, [fact.inquiry_id for _, fact in heard])
    ends = Ends.read(tx, list(todos.values()))
    changed = {}
    lines = []
    for envelope, fact in heard:
        todo = todos[fact.inquiry_id]
        if fact.merged_into is not None:
            todo = replace(todo, merged_into=fact.merged_into)
            remove_all_messages(tx, fact.inquiry_id)
        end = End(
            envelope.id,
            EndKind.CLOSED,
            fact.closed_at,
            fact.closed_by,
            _DISMISSAL[fact.reason],
            final=fact.merged_into is not None,
        )
        changed[todo.id] = ends.add(todo, end)
        lines.append(Note(todo.id, fact.closed_at, fact.closed_by, What.CLOSED, fact.reason))
    _save(tx, ends, changed)
    note(tx, lines)


def _save(tx: Write, ends: Ends, changed: Mapping[UUID, WorkTodo]) -> None:
    ends.write(tx)
    save(tx, list(changed.values()))


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


def _answer(fact: InquiryAnswered) -> End:
    return End(
        fact.message_id,
        EndKind.ANSWERED,
        fact.answered_at,
        fact.answered_by,
        revision=fact.revision,
    )


def _line(todo: WorkTodo, fact: InquiryAnswered, what: What, why: str | None) -> Note:
    return Note(todo.id, fact.answered_at, fact.answered_by, what, why)


def _beside(todo: WorkTodo) -> str | None:
    return f"beside its end: it is {todo.status.state.value}" if todo.ended else None


def _completed(heard: Envelope, todo: WorkTodo, fact: InquiryAnswered, now: datetime) -> Envelope:
    data = TodoCompleted(
        todo_id=todo.id,
        inquiry_id=todo.inquiry_id,
        conversation_id=todo.conversation_id,
        completed_at=fact.answered_at,
        completed_by=fact.answered_by,
        answer_id=fact.message_id,
    )
    return Envelope(new_id(), heard.key, now, data, heard.traceparent)


def _with_own_post(todo: WorkTodo, fact: OwnPostSeen) -> WorkTodo:
    at = fact.posted_at
    return replace(todo, own_post_at=max(at, todo.own_post_at or at))
