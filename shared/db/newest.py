"""The newest rows of something that may be endless: as many as an answer can hold.

A conversation of years has thousands of messages of up to 100,000 characters each; read whole, each
look at it would cost the memory of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, select, tuple_

from shared.bounds import MOST_SHOWN
from shared.db.among import among
from shared.db.database import Read

MOST_CHARACTERS = 1_000_000
"""Characters on a page, unless its one row alone has more."""

Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Endless:
    """What is cut into pages: a table, its order (`at`, then `id`), and a row's length."""

    table: FromClause
    at: ColumnElement[datetime]
    id: ColumnElement[UUID]
    characters: ColumnElement[int]


@dataclass(frozen=True, slots=True)
class Newest:
    """`rows` are columns by name, newest first; `earlier` is the place before which others are."""

    rows: list[dict[str, Any]]
    earlier: Place | None


def newest(
    tx: Read,
    endless: Endless,
    where: ColumnElement[bool],
    *,
    before: Place | None = None,
    limit: int = MOST_SHOWN,
) -> Newest:
    """The newest rows that fulfil `where`, or the newest of those before that place."""
    places = _places(tx, endless, where, before=before, limit=limit + 1)
    fitting = min(limit, _fitting([length for _, _, length in places]))
    shown = [identifier for _, identifier, _ in places[:fitting]]
    rows = tx.rows(
        select(endless.table)
        .where(where, among(tx, endless.id, shown))
        .order_by(endless.at.desc(), endless.id.desc())
    )
    last = places[fitting - 1][:2] if len(places) > fitting else None
    return Newest(rows, last)


def _places(
    tx: Read,
    endless: Endless,
    where: ColumnElement[bool],
    *,
    before: Place | None,
    limit: int,
) -> Sequence[tuple[datetime, UUID, int]]:
    """Where the rows stand, and how long each is; only what may be shown is measured."""
    at, identifier = endless.at, endless.id
    wanted = select(at.label("at"), identifier.label("id")).where(where)
    if before is not None:
        wanted = wanted.where(tuple_(at, identifier) < before)
    chosen = wanted.order_by(at.desc(), identifier.desc()).limit(limit).subquery("chosen")
    measured = (
        select(chosen.c.at, chosen.c.id, endless.characters.label("characters"))
        .join_from(chosen, endless.table, identifier == chosen.c.id)
        .where(where)
        .order_by(chosen.c.at.desc(), chosen.c.id.desc())
    )
    return [(row.at, row.id, row.characters or 0) for row in tx.execute(measured)]


def _fitting(lengths: Sequence[int]) -> int:
    """How many of the first have no more characters together than a page may hold; at least one."""
    total = 0
    for number, length in enumerate(lengths):
        total += length
        if total > MOST_CHARACTERS:
            return max(number, 1)
    return len(lengths)
