"""Versions of the model. One at most is the current one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select, update

from services.router.tables import models
from shared.db import Read, Write

KEPT = 20
"""Versions to which one can go back; of older ones only the figures stay."""


class State(StrEnum):
    """`candidate`: newer than the current one and not promoted; it only watches."""

    CANDIDATE = "candidate"
    CURRENT = "current"
    RETIRED = "retired"


class TaughtBy(StrEnum):
    LABELS = "labels"
    LEXICON = "lexicon"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """`kept`: whether its numbers are there, so that one can go back to it."""

    version: int
    created_at: datetime
    state: State
    taught_by: TaughtBy
    metrics: Mapping[str, Any]
    kept: bool


def versions(tx: Read, *, limit: int = 100) -> list[StoredVersion]:
    """The newest first."""
    c = models.c
    rows = tx.execute(
        select(
            c.version, c.created_at, c.state, c.taught_by, c.metrics, c.data.is_not(None).label("k")
        )
        .order_by(c.version.desc())
        .limit(limit)
    )
    return [
        StoredVersion(
            row.version, row.created_at, State(row.state), TaughtBy(row.taught_by), row.metrics,
            bool(row.k),
        )
        for row in rows
    ]  # fmt: skip


def current(tx: Read) -> int | None:
    found: int | None = tx.execute(
        select(models.c.version).where(models.c.state == State.CURRENT.value)
    ).scalar()
    return found


def watching(tx: Read) -> int | None:
    """The newest candidate, if it is newer than the current version."""
    c = models.c
    found: int | None = tx.execute(
        select(func.max(c.version)).where(c.state == State.CANDIDATE.value)
    ).scalar()
    return None if found is None or found < (current(tx) or 0) else found


def data_of(tx: Read, version: int) -> bytes | None:
    found: bytes | None = tx.execute(
        select(models.c.data).where(models.c.version == version)
    ).scalar()
    return found


def add(
    tx: Write,
    data: bytes,
    *,
    number: int | None = None,
    state: State,
    taught_by: TaughtBy,
    metrics: Mapping[str, Any],
    now: datetime,
) -> int:
    """The number of the new version, by default the next. The caller has locked `learning`."""
    if number is None:
        number = int(tx.execute(select(func.max(models.c.version))).scalar() or 0) + 1
    if state is State.CURRENT:
        retire_current(tx)
    values = {
        "version": number,
        "created_at": now,
        "state": state.value,
        "taught_by": taught_by.value,
        "metrics": dict(metrics),
        "data": data,
    }
    tx.execute(insert(models), [values])
    _forget_old(tx, number)
    return number


def make_current(tx: Write, version: int) -> None:
    retire_current(tx)
    c = models.c
    tx.execute(update(models).where(c.version == version).values(state=State.CURRENT.value))


def retire_current(tx: Write) -> None:
    c = models.c
    tx.execute(
        update(models).where(c.state == State.CURRENT.value).values(state=State.RETIRED.value)
    )


def _forget_old(tx: Write, newest: int) -> None:
    """The numbers of those that are too old, but never of the current one."""
    c = models.c
    old = update(models).where(
        c.version <= newest - KEPT, c.state != State.CURRENT.value, c.data.is_not(None)
    )
    tx.execute(old.values(data=None, state=State.RETIRED.value))
