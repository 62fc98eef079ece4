"""Who is absent: said by whoever leads a desk, or by the person."""

from __future__ import annotations

from datetime import UTC, datetime

from services.router.people import store
from services.router.people.store import Absence
from shared.db import Read, Write
from shared.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from shared.runtime.ids import new_id


class AbsentError(ConflictError):
    """Nothing can be assigned to this person now."""

    def __init__(self, absence: Absence) -> None:
        until = absence.ends_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        instead = "" if absence.substitute is None else f"; {absence.substitute} takes over"
        super().__init__("assignee-absent", f"{absence.person} is absent until {until}{instead}")
        self.members = {"until": until, "substitute": absence.substitute}


def require_presence(tx: Read, person: str, now: datetime) -> None:
    """Raises AbsentError for who is absent at that moment."""
    absence = store.present(tx, person, now)
    if absence is not None:
        raise AbsentError(absence)


def set_absence(
    tx: Write,
    *,
    person: str,
    begins_at: datetime,
    ends_at: datetime,
    substitute: str | None,
    set_by: str,
    key_name: str,
    now: datetime,
) -> Absence:
    """The person's one absence, in place of the one before. What was handed on stays so: an absence
    that goes on hands on nothing a second time.

    Raises InvalidError for a span that is over, or ends before it begins, and for a substitute who
    is the person.
    """
    if ends_at <= max(begins_at, now):
        raise InvalidError(
            "wrong-span",
            "the absence ends before it begins, or is over",
            FieldProblem("until", "is too early", "a moment after `from`, in the future"),
        )
    if substitute == person:
        raise InvalidError(
            "invalid-request",
            "nobody is their own substitute",
            FieldProblem("substitute", "is the person", "somebody else, or leave it out"),
        )
    before = store.locked(tx, person)
    goes_on = before is not None and begins_at <= now < before.ends_at
    absence = Absence(
        new_id(),
        person,
        begins_at,
        ends_at,
        substitute,
        set_by,
        key_name,
        now,
        before.handed_on_at if before is not None and goes_on else None,
    )
    store.keep(tx, absence)
    return absence


def end_absence(tx: Write, *, person: str) -> None:
    """Raises NotFoundError when there is none."""
    if not store.remove(tx, person):
        raise NotFoundError("no-absence", f"no absence of {person} is known")
