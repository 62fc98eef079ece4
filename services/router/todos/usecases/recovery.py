"""What people had done with ToDos of which the router has lost its rows, from the facts on the bus.

A router whose database is empty, or older than what it has published, has its ToDos again from
intake's facts. What people did with them only its own facts say. They are taken in their order, and
only as far as nothing later is known of the ToDo; what is known changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select

from services.router.similar.usecases import index
from services.router.tables import history
from services.router.todos.domain.ends import End, EndKind
from services.router.todos.domain.todo import DismissReason, TodoState, TodoStatus
from services.router.todos.domain.verdict import APPEALABLE, Verdict
from services.router.todos.store import verdicts
from services.router.todos.store.verdicts import GivenVerdict
from services.router.todos.store.work import (
    ROUTER,
    Note,
    What,
    WorkTodo,
    lock_of_inquiries,
    note,
    save,
)
from services.router.todos.usecases.settle import Ends
from shared.db import Read, Write
from shared.db.among import among
from shared.events.todos import (
    TodoClaimed,
    TodoCompleted,
    TodoDismissed,
    TodoFact,
    TodoReleased,
    TodoReopened,
    TodoRerouted,
)
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.runtime.ids import new_id

_WORK = (
    What.CLAIMED,
    What.ASSIGNED,
    What.RELEASED,
    What.REROUTED,
    What.VERDICT,
    What.APPEALED,
    What.REOPENED,
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """Which ToDos changed, and which inquiries have none here."""

    todos: frozenset[UUID]
    unknown: frozenset[UUID]


def recover(tx: Write, published: Sequence[Envelope], *, now: datetime) -> Recovered:
    """Take facts of the router's own again, in the order in which it had published them.

    What others heard anew of these ToDos (their first desk, and that nobody has them) is put right
    by facts with the moments of before.
    """
    facts = [(each, each.data) for each in published if isinstance(each.data, TodoFact)]
    todos = lock_of_inquiries(tx, sorted({fact.inquiry_id for _, fact in facts}))
    ends = Ends.read(tx, list(todos.values()))
    recovery = _Recovery(tx, ends, dict(todos), _latest_work(tx, [t.id for t in todos.values()]))
    for envelope, fact in facts:
        if fact.inquiry_id in todos:
            recovery.take(envelope.id, fact)
    changed = [todo for key, todo in recovery.todos.items() if todo != todos[key]]
    ends.write(tx)
    save(tx, changed)
    verdicts.clear_pending(tx, [todo.id for todo in changed if todo.ended])
    index.refresh(tx, [todo.inquiry_id for todo in changed])
    note(tx, recovery.lines)
    again = [
        fact for todo in changed for fact in recovery.again_to_publish(todos[todo.inquiry_id], todo)
    ]
    outbox.record(tx, [Envelope(new_id(), str(fact.conversation_id), now, fact) for fact in again])
    unknown = {fact.inquiry_id for _, fact in facts} - todos.keys()
    return Recovered(frozenset(todo.id for todo in changed), frozenset(unknown))


def _latest_work(tx: Read, todo_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When a person last did something with each of these."""
    h = history.c
    by_person = or_(h.who != ROUTER, h.key_name.is_not(None))
    query = (
        select(h.todo_id, func.max(h.at, type_=h.at.type))
        .where(among(tx, h.todo_id, todo_ids), h.what.in_(_WORK), by_person)
        .group_by(h.todo_id)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


class _Recovery:
    """The ToDos as they stand after each fact."""

    def __init__(
        self, tx: Write, ends: Ends, todos: dict[UUID, WorkTodo], worked_at: dict[UUID, datetime]
    ) -> None:
        self.todos = todos
        self.lines: list[Note] = []
        self._tx = tx
        self._ends = ends
        self._worked_at = worked_at
        self._claims: dict[UUID, TodoClaimed] = {}
        self._moves: dict[UUID, TodoRerouted] = {}

    def take(self, event_id: UUID, fact: TodoFact) -> None:
        match fact:
            case TodoClaimed():
                self._claim(fact)
            case TodoReleased():
                self._work(fact, fact.released_at, fact.released_by, What.RELEASED, _released)
            case TodoRerouted() if fact.rerouted_by != ROUTER or fact.key_name is not None:
                self._reroute(fact)
            case TodoCompleted(answer_id=None):
                self._end(
                    fact,
                    End(
                        event_id,
                        EndKind.COMPLETED,
                        fact.completed_at,
                        fact.completed_by,
                        key_name=fact.key_name,
                    ),
                )
            case TodoDismissed():
                self._end(
                    fact,
                    End(
                        event_id,
                        EndKind.DISMISSED,
                        fact.dismissed_at,
                        fact.dismissed_by,
                        DismissReason(fact.reason),
                        key_name=fact.key_name,
                    ),
                )
            case TodoReopened():
                self._reopen(fact)
            case _:
                pass  # by the router itself: it follows from what intake tells

    def again_to_publish(self, before: WorkTodo, after: WorkTodo) -> Iterable[TodoFact]:
        """Those facts that others need to show how the ToDo stands."""
        move, claim = self._moves.get(after.inquiry_id), self._claims.get(after.inquiry_id)
        if after.status.desk != before.status.desk and move is not None:
            yield move.model_copy(
                update={"from_desk": before.status.desk, "desk": after.status.desk}
            )
        if after.status.state is TodoState.CLAIMED and claim is not None:
            yield claim

    def _work(
        self,
        fact: TodoFact,
        at: datetime,
        who: str,
        what: What,
        change: Callable[[WorkTodo, TodoFact], WorkTodo],
        why: str | None = None,
    ) -> bool:
        """Whether nothing later, and not this, was known of the ToDo."""
        todo = self.todos[fact.inquiry_id]
        known_until = self._worked_at.get(todo.id)
        if known_until is not None and known_until >= at:
            return False
        self._worked_at[todo.id] = at
        self.todos[fact.inquiry_id] = change(todo, fact)
        key_name = getattr(fact, "key_name", None)
        self.lines.append(Note(todo.id, at, who, what, why, key_name))
        return True

    def _claim(self, fact: TodoClaimed) -> None:
        self._claims[fact.inquiry_id] = fact
        if fact.assigned_by is None:
            self._work(fact, fact.claimed_at, fact.assignee, What.CLAIMED, _claimed)
        else:
            why = f"to {fact.assignee}"
            self._work(fact, fact.claimed_at, fact.assigned_by, What.ASSIGNED, _claimed, why)

    def _reroute(self, fact: TodoRerouted) -> None:
        self._moves[fact.inquiry_id] = fact
        what = What.REROUTED if fact.verdict is None else What.VERDICT
        why = f"{fact.from_desk} to {fact.desk}: {fact.reason}"
        taken = self._work(fact, fact.rerouted_at, fact.rerouted_by, what, _rerouted, why)
        if taken and fact.verdict is not None:
            self._keep(fact, Verdict(fact.verdict), fact.desk, fact.rerouted_by, fact.rerouted_at)

    def _end(self, fact: TodoCompleted | TodoDismissed, end: End) -> None:
        todo = self.todos[fact.inquiry_id]
        if any((e.kind, e.at, e.by) == (end.kind, end.at, end.by) for e in self._ends.of(todo)):
            return
        self.todos[fact.inquiry_id] = self._ends.add(todo, end)
        verdict = fact.verdict if isinstance(fact, TodoDismissed) else None
        what = What(end.kind.value) if verdict is None else What.VERDICT
        why = None if end.reason is None else end.reason.value
        self.lines.append(Note(todo.id, end.at, end.by, what, why, end.key_name))
        if verdict is not None:
            self._keep(fact, Verdict(verdict), None, end.by, end.at)

    def _reopen(self, fact: TodoReopened) -> None:
        """It takes back what was decided until then, whatever was done since."""
        before, at = self.todos[fact.inquiry_id], fact.reopened_at
        if before.reopened_at is not None and before.reopened_at >= at:
            return
        what = What.APPEALED if fact.time_left else What.REOPENED
        if not self._work(fact, at, fact.reopened_by, what, self._reopened, fact.reason):
            after = self._ends.stands(replace(before, reopened_at=at))
            self.todos[fact.inquiry_id] = after
            self.lines.append(
                Note(before.id, at, fact.reopened_by, what, fact.reason, fact.key_name)
            )
        dismissal, dismissed_at = before.status.dismissal, before.ended_at
        if fact.time_left and dismissal in APPEALABLE and dismissal and dismissed_at is not None:
            verdicts.keep_appeal(
                self._tx,
                before.id,
                dismissed_for=dismissal,
                dismissed_at=dismissed_at,
                at=at,
                desk=fact.desk,
            )

    def _reopened(self, todo: WorkTodo, fact: TodoFact) -> WorkTodo:
        if not isinstance(fact, TodoReopened):
            return todo
        status = replace(todo.status, desk=fact.desk)
        return self._ends.stands(
            replace(todo, status=status, reopened_at=fact.reopened_at, claimed_through=None)
        )

    def _keep(
        self, fact: TodoFact, verdict: Verdict, desk: str | None, by: str, at: datetime
    ) -> None:
        verdicts.keep(self._tx, GivenVerdict(fact.inquiry_id, verdict, desk, by, at))


def _claimed(todo: WorkTodo, fact: TodoFact) -> WorkTodo:
    if not isinstance(fact, TodoClaimed) or todo.ended:
        return todo
    status = replace(todo.status, state=TodoState.CLAIMED, assignee=fact.assignee)
    return replace(todo, status=status, claimed_through=fact.key_name)


def _released(todo: WorkTodo, _fact: TodoFact) -> WorkTodo:
    return todo if todo.ended else _open_at(todo, todo.status.desk)


def _rerouted(todo: WorkTodo, fact: TodoFact) -> WorkTodo:
    if not isinstance(fact, TodoRerouted):
        return todo
    if todo.ended:
        return replace(todo, status=replace(todo.status, desk=fact.desk))
    return _open_at(todo, fact.desk)


def _open_at(todo: WorkTodo, desk: str) -> WorkTodo:
    return replace(todo, status=TodoStatus(desk), claimed_through=None)
