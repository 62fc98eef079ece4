"""What the review desk decides on an inquiry: which desk answers it, or why nobody does.

A verdict moves or dismisses the ToDo as these verbs do, and is kept beside it: it is the surest
thing there is to learn from. It is given at the review desk; elsewhere a supervisor may.
"""

from __future__ import annotations

from uuid import UUID

from services.router.deciding.decision import REVIEW_DESK
from services.router.todos.store import verdicts
from services.router.todos.store.verdicts import GivenVerdict
from services.router.todos.usecases.desk_work import By, Given, dismiss, found, reroute
from shared.db import Write
from shared.errors import ConflictError

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
