"""What becomes of a version: added, promoted, chosen by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.router.deciding.model.file import BadModelError, from_bytes
from services.router.learning.store import models, progress
from services.router.learning.store.models import State, TaughtBy
from shared.db import Read, Write

LEXICON = 0
"""The version that is none: the lexicon alone decides."""


class VersionError(ValueError):
    """It cannot be done with this version; says why to a person."""


class TurnLostError(Exception):
    """Another instance trains by now."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the training process found. `data` is None when there were too few labels."""

    data: bytes | None
    promoted: bool
    why: str
    metrics: Mapping[str, Any]
    taught_by: TaughtBy = TaughtBy.LABELS
    base: int | None = None
    """The version that was the current one when it was compared."""


def begin_training(
    tx: Write, holder: UUID, *, now: datetime, until: datetime, not_since: datetime | None
) -> bool:
    """Whether it is this one's turn; not when somebody has trained after `not_since`, unless by a
    clock that was ahead.
    """
    if not progress.take(tx, holder, now=now, until=until):
        return False
    trained_at = progress.progress(tx).trained_at
    latest = now + progress.AHEAD
    if not_since is not None and trained_at is not None and not_since < trained_at <= latest:
        progress.release(tx, holder)
        return False
    return True


def finish_training(
    tx: Write, result: Result, *, holder: UUID, now: datetime, by_hand: bool
) -> int | None:
    """Keep what was trained, once; the number of the version, None where there is none.

    It becomes the current one when it was promoted, unless a version stands that somebody chose
    since, or the one that it was compared with is the current one no more; what was taught by the
    lexicon never does. Training by hand ends a choice of before, not one that was made meanwhile.
    Raises TurnLostError.
    """
    if not progress.is_held(tx, holder):
        raise TurnLostError
    as_before = models.current(tx) == result.base
    if by_hand and as_before:
        progress.note_choice(tx, at=None)
    progress.note_training(tx, now=now)
    progress.release(tx, holder)
    if result.data is None:
        return None
    free = as_before and progress.progress(tx).chosen_at is None
    promoted = result.promoted and free and result.taught_by is TaughtBy.LABELS
    return models.add(
        tx,
        result.data,
        state=State.CURRENT if promoted else State.CANDIDATE,
        taught_by=result.taught_by,
        metrics={**result.metrics, "why": result.why, "promoted": promoted},
        now=now,
    )


def go_back(tx: Write, version: int | None, *, now: datetime) -> int:
    """Make that version the current one, or without one the last that was before it; `LEXICON`: no
    version. Nothing is promoted any more until somebody trains by hand.

    Raises VersionError.
    """
    progress.locked(tx)
    known = models.versions(tx, limit=1000)
    chosen = _before(known) if version is None else version
    progress.note_choice(tx, at=now)
    if chosen == LEXICON:
        models.retire_current(tx)
        return LEXICON
    found = next((each for each in known if each.version == chosen), None)
    if found is None:
        raise VersionError(f"there is no version {chosen}")
    _check(tx, found)
    models.make_current(tx, chosen)
    return chosen


def bring_in(tx: Write, data: bytes, *, version: int | None = None, now: datetime) -> int:
    """A file from elsewhere as a candidate: it watches until somebody chooses it.

    `version` is the number that it had in a database that was lost. Raises VersionError for what is
    no model, and for a number that is not above all others.
    """
    _readable(data)
    progress.locked(tx)
    latest = max((each.version for each in models.versions(tx, limit=1)), default=0)
    if version is not None and version <= latest:
        raise VersionError(f"there is a version {latest} already; a later number is free")
    return models.add(
        tx,
        data,
        number=version or latest + 1,
        state=State.CANDIDATE,
        taught_by=TaughtBy.IMPORT,
        metrics={},
        now=now,
    )


def exported(tx: Read, version: int | None) -> tuple[int, bytes]:
    """The current one, or that one. Raises VersionError."""
    wanted = models.current(tx) if version is None else version
    data = None if wanted is None else models.data_of(tx, wanted)
    if wanted is None or data is None:
        what = "no current version" if wanted is None else f"no version {wanted} to export"
        raise VersionError(f"there is {what}")
    return wanted, data


def _before(known: list[models.StoredVersion]) -> int:
    current = next((each.version for each in known if each.state is State.CURRENT), None)
    if current is None:
        raise VersionError("no version is the current one; name the one to go back to")
    earlier = [
        each.version
        for each in known
        if each.version < current and each.kept and each.metrics.get("promoted")
    ]
    return max(earlier, default=LEXICON)


def _check(tx: Read, found: models.StoredVersion) -> None:
    data = models.data_of(tx, found.version)
    if data is None:
        raise VersionError(f"of version {found.version} the figures alone stay")
    _readable(data)


def _readable(data: bytes) -> None:
    try:
        from_bytes(data)
    except BadModelError as bad:
        raise VersionError(f"it is no model for this program: {bad}") from bad
