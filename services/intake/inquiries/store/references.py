"""References where inquiries are kept: found by them, and unique by them.

An inquiry is opened under an id whose reference nobody has. Those that older programs have opened
keep their ids, so of these two may share a reference (docs/decisions/references.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from services.intake.tables import inquiries
from shared.db import Read, Write
from shared.db.among import among
from shared.runtime.ids import new_id
from shared.text.references import reference_of

AT_ONCE = 200
"""Inquiries that get their references in one transaction."""


def free_id(tx: Read, wanted: UUID | None = None) -> UUID:
    """An id for a new inquiry: the one that is wanted, if no other has its reference."""
    c = inquiries.c
    found = wanted or new_id()
    while tx.execute(select(c.id).where(c.reference == reference_of(found))).first() is not None:
        found = new_id()
    return found


def name_some(tx: Write, *, before: UUID | None) -> tuple[int, UUID | None]:
    """Write the references of some inquiries that have none, the newest first: of how many, and
    before which id the next begin (None: there are no more). What is locked waits for another run.
    """
    c = inquiries.c
    unnamed = select(c.id).where(c.reference.is_(None))
    if before is not None:
        unnamed = unnamed.where(c.id < before)
    page = unnamed.order_by(c.id.desc()).limit(AT_ONCE).with_for_update(skip_locked=True)
    ids = list(tx.execute(page).scalars())
    if not ids:
        return 0, None
    tx.execute(
        update(inquiries)
        .where(c.id == bindparam("inquiry"))
        .values(reference=bindparam("called"), reference_twin=bindparam("twin")),
        _named(tx, ids),
    )
    return len(ids), ids[-1]


def _named(tx: Read, ids: Sequence[UUID]) -> list[dict[str, object]]:
    c = inquiries.c
    references = {each: reference_of(each) for each in ids}
    taken = select(c.reference, func.count()).where(
        among(tx, c.reference, sorted(set(references.values())))
    )
    counts = Counter({row[0]: row[1] for row in tx.execute(taken.group_by(c.reference))})
    rows: list[dict[str, object]] = []
    for inquiry_id, reference in references.items():
        rows.append({"inquiry": inquiry_id, "called": reference, "twin": counts[reference]})
        counts[reference] += 1
    return rows
