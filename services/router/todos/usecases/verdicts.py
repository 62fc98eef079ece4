"""What the review desk decides on an inquiry, which desk answers it or why nobody does; and that
the customer objects.

A verdict moves or dismisses the ToDo as these verbs do, and is kept beside it: it is the surest
thing there is to learn from. It is given at the review desk; elsewhere a supervisor may.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.router.deciding.decision import REVIEW_DESK
from services.router.todos.domain.verdict import APPEALABLE
from services.router.todos.store import verdicts
from services.router.todos.store.verdicts import GivenVerdict
from services.router.todos.usecases.desk_work import By, Given, dismiss, found, reopen, reroute
from shared.db import Write
from shared.errors import ConflictError
from shared.events.todos import TodoRerouted
from shared.messaging import outbox
from shared.messaging.envelope import Envelope
from shared.runtime.ids import new_id

UNEXPLAINED = "a verdict of the review desk"


def give_verdict(
    tx: Write,
    *,
    todo_id: UUID,
    given: Given,
    desk: str,
    by: By,
    netiquette_verdicts: int,
    read_until: UUID | None = None,
) -> None:
    """`desk` is where the inquiry goes if somebody answers it.

    Raises as `reroute` and `dismiss` do, and ConflictError for a ToDo that is at another desk.
    """
    todo = found(tx, todo_id, by)
    if todo.status.desk != REVIEW_DESK and not by.supervisor:
        raise ConflictError(
            "todo-not-at-review",
            f"the ToDo is at the desk {todo.status.desk}: there only a supervisor gives a verdict "
            "(as_supervisor)",
        )
    who, dismissal = by.actor(todo).id, given.verdict.dismissal
    if dismissal is None:
        reason = given.reason or UNEXPLAINED
        reroute(
            tx,
            todo_id=todo_id,
            desk=desk,
            reason=reason,
            by=by,
            read_until=read_until,
            given=given,
        )
    elif not dismiss(
        tx,
        todo_id=todo_id,
        reason=dismissal,
        by=by,
        netiquette_verdicts=netiquette_verdicts,
        read_until=read_until,
        given=given,
    ):
        return
    where = None if dismissal is not None else desk
    verdicts.keep(tx, GivenVerdict(todo.inquiry_id, given.verdict, where, who, by.now))


def appeal(tx: Write, *, todo_id: UUID, reason: str, desk: str, by: By) -> None:
    """The customer objects to the dismissal: the ToDo is open again, at that desk, and its clock
    goes on with what was left when it was dismissed.

    Raises as `reopen` does, and ConflictError for another end.
    """
    todo = found(tx, todo_id, by)
    dismissal, dismissed_at = todo.status.dismissal, todo.ended_at
    if todo.ended and (dismissal not in APPEALABLE or dismissed_at is None):
        raise ConflictError(
            "todo-not-appealable",
            "it was not dismissed as netiquette or spam: reopen it instead",
        )
    reopen(tx, todo_id=todo_id, reason=reason, by=by, appealed_to=desk)
    after = found(tx, todo_id, replace(by, read=None))
    if dismissal is None or dismissed_at is None or after.reopened_at is None:
        raise ValueError(f"the ToDo {todo_id} was reopened, though it had not been dismissed")
    at = after.reopened_at
    verdicts.keep_appeal(
        tx, todo_id, dismissed_for=dismissal, dismissed_at=dismissed_at, at=at, desk=desk
    )
    if after.status.desk == todo.status.desk:
        return
    moved = TodoRerouted(
        **todo.ids,
        from_desk=todo.status.desk,
        desk=after.status.desk,
        reason=reason,
        rerouted_at=at,
        rerouted_by=by.actor(todo).id,
        key_name=by.key,
    )
    outbox.record(tx, [Envelope(new_id(), str(todo.conversation_id), at, moved)])
