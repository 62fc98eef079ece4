"""An inquiry came in: start its clock by the promises of the policy, or record that none runs.

This happens once per inquiry, so a batch costs a few statements, whatever its size. The message
that opened it may have been another inquiry's until now: that one's clock loses what it did there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from services.sla.clocks.events import Started
from services.sla.clocks.notices import first_due
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store.deadlines import (
    AWAITED,
    BEST_EFFORT,
    RUNNING,
    Columns,
    DeadlineRow,
)
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.target_facts import started_fact
from services.sla.deadlines.usecases.append import append_events
from services.sla.deadlines.usecases.messages import departure
from services.sla.deadlines.usecases.unit_of_work import UnitOfWork
from services.sla.promises.policy_version import PolicyVersion, hashtag_names
from services.sla.promises.promise import Subject, hand_over_due
from services.sla.promises.versions import PolicyVersions
from shared.db import Write
from shared.events.inquiries import InquiryReceived


@dataclass(frozen=True, slots=True)
class Receipt:
    """An inquiry as the event tells it, with the event's id and trace."""

    event_id: UUID
    fact: InquiryReceived
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What an inquiry begins with: its row, and its first event when a promise holds."""

    receipt: Receipt
    columns: Columns
    started: Started | None

    @property
    def inquiry_id(self) -> UUID:
        return self.receipt.fact.inquiry_id

    @property
    def stored(self) -> list[StoredEvent]:
        if self.started is None:
            return []
        return [StoredEvent(self.inquiry_id, self.receipt.event_id, self.started)]


def start_clocks(
    tx: Write, receipts: Sequence[Receipt], *, policy_versions: PolicyVersions, now: datetime
) -> None:
    """Start a clock for each inquiry, at most once."""
    unit = UnitOfWork(tx, policy_versions, now)
    policy_version = policy_versions.active(tx, now=now)
    begun = [_begin(each, policy_version, desk=None) for each in receipts]
    fresh = deadlines.insert_new(tx, [each.columns for each in begun])
    new = [each for each in begun if each.inquiry_id in fresh]
    unit.append([event for each in new for event in each.stored])
    for each in new:
        if each.started is not None:
            _publish(unit, each, each.started)
    if len(fresh) < len(receipts):
        late = [each for each in receipts if each.fact.inquiry_id not in fresh]
        _start_awaited(unit, late, policy_version)
    unit.write()
    gone = [departure(each.event_id, each.fact, each.traceparent) for each in receipts]
    left = [each for each in gone if each is not None]
    if left:
        append_events(tx, left, policy_versions=policy_versions, now=now)


def _publish(unit: UnitOfWork, beginning: _Beginning, started: Started) -> None:
    fact = beginning.receipt.fact
    unit.started(
        started_fact(fact.inquiry_id, fact.conversation_id, fact.channel, begun=started),
        traceparent=beginning.receipt.traceparent,
    )


def _start_awaited(
    unit: UnitOfWork, receipts: Iterable[Receipt], policy_version: PolicyVersion
) -> None:
    """Inquiries of which something was known before: project what came early as well."""
    by_id = {each.fact.inquiry_id: each for each in receipts}
    rows = deadlines.lock(unit.tx, sorted(by_id))
    awaited = {key: row for key, row in rows.items() if row.state == AWAITED}
    begun = [_begin(by_id[key], policy_version, desk=row.desk) for key, row in awaited.items()]
    unit.append([event for each in begun for event in each.stored])
    unit.load(list(awaited))
    for each in begun:
        row = _row(awaited[each.inquiry_id], each.columns)
        if each.started is None:
            unit.project_best_effort(row, columns=each.columns)
        else:
            unit.project(row, columns=each.columns, traceparent=each.receipt.traceparent)


def _row(stub: DeadlineRow, columns: Columns) -> DeadlineRow:
    """The row as the projection should see it: received, but not started yet."""
    known = ("channel", "received_at", "desk", "contact_id", "hashtags", "policy_version")
    return replace(stub, **{name: columns[name] for name in known})


def _begin(receipt: Receipt, policy_version: PolicyVersion, *, desk: str | None) -> _Beginning:
    fact = receipt.fact
    received_at = fact.received_at.astimezone(UTC)
    tags = hashtag_names(fact.hashtags) if fact.hashtags else frozenset()
    desk = desk or policy_version.channel_desks.get(fact.channel)
    subject = Subject(fact.channel, desk, tags, str(fact.contact_id))
    choice = policy_version.choose(subject, received_at)
    columns: Columns = {
        "inquiry_id": fact.inquiry_id,
        "conversation_id": fact.conversation_id,
        "state": BEST_EFFORT if choice is None else RUNNING,
        "channel": fact.channel,
        "desk": desk,
        "contact_id": fact.contact_id,
        "hashtags": " ".join(sorted(tags)) or None,
        "policy_version": policy_version.key,
        "promise": None,
        "target": None,
        "received_at": received_at,
        "received_week": policy_version.week(received_at),
        "due_at": None,
        "next_action_at": None,
        "window_ends_at": None,
    }
    if choice is None:
        return _Beginning(receipt, columns, None)
    terms = policy_version.terms(choice.promise.name)
    started = Started(
        at=received_at,
        policy_version=policy_version.key,
        promise=choice.promise.name,
        due_at=choice.due_at,
        window_ends_at=policy_version.window_end(fact.channel, received_at),
        hand_over_due_at=hand_over_due(choice.promise, policy_version.calendar, received_at),
    )
    columns |= {
        "promise": choice.promise.name,
        "target": started.target.value,
        "due_at": started.due_at,
        # No notice is sent here: an answer may already wait on the bus. The timers look first.
        "next_action_at": first_due(started, terms),
        "window_ends_at": started.window_ends_at,
    }
    return _Beginning(receipt, columns, started)
