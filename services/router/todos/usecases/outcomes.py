"""What intake publishes about an inquiry whose ToDo is there: added messages, replies, its close.

An inquiry without a ToDo is a NotFoundError. `inquiry.received` comes first on the same topic, so
its record must have failed; this one then waits beside it among the dead letters, and `replay`
brings both back in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from services.router.deciding.decide import Decider
from services.router.deciding.decision import Decision, Kind, Rule
from services.router.similar.usecases import index
from services.router.todos.domain.ends import UNCLASSIFIED, End, EndKind
from services.router.todos.domain.todo import TodoState
from services.router.todos.store.arrivals import insert_messages
from services.router.todos.store.ends import DISMISSAL_OF_CLOSE
from services.router.todos.store.verdicts import clear_pending
from services.router.todos.store.work import (
    ROUTER,
    Note,
    What,
    WorkTodo,
    lock_of_inquiries,
    note,
    save,
)
from services.router.todos.usecases.absences import hand_on_again
from services.router.todos.usecases.arrivals import begin_moves, decision_on, message_of, move_away
from services.router.todos.usecases.pending import clear_verdicts
from services.router.todos.usecases.retention import remove_late_words
from services.router.todos.usecases.settle import Ends
from shared.db import Write
from shared.errors import NotFoundError
from shared.events.inquiries import (
    InquiryAnswered,
    InquiryClosed,
    InquiryFact,
    InquiryHeld,
    MessageAdded,
    OwnPostSeen,
    ReplyWithdrawn,
)
from shared.events.todos import TodoCompleted
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.runtime.ids import new_id


def add_messages(
    tx: Write, arrived: Sequence[tuple[Envelope, MessageAdded]], *, decider: Decider, now: datetime
) -> None:
    """Show the message at its ToDo, which stays where it is; it leaves the ToDo that it was at.

    A suspected violation of the netiquette is noted for whoever works on it and moves nothing:
    the inquiry has a desk where a person reads it and can dismiss or reroute it. A message that
    comes after the end is noted too; it is intake that opens the next inquiry. One that moved here
    is where it belongs.
    """
    begin_moves(tx, arrived)
    facts = [fact for _, fact in arrived]
    todos = todos_of(tx, [fact.inquiry_id for fact in facts])
    move_away(tx, arrived, now=now)
    added = insert_messages(tx, [message_of(fact) for fact in facts])
    new = [fact for fact in facts if fact.message_id in added]
    if late := [fact.inquiry_id for fact in new if todos[fact.inquiry_id].ended]:
        remove_late_words(tx, late)
    note(tx, [line for fact in new for line in _notes(fact, todos[fact.inquiry_id], decider)])
    clear_verdicts(tx, [(todos[fact.inquiry_id].id, fact.received_at) for fact in new])
    refresh_ended(tx, todos, new)


def record_answers(
    tx: Write, arrived: Sequence[tuple[Envelope, InquiryAnswered]], *, now: datetime
) -> None:
    """The answer completes the ToDo, whoever has claimed it, unless another end came before it.

    An answer that arrives late and was given before a dismissal makes the ToDo done all the same.
    """
    todos = todos_of(tx, [fact.inquiry_id for _, fact in arrived])
    index.keep_texts(tx, arrived)
    ends = Ends.read(tx, list(todos.values()))
    changed: dict[UUID, WorkTodo] = {}
    completions: list[Envelope] = []
    lines: list[Note] = []
    for envelope, fact in arrived:
        before, end = todos[fact.inquiry_id], _answer(fact)
        if ends.has(before, end):
            continue
        after = ends.add(before, end)
        changed[before.id] = after
        if after.status.state is TodoState.DONE and before.status.state is not TodoState.DONE:
            lines.append(_end_line(before, end, What.COMPLETED, "answered"))
            completions.append(_completed(envelope, after, fact, now))
        else:
            lines.append(_end_line(before, end, What.ANSWERED, _unchanged(before)))
    _save(tx, ends, changed)
    index.refresh(tx, todos)
    note(tx, lines)
    outbox.record(tx, completions)


def record_withdrawals(tx: Write, facts: Sequence[ReplyWithdrawn], *, now: datetime) -> None:
    """A person said that a reply was none: the ToDo stands as if it had never been.

    Nothing is published: intake and sla act on `inquiry.reply_withdrawn` itself. Whoever had the
    ToDo has it again, unless absent by now.
    """
    reported = [(fact.inquiry_id, _withdrawal(fact)) for fact in facts]
    changed = _record(tx, reported, _withdrawn_line)
    hand_on_again(tx, [after for before, after in changed if before.ended], now=now)


def record_own_posts(tx: Write, facts: Sequence[OwnPostSeen]) -> None:
    """Somebody of ours wrote on the platform; the ToDo says so until a person says what it was."""
    reported = [(fact.inquiry_id, _own_post(fact)) for fact in facts]
    _record(tx, reported, lambda todo, end, _: _end_line(todo, end, What.OWN_POST_SEEN))


def record_holds(tx: Write, facts: Sequence[InquiryHeld]) -> None:
    """The customer was told to wait, and maybe until when."""
    reported = [(fact.inquiry_id, _hold(fact)) for fact in facts]
    _record(tx, reported, lambda todo, end, _: _end_line(todo, end, What.HELD, _until(end)))


def record_closes(tx: Write, arrived: Sequence[tuple[Envelope, InquiryClosed]]) -> None:
    """A person closed the inquiry without an answer, which dismisses the ToDo.

    No `todo.dismissed` is published: intake and sla act on `inquiry.closed` itself, and a second
    fact would say the same once more. An inquiry that turned out to be part of another gives its
    messages to that one, each with a fact of its own, and nothing brings it back.
    """
    merged = {fact.inquiry_id: fact.merged_into for _, fact in arrived if fact.merged_into}
    reasons = {envelope.id: fact.reason for envelope, fact in arrived}
    reported = [(fact.inquiry_id, _close(envelope, fact)) for envelope, fact in arrived]
    _record(
        tx,
        reported,
        lambda todo, end, _: _end_line(todo, end, What.CLOSED, reasons[end.key]),
        merged=merged,
    )


def _record(
    tx: Write,
    reported: Sequence[tuple[UUID, End]],
    line: Callable[[WorkTodo, End, WorkTodo], Note],
    *,
    merged: Mapping[UUID, UUID] = MappingProxyType({}),
) -> list[tuple[WorkTodo, WorkTodo]]:
    """Keep each end by its inquiry, with its line of the ToDo before and after; once. The ToDos
    that changed, before and after.
    """
    todos = todos_of(tx, [inquiry for inquiry, _ in reported])
    ends = Ends.read(tx, list(todos.values()))
    changed, lines = {}, []
    for inquiry, end in reported:
        todo = todos[inquiry]
        if ends.has(todo, end):
            continue
        into = merged.get(inquiry, todo.merged_into)
        changed[todo.id] = ends.add(replace(todo, merged_into=into), end)
        lines.append(line(todo, end, changed[todo.id]))
    _save(tx, ends, changed)
    index.refresh(tx, [todo.inquiry_id for todo in changed.values()])
    note(tx, lines)
    return [(todos[after.inquiry_id], after) for after in changed.values()]


def _save(tx: Write, ends: Ends, changed: Mapping[UUID, WorkTodo]) -> None:
    ends.write(tx)
    save(tx, list(changed.values()))
    clear_pending(tx, [todo.id for todo in changed.values() if todo.ended])


def todos_of(tx: Write, inquiries: Sequence[UUID]) -> dict[UUID, WorkTodo]:
    """The ToDos of these inquiries, locked. Raises NotFoundError when one has none."""
    todos = lock_of_inquiries(tx, inquiries)
    for inquiry in inquiries:
        if inquiry not in todos:
            raise NotFoundError("todo-not-found", f"the inquiry {inquiry} has no ToDo yet")
    return todos


def refresh_ended(
    tx: Write, todos: Mapping[UUID, WorkTodo], changed: Iterable[InquiryFact]
) -> None:
    """The words of these inquiries changed: of those that have ended the index follows."""
    index.refresh(tx, [each.inquiry_id for each in changed if todos[each.inquiry_id].ended])


def _notes(fact: MessageAdded, todo: WorkTodo, decider: Decider) -> Iterable[Note]:
    if todo.ended and fact.moved_from is None:
        yield Note(todo.id, fact.received_at, ROUTER, What.MESSAGE_AFTER_END)
    yield from suspicion(todo, decision_on(fact, decider), at=fact.received_at)


def suspicion(todo: WorkTodo, decision: Decision, *, at: datetime) -> Iterable[Note]:
    """For whoever works on the ToDo, when the message may violate the netiquette."""
    if decision.kind is Kind.NETIQUETTE:
        terms = [why.term for why in decision.reasons if why.rule is Rule.NETIQUETTE_TERM]
        what = ", ".join(dict.fromkeys(terms))
        yield Note(todo.id, at, ROUTER, What.NETIQUETTE_SUSPECTED, what)


def _answer(fact: InquiryAnswered) -> End:
    return End(
        fact.message_id,
        EndKind.ANSWERED,
        fact.answered_at,
        fact.answered_by,
        revision=fact.revision,
        key_name=fact.key_name,
    )


def _hold(fact: InquiryHeld) -> End:
    return End(
        fact.message_id,
        EndKind.HELD,
        fact.held_at,
        fact.held_by,
        follow_up_at=fact.follow_up_at,
        revision=fact.revision,
        key_name=fact.key_name,
    )


def _withdrawal(fact: ReplyWithdrawn) -> End:
    return End(
        fact.message_id,
        EndKind.WITHDRAWN,
        fact.withdrawn_at,
        fact.withdrawn_by,
        revision=fact.revision,
        key_name=fact.key_name,
    )


def _own_post(fact: OwnPostSeen) -> End:
    return End(
        fact.message_id,
        EndKind.OWN_POST,
        fact.posted_at,
        fact.posted_by,
        revision=UNCLASSIFIED,
    )


def _close(envelope: Envelope, fact: InquiryClosed) -> End:
    return End(
        envelope.id,
        EndKind.CLOSED,
        fact.closed_at,
        fact.closed_by,
        DISMISSAL_OF_CLOSE[fact.reason],
        final=fact.merged_into is not None,
        key_name=fact.key_name,
    )


def _until(hold: End) -> str | None:
    return None if hold.follow_up_at is None else hold.follow_up_at.isoformat()


def _withdrawn_line(before: WorkTodo, end: End, after: WorkTodo) -> Note:
    again = before.ended and not after.ended
    why = f"{after.status.state.value} again" if again else None
    return _end_line(before, end, What.REPLY_WITHDRAWN, why)


def _end_line(todo: WorkTodo, end: End, what: What, why: str | None = None) -> Note:
    return Note(todo.id, end.at, end.by, what, why, end.key_name)


def _unchanged(todo: WorkTodo) -> str | None:
    return f"the ToDo stays {todo.status.state.value}" if todo.ended else None


def _completed(cause: Envelope, todo: WorkTodo, fact: InquiryAnswered, now: datetime) -> Envelope:
    data = TodoCompleted(
        **todo.ids,
        completed_at=fact.answered_at,
        completed_by=fact.answered_by,
        key_name=fact.key_name,
        answer_id=fact.message_id,
    )
    return Envelope(new_id(), cause.key, now, data, cause.traceparent)
