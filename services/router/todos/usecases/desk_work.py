"""What people do with a ToDo. Each verb locks it first: of two people at once one waits, then
meets what the other did.

Each raises NotFoundError for an unknown id, ChangedError when the ToDo is none of the versions that
whoever acts has read, and IllegalTransition for a move that is not allowed; those that take
`read_until` raise NewerMessageError or InvalidError, see `last_read`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.router.people.usecases import require_presence
from services.router.similar.usecases import index
from services.router.todos.domain import todo as moves
from services.router.todos.domain.ends import End, EndKind
from services.router.todos.domain.todo import Actor, DismissReason, Role, TodoState, TodoStatus
from services.router.todos.domain.verdict import PendingVerdict, Verdict
from services.router.todos.store.read import last_edit, last_read
from services.router.todos.store.verdicts import clear_pending, keep_pending, pending_of
from services.router.todos.store.work import Note, What, WorkTodo, lock, note, raise_version, save
from services.router.todos.usecases.retention import is_removed
from services.router.todos.usecases.settle import Ends
from shared.db import Write
from shared.errors import ChangedError, ConflictError, NotFoundError
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

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, at what time, through which key.

    Without a named person it is the assignee when this key claimed the ToDo for them, else the
    key's owner. A supervisor may act on what somebody else has claimed. `read` are the versions of
    which one must be the present one; None: any.
    """

    key: str
    now: datetime
    person: str | None = None
    supervisor: bool = False
    read: frozenset[int] | None = None

    def actor(self, todo: WorkTodo) -> Actor:
        role = Role.SUPERVISOR if self.supervisor else Role.AGENT
        if self.person is not None:
            return Actor(self.person, role)
        if todo.status.assignee is not None and todo.claimed_through == self.key:
            return Actor(todo.status.assignee, role)
        return Actor(self.key, role)

    def line(self, todo: WorkTodo, what: What, why: str | None = None, *, at: datetime) -> Note:
        who = self.actor(todo).id
        return Note(todo.id, at, who, what, why, self.key, as_supervisor=self.supervisor)


@dataclass(frozen=True, slots=True)
class Given:
    """The verdict that moves or dismisses the ToDo, and what the person said of it."""

    verdict: Verdict
    reason: str | None = None

    @property
    def why(self) -> str:
        return self.verdict.value if self.reason is None else f"{self.verdict}: {self.reason}"


def claim(tx: Write, *, todo_id: UUID, assignee: str, by: By) -> None:
    """Take it for `assignee`; taking again what that person has changes nothing."""
    todo = found(tx, todo_id, by)
    after = moves.claim(todo.status, Actor(assignee))
    if after == todo.status:
        return
    fact = TodoClaimed(
        **todo.ids, assignee=assignee, desk=after.desk, claimed_at=by.now, key_name=by.key
    )
    claimed = replace(todo, status=after, claimed_through=by.key)
    line = Note(todo.id, by.now, assignee, What.CLAIMED, key_name=by.key)
    _finish(tx, claimed, fact, line)


def assign(tx: Write, *, todo_id: UUID, assignee: str, by: By, reason: str | None = None) -> None:
    """Give it to `assignee`; giving again what that person has changes nothing.

    Raises AbsentError besides.
    """
    todo = found(tx, todo_id, by)
    actor = by.actor(todo)
    after = moves.assign(todo.status, actor, assignee=assignee)
    if after == todo.status:
        return
    require_presence(tx, assignee, by.now)
    fact = TodoClaimed(
        **todo.ids,
        assignee=assignee,
        desk=after.desk,
        claimed_at=by.now,
        key_name=by.key,
        assigned_by=actor.id,
    )
    why = f"to {assignee}" if reason is None else f"to {assignee}: {reason}"
    assigned = replace(todo, status=after, claimed_through=by.key)
    _finish(tx, assigned, fact, by.line(todo, What.ASSIGNED, why, at=by.now))


def release(tx: Write, *, todo_id: UUID, by: By, reason: str | None = None) -> None:
    todo = found(tx, todo_id, by)
    actor = by.actor(todo)
    fact = TodoReleased(**todo.ids, released_at=by.now, released_by=actor.id, key_name=by.key)
    after = _unclaimed(todo, moves.release(todo.status, actor))
    _finish(tx, after, fact, by.line(todo, What.RELEASED, reason, at=by.now))


def complete(tx: Write, *, todo_id: UUID, by: By, read_until: UUID | None = None) -> None:
    """Done by hand, as after a call: an answer, which intake is told of by the fact."""
    todo = found(tx, todo_id, by)
    actor = by.actor(todo)
    moves.complete(todo.status, actor)
    clear_pending(tx, [todo.id])
    covers, at = last_read(tx, todo.inquiry_id, read_until), _after_reopening(todo, by.now)
    fact = TodoCompleted(
        **todo.ids,
        completed_at=at,
        completed_by=actor.id,
        key_name=by.key,
        covers_until=covers,
        edits_until=last_edit(tx, todo.inquiry_id),
    )
    end = End(new_id(), EndKind.COMPLETED, at, actor.id, key_name=by.key)
    _end(tx, todo, end, fact, by.line(todo, What.COMPLETED, at=at))


def reroute(
    tx: Write,
    *,
    todo_id: UUID,
    desk: str,
    reason: str,
    by: By,
    read_until: UUID | None = None,
    given: Given | None = None,
) -> None:
    """Hand it to another desk, which the caller has found in the policy."""
    todo = found(tx, todo_id, by)
    actor = by.actor(todo)
    after = _unclaimed(todo, moves.reroute(todo.status, actor, desk=desk))
    last_read(tx, todo.inquiry_id, read_until)
    clear_pending(tx, [todo.id])
    fact = TodoRerouted(
        **todo.ids,
        from_desk=todo.status.desk,
        desk=desk,
        reason=reason,
        rerouted_at=by.now,
        rerouted_by=actor.id,
        key_name=by.key,
        verdict=None if given is None else given.verdict.value,
    )
    what = What.REROUTED if given is None else What.VERDICT
    where = f"{todo.status.desk} to {desk}: "
    why = f"{where}{reason}" if given is None else f"{where}{given.why}"
    _finish(tx, after, fact, by.line(todo, what, why, at=by.now))


def dismiss(
    tx: Write,
    *,
    todo_id: UUID,
    reason: DismissReason,
    by: By,
    netiquette_verdicts: int,
    read_until: UUID | None = None,
    given: Given | None = None,
) -> bool:
    """Whether it is dismissed: of a violation of the netiquette as many persons have to decide so
    as the policy wants, and the first of two only says it.
    """
    todo = found(tx, todo_id, by)
    actor = by.actor(todo)
    moves.dismiss(todo.status, actor, reason=reason)
    covers = last_read(tx, todo.inquiry_id, read_until)
    needs_two = reason is DismissReason.NETIQUETTE and netiquette_verdicts > 1
    if needs_two and not _second_agrees(tx, todo, actor, by):
        _await_second(tx, todo, actor, by)
        return False
    clear_pending(tx, [todo.id])
    at = _after_reopening(todo, by.now)
    fact = TodoDismissed(
        **todo.ids,
        reason=reason.value,
        dismissed_at=at,
        dismissed_by=actor.id,
        key_name=by.key,
        covers_until=covers,
        edits_until=last_edit(tx, todo.inquiry_id),
        verdict=None if given is None else given.verdict.value,
    )
    end = End(new_id(), EndKind.DISMISSED, at, actor.id, reason, key_name=by.key)
    what, why = (What.DISMISSED, reason.value) if given is None else (What.VERDICT, given.why)
    _end(tx, todo, end, fact, by.line(todo, what, why, at=at))
    return True


def reopen(
    tx: Write, *, todo_id: UUID, reason: str, by: By, appealed_to: str | None = None
) -> None:
    """Take back how it was completed, dismissed or closed: it is open for its desk.

    An answer that was recorded stands, and the ToDo then stays done by it. After an appeal it is
    open at that desk, and its clock goes on with the time that was left.
    """
    todo = found(tx, todo_id, by)
    if is_removed(tx, todo_id):
        raise ConflictError(
            "inquiry-removed", "its messages were removed at the age that the policy gives"
        )
    actor = by.actor(todo)
    ends = Ends.read(tx, [todo])
    decisions = ends.reopenable(todo)
    moves.check_reopen(
        todo.status, actor, decisions=len(decisions), merged=todo.merged_into is not None
    )
    # Later than all that it takes back, whatever the clocks of hosts say.
    at = max([by.now, *(end.at + _TICK for end in decisions)])
    after = ends.stands(replace(todo, reopened_at=at))
    if not after.ended:
        status = replace(todo.status, desk=appealed_to or todo.status.desk)
        open_again = replace(todo, status=status, reopened_at=at, claimed_through=None)
        after = ends.stands(open_again)
    ends.write(tx)
    fact = TodoReopened(
        **todo.ids,
        desk=after.status.desk,
        reason=reason,
        reopened_at=at,
        reopened_by=actor.id,
        key_name=by.key,
        time_left=None if appealed_to is None else True,
    )
    what = What.REOPENED if appealed_to is None else What.APPEALED
    _finish(tx, after, fact, by.line(todo, what, reason, at=at))
    index.refresh(tx, [todo.inquiry_id])


def unknown_todo(todo_id: UUID) -> NotFoundError:
    return NotFoundError("todo-not-found", f"there is no ToDo {todo_id}")


def found(tx: Write, todo_id: UUID, by: By) -> WorkTodo:
    """The ToDo, locked. Raises NotFoundError, and ChangedError when it is not what was read."""
    todo = lock(tx, todo_id)
    if todo is None:
        raise unknown_todo(todo_id)
    if by.read is not None and todo.version not in by.read:
        raise _changed(todo, by.read)
    return todo


def _changed(todo: WorkTodo, read: frozenset[int]) -> ChangedError:
    # A proxy that compresses may have made the tag a weak one: then reading again does not help.
    none = "If-Match names no version: send the ETag as it was given, without W/"
    return ChangedError(
        "todo-changed",
        "the ToDo has changed since it was read: read it again, then decide" if read else none,
        version=todo.version,
        stands={
            "state": todo.status.state.value,
            "desk": todo.status.desk,
            "assignee": todo.status.assignee,
        },
    )


def _unclaimed(todo: WorkTodo, status: TodoStatus) -> WorkTodo:
    through = todo.claimed_through if status.state is TodoState.CLAIMED else None
    return replace(todo, status=status, claimed_through=through)


def _after_reopening(todo: WorkTodo, now: datetime) -> datetime:
    """A decision after a reopening is dated after it: what is not is taken back by it."""
    return now if todo.reopened_at is None else max(now, todo.reopened_at + _TICK)


def _second_agrees(tx: Write, todo: WorkTodo, actor: Actor, by: By) -> bool:
    pending = pending_of(tx, todo.id)
    return pending is not None and pending.agreed_by(actor.id, by.key)


def _await_second(tx: Write, todo: WorkTodo, actor: Actor, by: By) -> None:
    """One person has decided: from here on the ToDo is open, for another one to agree. Deciding
    again takes it from nobody.
    """
    first = pending_of(tx, todo.id) is None
    if first:
        verdict = PendingVerdict(Verdict.NETIQUETTE, actor.id, by.now, by.key)
        keep_pending(tx, todo.id, verdict)
        raise_version(tx, todo.id)
        note(tx, [by.line(todo, What.VERDICT_PENDING, verdict.verdict.value, at=by.now)])
    if todo.status.state is TodoState.CLAIMED and (first or todo.status.assignee == actor.id):
        release(tx, todo_id=todo.id, by=replace(by, read=None))


def _end(tx: Write, todo: WorkTodo, end: End, fact: TodoFact, line: Note) -> None:
    """One more end of a ToDo that may have it; its ends say how it stands then."""
    ends = Ends.read(tx, [todo])
    after = ends.add(todo, end)
    ends.write(tx)
    _finish(tx, after, fact, line)
    index.refresh(tx, [todo.inquiry_id])


def _finish(tx: Write, todo: WorkTodo, fact: TodoFact, line: Note) -> None:
    save(tx, [todo])
    note(tx, [line])
    outbox.record(tx, [Envelope(new_id(), str(todo.conversation_id), line.at, fact)])
