"""The ends of ToDos, as they are kept: one row for each reply, decision or close."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import Row, func, or_, select

from services.router.tables import ends, history, todos
from services.router.todos.domain.ends import End, EndKind
from services.router.todos.domain.todo import DismissReason
from services.router.todos.store.work import What
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows

# A withdrawn inquiry needs no answer; the history keeps the word that intake used.
DISMISSAL_OF_CLOSE: Mapping[str, DismissReason] = {
    "no_answer_needed": DismissReason.NO_ANSWER_NEEDED,
    "withdrawn": DismissReason.NO_ANSWER_NEEDED,
    "spam": DismissReason.SPAM,
    "duplicate": DismissReason.DUPLICATE,
}
_NEWER = """
ON CONFLICT (todo_id, key) DO UPDATE SET
  kind = excluded.kind, at = excluded.at, by = excluded.by, key_name = excluded.key_name,
  reason = excluded.reason, follow_up_at = excluded.follow_up_at, revision = excluded.revision,
  final = excluded.final
WHERE todo_ends.revision < excluded.revision
"""
_RECORDED_ENDS = (What.COMPLETED, What.ANSWERED, What.DISMISSED, What.CLOSED, What.HELD)
_NAMELESS_VERSION = 5
_ANSWERS = (EndKind.ANSWERED.value, EndKind.COMPLETED.value)


def nameless_key(todo_id: UUID, line: object) -> UUID:
    """The key of an end of before each had a row: which reply it was nobody wrote down."""
    return uuid5(todo_id, str(line))


def is_nameless(end: End) -> bool:
    return end.key.version == _NAMELESS_VERSION


def ends_of(tx: Read, todo_ids: Sequence[UUID]) -> Mapping[UUID, list[End]]:
    """The ends of these ToDos, whether they stand or not."""
    found: dict[UUID, list[End]] = defaultdict(list)
    rows = tx.execute(select(ends).where(among(tx, ends.c.todo_id, todo_ids)).order_by(ends.c.at))
    for row in rows:
        reason = None if row.reason is None else DismissReason(row.reason)
        kind = EndKind(row.kind)
        end = End(row.key, kind, row.at, row.by, reason, row.follow_up_at, row.revision, row.final)
        found[row.todo_id].append(replace(end, key_name=row.key_name))
    return found


def first_answers(tx: Read, conversations: Sequence[UUID]) -> Mapping[UUID, datetime]:
    """When somebody in each of these conversations was first answered, by an answer that stands."""
    e, t = ends.c, todos.c
    stands = or_(t.reopened_at.is_(None), e.at > t.reopened_at, e.kind == EndKind.ANSWERED.value)
    query = (
        select(t.conversation_id, func.min(e.at).label("at"))
        .join_from(todos, ends, e.todo_id == t.id)
        .where(among(tx, t.conversation_id, conversations), e.kind.in_(_ANSWERS), stands)
        .group_by(t.conversation_id)
    )
    return {row.conversation_id: row.at for row in tx.execute(query)}


def ends_in_histories(tx: Read, todo_ids: Sequence[UUID]) -> Mapping[UUID, list[End]]:
    """The ends in the histories of these ToDos, for those from before each had a row."""
    h = history.c
    is_end = h.what.in_([what.value for what in _RECORDED_ENDS])
    rows = tx.execute(select(history).where(among(tx, h.todo_id, todo_ids), is_end).order_by(h.id))
    found: dict[UUID, list[End]] = defaultdict(list)
    for row in rows:
        found[row.todo_id].append(_end_of(row))
    return found


def _end_of(line: Row[*tuple[object, ...]]) -> End:
    kind, reason, follow_up_at = EndKind(line.what), None, None
    if kind is EndKind.COMPLETED and line.why == "answered":
        kind = EndKind.ANSWERED
    elif kind is EndKind.DISMISSED:
        reason = DismissReason(line.why)
    elif kind is EndKind.CLOSED:
        reason = DISMISSAL_OF_CLOSE[line.why]
    elif kind is EndKind.HELD and line.why is not None:
        follow_up_at = datetime.fromisoformat(line.why)
    key = nameless_key(line.todo_id, line.id)
    end = End(key, kind, line.at, line.who, reason, follow_up_at)
    return replace(end, key_name=line.key_name)


def add_ends(tx: Write, added: Sequence[tuple[UUID, End]]) -> None:
    """Keep ends by ToDo; of one key the highest revision stays."""
    insert_rows(
        tx,
        ends,
        [
            {
                "todo_id": todo_id,
                "key": end.key,
                "kind": end.kind.value,
                "at": end.at,
                "by": end.by,
                "key_name": end.key_name,
                "reason": None if end.reason is None else end.reason.value,
                "follow_up_at": end.follow_up_at,
                "revision": end.revision,
                "final": end.final,
            }
            for todo_id, end in added
        ],
        on_conflict=_NEWER,
    )
