"""The facts of clocks, as they are kept: only ever added, never changed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    CancelReason,
    Fact,
    Held,
    Left,
    Moved,
    Paused,
    Reopened,
    ResumeCause,
    Resumed,
    Started,
    TakenOver,
    WindowSet,
    Withdrawn,
)
from services.sla.promises.policy_version import Edition, EditionByKey
from services.sla.promises.promise import TargetKind
from services.sla.tables import clock_facts
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact with what the fold does not need: its id, who did it through which API key, and the
    edition it used.
    """

    inquiry_id: UUID
    fact_id: UUID
    fact: Fact
    by: str = ""
    edition: str = ""
    key_name: str | None = None


def add(tx: Write, facts: Sequence[Recorded]) -> None:
    insert_rows(tx, clock_facts, [row(each) for each in facts])


def of(
    tx: Read, inquiry_ids: Sequence[UUID], *, editions: EditionByKey
) -> dict[UUID, list[Recorded]]:
    """The facts of these inquiries, in no particular order."""
    c = clock_facts.c
    found: dict[UUID, list[Recorded]] = defaultdict(list)
    rows = tx.execute(
        select(c.inquiry_id, c.fact_id, c.kind, c.at, c.body).where(
            among(tx, c.inquiry_id, inquiry_ids)
        )
    )
    for inquiry_id, fact_id, kind, at, body in rows:
        found[inquiry_id].append(_recorded(inquiry_id, fact_id, kind, at, body, editions=editions))
    return found


def row(recorded: Recorded) -> dict[str, Any]:
    fact = recorded.fact
    body = {name: value for name, value in _body(fact) if value is not None}
    if recorded.by:
        body["by"] = recorded.by
    if recorded.key_name:
        body["key_name"] = recorded.key_name
    if recorded.edition:
        body["edition"] = recorded.edition
    return {
        "inquiry_id": recorded.inquiry_id,
        "fact_id": recorded.fact_id,
        "kind": type(fact).__name__.lower(),
        "at": fact.at,
        "body": json.dumps(body),
    }


def _body(fact: Fact) -> Iterator[tuple[str, Any]]:
    match fact:
        case Started():
            yield "promise", fact.promise.name
            yield "due_at", fact.due_at.isoformat()
            yield "target", fact.kind.value
            yield "window_ends_at", _text(fact.window_ends_at)
            yield "hand_over_due_at", _text(fact.hand_over_due_at)
        case Moved():
            yield "promise", fact.promise.name
            yield "due_at", fact.due_at.isoformat()
            yield "left_us", _microseconds(fact.left)
            yield "reason", fact.reason
            yield "hand_over_due_at", _text(fact.hand_over_due_at)
            yield "hand_over_left_us", _microseconds(fact.hand_over_left) or None
        case Paused():
            yield "until", fact.until.isoformat()
            yield "reason", fact.reason
        case Resumed():
            yield "cause", fact.cause.value
            yield "message_id", _name(fact.message_id)
        case WindowSet():
            yield "ends_at", fact.ends_at.isoformat()
            yield "message_id", _name(fact.message_id)
        case Left():
            yield "message_id", _name(fact.message_id)
        case Assigned():
            yield "desk", fact.desk
        case TakenOver() | Reopened():
            return
        case _:
            yield from _body_of_an_end(fact)


def _body_of_an_end(fact: Answered | Held | Withdrawn | Cancelled) -> Iterator[tuple[str, Any]]:
    match fact:
        case Cancelled():
            yield "reason", fact.reason.value
            yield "merged_into", _name(fact.merged_into)
            return
        case Held():
            yield "follow_up_at", _text(fact.follow_up_at)
        case Answered():
            yield "by_hand", fact.by_hand or None
        case Withdrawn():
            pass
    yield "message_id", _name(fact.message_id)
    yield "revision", fact.revision or None


def _recorded(
    inquiry_id: UUID, fact_id: UUID, kind: str, at: datetime, text: str, *, editions: EditionByKey
) -> Recorded:
    body = json.loads(text)
    edition = body.get("edition", "")
    fact = _fact(kind, at, body, editions(edition) if edition else None)
    by, key_name = body.get("by", ""), body.get("key_name")
    return Recorded(inquiry_id, fact_id, fact, by, edition, key_name)


def _fact(kind: str, at: datetime, body: dict[str, Any], edition: Edition | None) -> Fact:  # noqa: PLR0911 - one for each kind
    match kind, edition:
        case "started", Edition():
            return Started(
                at,
                edition.promise(body["promise"]),
                _moment(body["due_at"]),
                TargetKind(body["target"]),
                _moment_if_any(body, "window_ends_at"),
                _moment_if_any(body, "hand_over_due_at"),
            )
        case "moved", Edition():
            return Moved(
                at,
                edition.promise(body["promise"]),
                _moment(body["due_at"]),
                timedelta(microseconds=body["left_us"]),
                body["reason"],
                _moment_if_any(body, "hand_over_due_at"),
                timedelta(microseconds=body.get("hand_over_left_us", 0)),
                edition.calendar,
            )
        case "paused", _:
            return Paused(at, _moment(body["until"]), body["reason"])
        case "resumed", _:
            return Resumed(at, ResumeCause(body["cause"]), _id_if_any(body, "message_id"))
        case "windowset", _:
            return WindowSet(at, _moment(body["ends_at"]), _id_if_any(body, "message_id"))
        case "left", _:
            return Left(at, UUID(body["message_id"]))
        case "assigned", _:
            return Assigned(at, body["desk"])
        case "takenover" | "reopened", _:
            return TakenOver(at) if kind == "takenover" else Reopened(at)
        case _:
            return _end(kind, at, body)


def _end(kind: str, at: datetime, body: dict[str, Any]) -> Fact:
    """What a reply or a desk did. Rows of before replies were named have no `message_id`."""
    message_id, revision = _id_if_any(body, "message_id"), body.get("revision", 0)
    match kind:
        case "held":
            return Held(at, _moment_if_any(body, "follow_up_at"), message_id, revision)
        case "answered":
            return Answered(at, message_id, revision, by_hand=body.get("by_hand", False))
        case "withdrawn":
            return Withdrawn(at, UUID(body["message_id"]), revision)
        case "cancelled":
            merged_into = _id_if_any(body, "merged_into")
            return Cancelled(at, CancelReason(body["reason"]), merged_into)
        case _:
            raise ValueError(f"a fact of the kind {kind!r} is not known here")


def began_under(facts: Iterable[Recorded]) -> str:
    """The edition under which a clock started. Raises StopIteration when it has not."""
    return next(each.edition for each in facts if isinstance(each.fact, Started))


def edition_keys(facts: Iterable[Recorded]) -> list[str]:
    """The editions that counted a clock, oldest first."""
    dated = sorted((each.fact.at, each.edition) for each in facts if each.edition)
    return [key for _, key in dated]


def ever_paused(tx: Read, inquiry_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the inquiries whose clock a person has stopped at any time."""
    c = clock_facts.c
    wanted = select(c.inquiry_id).where(among(tx, c.inquiry_id, inquiry_ids), c.kind == "paused")
    return frozenset(tx.execute(wanted).scalars())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment_if_any(body: dict[str, Any], name: str) -> datetime | None:
    return None if name not in body else _moment(body[name])


def _id_if_any(body: dict[str, Any], name: str) -> UUID | None:
    return None if name not in body else UUID(body[name])


def _name(of: UUID | None) -> str | None:
    return None if of is None else str(of)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
