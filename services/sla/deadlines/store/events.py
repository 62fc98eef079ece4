"""The events of clocks, as they are kept: only ever added, never changed."""

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
    ClockEvent,
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
from services.sla.promises.policy_version import PolicyVersion, PolicyVersionByKey
from services.sla.promises.promise import TargetKind
from services.sla.tables import clock_events
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with what the fold does not need: its id, who did it through which API key, and the
    policy version it used.
    """

    inquiry_id: UUID
    event_id: UUID
    event: ClockEvent
    by: str = ""
    policy_version: str = ""
    key_name: str | None = None


def add(tx: Write, events: Sequence[StoredEvent]) -> None:
    insert_rows(tx, clock_events, [row(each) for each in events])


def of(
    tx: Read, inquiry_ids: Sequence[UUID], *, version_by_key: PolicyVersionByKey
) -> dict[UUID, list[StoredEvent]]:
    """The events of these inquiries, in no particular order."""
    c = clock_events.c
    found: dict[UUID, list[StoredEvent]] = defaultdict(list)
    rows = tx.execute(
        select(c.inquiry_id, c.event_id, c.kind, c.at, c.body).where(
            among(tx, c.inquiry_id, inquiry_ids)
        )
    )
    for inquiry_id, event_id, kind, at, body in rows:
        found[inquiry_id].append(
            _stored(inquiry_id, event_id, kind, at, body, version_by_key=version_by_key)
        )
    return found


def row(stored: StoredEvent) -> dict[str, Any]:
    event = stored.event
    body = {name: value for name, value in _body(event) if value is not None}
    if stored.by:
        body["by"] = stored.by
    if stored.key_name:
        body["key_name"] = stored.key_name
    if stored.policy_version:
        body["edition"] = stored.policy_version
    return {
        "inquiry_id": stored.inquiry_id,
        "event_id": stored.event_id,
        "kind": type(event).__name__.lower(),
        "at": event.at,
        "body": json.dumps(body),
    }


def _body(event: ClockEvent) -> Iterator[tuple[str, Any]]:
    match event:
        case Started():
            yield "promise", event.promise.name
            yield "due_at", event.due_at.isoformat()
            yield "target", event.kind.value
            yield "window_ends_at", _text(event.window_ends_at)
            yield "hand_over_due_at", _text(event.hand_over_due_at)
        case Moved():
            yield "promise", event.promise.name
            yield "due_at", event.due_at.isoformat()
            yield "left_us", _microseconds(event.left)
            yield "reason", event.reason
            yield "hand_over_due_at", _text(event.hand_over_due_at)
            yield "hand_over_left_us", _microseconds(event.hand_over_left) or None
        case Paused():
            yield "until", event.until.isoformat()
            yield "reason", event.reason
        case Resumed():
            yield "cause", event.cause.value
            yield "message_id", _name(event.message_id)
        case WindowSet():
            yield "ends_at", event.ends_at.isoformat()
            yield "message_id", _name(event.message_id)
        case Left():
            yield "message_id", _name(event.message_id)
        case Assigned():
            yield "desk", event.desk
        case TakenOver() | Reopened():
            return
        case _:
            yield from _body_of_an_end(event)


def _body_of_an_end(event: Answered | Held | Withdrawn | Cancelled) -> Iterator[tuple[str, Any]]:
    match event:
        case Cancelled():
            yield "reason", event.reason.value
            yield "merged_into", _name(event.merged_into)
            return
        case Held():
            yield "follow_up_at", _text(event.follow_up_at)
        case Answered():
            yield "by_hand", event.by_hand or None
        case Withdrawn():
            pass
    yield "message_id", _name(event.message_id)
    yield "revision", event.revision or None


def _stored(
    inquiry_id: UUID,
    event_id: UUID,
    kind: str,
    at: datetime,
    text: str,
    *,
    version_by_key: PolicyVersionByKey,
) -> StoredEvent:
    body = json.loads(text)
    policy_version = body.get("edition", "")
    event = _event(kind, at, body, version_by_key(policy_version) if policy_version else None)
    by, key_name = body.get("by", ""), body.get("key_name")
    return StoredEvent(inquiry_id, event_id, event, by, policy_version, key_name)


def _event(  # noqa: PLR0911 - one for each kind
    kind: str, at: datetime, body: dict[str, Any], policy_version: PolicyVersion | None
) -> ClockEvent:
    match kind, policy_version:
        case "started", PolicyVersion():
            return Started(
                at,
                policy_version.promise(body["promise"]),
                _moment(body["due_at"]),
                TargetKind(body["target"]),
                _moment_if_any(body, "window_ends_at"),
                _moment_if_any(body, "hand_over_due_at"),
            )
        case "moved", PolicyVersion():
            return Moved(
                at,
                policy_version.promise(body["promise"]),
                _moment(body["due_at"]),
                timedelta(microseconds=body["left_us"]),
                body["reason"],
                _moment_if_any(body, "hand_over_due_at"),
                timedelta(microseconds=body.get("hand_over_left_us", 0)),
                policy_version.calendar,
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


def _end(kind: str, at: datetime, body: dict[str, Any]) -> ClockEvent:
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


def began_under(events: Iterable[StoredEvent]) -> str:
    """The policy version under which a clock started. Raises StopIteration when it has not."""
    return next(each.policy_version for each in events if isinstance(each.event, Started))


def policy_version_keys(events: Iterable[StoredEvent]) -> list[str]:
    """The policy versions that counted a clock, oldest first."""
    dated = sorted((each.event.at, each.policy_version) for each in events if each.policy_version)
    return [key for _, key in dated]


def ever_paused(tx: Read, inquiry_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the inquiries whose clock a person has stopped at any time."""
    c = clock_events.c
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
