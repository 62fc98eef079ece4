"""The ends of ToDos, as they are kept: one row for each reply, decision or close."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from services.router.domain.ends import End, EndKind
from services.router.domain.todo import DismissReason
from services.router.tables import ends
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows

_NEWER = """
ON CONFLICT (todo_id, key) DO UPDATE SET
  kind = excluded.kind, at = excluded.at, by = excluded.by, reason = excluded.reason,
  follow_up_at = excluded.follow_up_at, revision = excluded.revision, final = excluded.final
WHERE todo_ends.revision < excluded.revision
"""


def ends_of(tx: Read, todo_ids: Sequence[UUID]) -> Mapping[UUID, list[End]]:
    """The ends of these ToDos, whether they stand or not."""
    found: dict[UUID, list[End]] = defaultdict(list)
    rows = tx.execute(select(ends).where(among(tx, ends.c.todo_id, todo_ids)).order_by(ends.c.at))
    for row in rows:
        found[row.todo_id].append(
            End(
                row.key,
                EndKind(row.kind),
                row.at,
                row.by,
                row.reason and DismissReason(row.reason),
                row.follow_up_at,
                row.revision,
                row.final,
            )
        )
    return found


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
                "reason": None if end.reason is None else end.reason.value,
                "follow_up_at": end.follow_up_at,
                "revision": end.revision,
                "final": end.final,
            }
            for todo_id, end in added
        ],
        on_conflict=_NEWER,
    )
