"""That an answer was reused, and what that saves, as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.router.similar.store import uses
from services.router.similar.store.uses import Reuse, Used
from services.router.similar.usecases.lookup import unknown_todo
from shared.db import Read, Write
from shared.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from shared.web.moments import midnight

MOST_WEEKS = 54
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week, as much of it as lies in the span that was asked for, by desk."""

    monday: date
    desks: Sequence[Used]


def note_lookup(tx: Write, todo_id: UUID, *, shown: int, now: datetime) -> None:
    """That similar questions of this ToDo were looked up; the most that were shown counts."""
    uses.note_lookup(tx, todo_id, shown=shown, now=now)


def reuse(
    tx: Write, *, todo_id: UUID, inquiry_id: UUID, by: str, key_name: str, now: datetime
) -> Reuse:
    """Record once that the answer of that inquiry was reused for this ToDo.

    Raises NotFoundError (no such ToDo, or no such answer) and ConflictError (the ToDo's own answer,
    or it was dismissed).
    """
    todo = uses.lock_todo(tx, todo_id)
    if todo is None:
        raise unknown_todo(todo_id)
    if (known := uses.find_reuse(tx, todo_id, inquiry_id)) is not None:
        return known
    own_inquiry, state = todo
    if own_inquiry == inquiry_id:
        raise ConflictError("reuse-of-itself", "this is the ToDo's own inquiry: name another one")
    if state == "dismissed":
        raise ConflictError("todo-dismissed", "the ToDo was dismissed: it gets no answer")
    if not uses.is_answered(tx, inquiry_id):
        raise NotFoundError(
            "answer-not-found",
            f"there is no answer of the inquiry {inquiry_id} that could be reused: it was not "
            "answered, was taken back, or its words were removed",
        )
    recorded = Reuse(todo_id, inquiry_id, now, by, key_name)
    uses.add_reuse(tx, recorded)
    return recorded


def report(tx: Read, *, start: datetime, end: datetime, zone: ZoneInfo) -> list[Week]:
    """Week by week, of the ToDos that were received in it. Raises InvalidError for a longer span
    than MOST_WEEKS.
    """
    weeks = list(_weeks(start, end, zone))
    if len(weeks) > MOST_WEEKS:
        raise InvalidError(
            "wrong-span",
            f"from and to are more than {MOST_WEEKS} weeks apart",
            FieldProblem("to", "is too far from `from`", f"at most {MOST_WEEKS} weeks later"),
        )
    return [Week(monday, uses.used(tx, start=a, end=b)) for monday, a, b in weeks]


def _weeks(
    start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[date, datetime, datetime]]:
    day = start.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    count = 0
    while midnight(zone, monday) < end and count <= MOST_WEEKS:
        first, last = midnight(zone, monday), midnight(zone, monday + _WEEK)
        yield monday, max(first, start), min(last, end)
        monday, count = monday + _WEEK, count + 1
