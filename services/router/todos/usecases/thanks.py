"""Thanks after an answer, where the policy says in advance that they need none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from services.router.deciding.decision import Kind
from services.router.todos.domain.ends import End, EndKind
from services.router.todos.domain.todo import POLICY, DismissReason, dismiss
from services.router.todos.store.arrivals import NewTodo
from services.router.todos.store.work import Note, What, WorkTodo, lock_of_inquiries, note, save
from services.router.todos.usecases.settle import Ends
from shared.db import Write
from shared.events.todos import TodoDismissed
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.runtime.ids import new_id

FRESH = timedelta(days=1)
_REASON = DismissReason.NO_ANSWER_NEEDED


def dismiss_thanks(
    tx: Write, opened: Sequence[NewTodo], *, above: float | None, now: datetime
) -> None:
    """Dismiss those that need no answer with at least this certainty; None: a person decides.

    Intake and sla hear of it as of any dismissal. What was recorded long ago is replayed: what the
    policy or a person had decided then, the router's own facts say.
    """
    if above is None:
        return
    fresh = [todo for todo in opened if now - todo.created_at <= FRESH]
    sure = {todo.inquiry_id: todo for todo in fresh if _is_sure(todo, above)}
    if not sure:
        return
    todos = list(lock_of_inquiries(tx, list(sure)).values())
    ends = Ends.read(tx, todos)
    facts: list[Envelope] = []
    changed: list[WorkTodo] = []
    for todo in todos:
        dismiss(todo.status, POLICY, reason=_REASON)
        thanks = sure[todo.inquiry_id]
        # Dated as the ToDo, so that a router that lost its database says the same again.
        end = End(new_id(), EndKind.DISMISSED, thanks.created_at, POLICY.id, _REASON)
        changed.append(ends.add(todo, end))
        facts.append(_dismissed(todo, thanks, now))
    ends.write(tx)
    save(tx, changed)
    note(tx, list(_lines(sure.values())))
    outbox.record(tx, facts)


def _is_sure(todo: NewTodo, above: float) -> bool:
    decided = todo.decided
    return bool(decided["kind"] == Kind.NO_ANSWER_NEEDED and decided["confidence"] >= above)


def _lines(todos: Iterable[NewTodo]) -> Iterator[Note]:
    for todo in todos:
        yield Note(todo.id, todo.created_at, POLICY.id, What.DISMISSED, _REASON.value)


def _dismissed(todo: WorkTodo, opened: NewTodo, now: datetime) -> Envelope:
    fact = TodoDismissed(
        **todo.ids,
        reason=_REASON.value,
        dismissed_at=opened.created_at,
        dismissed_by=POLICY.id,
        covers_until=opened.message.message_id,
        edits_until=opened.message.received_at,
    )
    return Envelope(new_id(), str(todo.conversation_id), now, fact)
