"""The one row of learning: how far the history is read, and who trains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import or_, select, update

from services.router.tables import learning
from shared.db import Read, Write
from shared.db.upsert import insert_into

AHEAD = timedelta(days=1)
"""What is dated more than that after now was dated by a clock that was wrong."""
_ROW = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """`settled_line`, `marked_line`, `read_line`: see the table. `chosen_at`: since when a version
    stands that somebody chose.
    """

    settled_line: int = 0
    marked_line: int = 0
    marked_at: datetime | None = None
    read_line: int = 0
    trained_at: datetime | None = None
    chosen_at: datetime | None = None


def locked(tx: Write) -> Progress:
    """As it is, and nobody else's until the transaction ends."""
    begin = insert_into(tx, learning).values(id=_ROW, settled_line=0, marked_line=0, read_line=0)
    tx.execute(begin.on_conflict_do_nothing())
    tx.execute(select(learning.c.id).where(learning.c.id == _ROW).with_for_update())
    return progress(tx)


def progress(tx: Read) -> Progress:
    c = learning.c
    row = tx.row(
        select(
            c.settled_line, c.marked_line, c.marked_at, c.read_line, c.trained_at, c.chosen_at
        ).where(c.id == _ROW)
    )
    return Progress() if row is None else Progress(**row)


def save_lines(tx: Write, new: Progress) -> None:
    _set(
        tx,
        settled_line=new.settled_line,
        marked_line=new.marked_line,
        marked_at=new.marked_at,
        read_line=new.read_line,
    )


def take(tx: Write, holder: UUID, *, now: datetime, until: datetime) -> bool:
    """Whether nobody else trains: it is the holder's turn until then.

    A turn that ends later than any may was taken by a clock that was ahead.
    """
    locked(tx)
    c = learning.c
    over = or_(c.leased_until <= now, c.leased_until > now + AHEAD)
    free = or_(c.holder.is_(None), c.holder == holder, over)
    taken = update(learning).where(c.id == _ROW, free).values(holder=holder, leased_until=until)
    return tx.execute(taken).rowcount == 1


def is_held(tx: Write, holder: UUID) -> bool:
    """Whether it is still this one's turn; nobody else can take it until the transaction ends."""
    locked(tx)
    held = select(learning.c.id).where(learning.c.id == _ROW, learning.c.holder == holder)
    return tx.execute(held).one_or_none() is not None


def release(tx: Write, holder: UUID) -> None:
    ours = learning.c.holder == holder
    tx.execute(update(learning).where(ours).values(holder=None, leased_until=None))


def put_off(tx: Write, holder: UUID, *, until: datetime) -> None:
    """Nobody trains before, not even who had the turn."""
    ours = learning.c.holder == holder
    tx.execute(update(learning).where(ours).values(holder=uuid4(), leased_until=until))


def note_training(tx: Write, *, now: datetime) -> None:
    _set(tx, trained_at=now)


def note_choice(tx: Write, *, at: datetime | None) -> None:
    """A version was chosen by hand; None: what is trained may be promoted again."""
    locked(tx)
    _set(tx, chosen_at=at)


def _set(tx: Write, **values: object) -> None:
    tx.execute(update(learning).where(learning.c.id == _ROW).values(**values))
