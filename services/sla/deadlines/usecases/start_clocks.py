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
from services.sla.deadlines.project import started_event
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store import events as clock_events
from services.sla.deadlines.store.deadlines import (
    AWAITED,
    BEST_EFFORT,
    RUNNING,
    Columns,
    DeadlineRow,
)
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.usecases.append import (
    Histories,
    Results,
    append_events,
    best_effort_end,
    earliest,
    envelope,
)
from services.sla.deadlines.usecases.messages import departure
from services.sla.promises.policy_version import PolicyVersion, hashtag_names
from services.sla.promises.promise import Subject, hand_over_due
from services.sla.promises.versions import PolicyVersions
from shared.db import Write
from shared.events.inquiries import InquiryReceived
from shared.messaging import outbox
from shared.messaging.envelope import Envelope


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


def start_clocks(
    tx: Write, receipts: Sequence[Receipt], *, policy_versions: PolicyVersions, now: datetime
) -> datetime | None:
    """Start a clock for each inquiry, at most once; when the first action is due on one."""
    policy_version = policy_versions.active(tx, now=now)
    begun = [_begin(each, policy_version, desk=None) for each in receipts]
    fresh = deadlines.insert_new(tx, [each.columns for each in begun])
    new = [each for each in begun if each.receipt.fact.inquiry_id in fresh]
    clock_events.add(tx, [_stored(each) for each in new if each.started])
    outbox.record(tx, [_envelope(each, now) for each in new if each.started])
    next_actions = [earliest(each.columns["next_action_at"] for each in new)]
    if len(fresh) < len(receipts):
        late = [each for each in receipts if each.fact.inquiry_id not in fresh]
        next_actions.append(
            _start_awaited(tx, late, policy_version, policy_versions=policy_versions, now=now)
        )
    gone = [departure(each.event_id, each.fact, each.traceparent) for each in receipts]
    left = [each for each in gone if each is not None]
    if left:
        next_actions.append(append_events(tx, left, policy_versions=policy_versions, now=now))
    return earliest(next_actions)


def _start_awaited(
    tx: Write,
    receipts: Iterable[Receipt],
    policy_version: PolicyVersion,
    *,
    policy_versions: PolicyVersions,
    now: datetime,
) -> datetime | None:
    """Inquiries of which something was known before: project what came early as well."""
    by_id = {each.fact.inquiry_id: each for each in receipts}
    rows = deadlines.lock(tx, sorted(by_id))
    awaited = {key: row for key, row in rows.items() if row.state == AWAITED}
    begun = [_begin(by_id[key], policy_version, desk=row.desk) for key, row in awaited.items()]
    clock_events.add(tx, [_stored(each) for each in begun if each.started])
    histories = Histories.read(tx, list(awaited), policy_versions=policy_versions, now=now)
    results = Results(policy_versions.subscriptions)
    best_effort: dict[UUID, Columns] = {}
    for each in begun:
        fact = each.receipt.fact
        known = _row(awaited[fact.inquiry_id], each.columns)
        if each.started is None:
            ended = best_effort_end(known, histories, policy_version=policy_version.key)
            best_effort[fact.inquiry_id] = {**each.columns, **ended}
            continue
        outcome = histories.project(known, now=now)
        columns = {**each.columns, **outcome.columns}
        results.take(
            known, replace(outcome, columns=columns), now=now, trace=each.receipt.traceparent
        )
    deadlines.change(tx, best_effort)
    return results.write(tx)


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


def _stored(beginning: _Beginning) -> StoredEvent:
    if beginning.started is None:
        raise ValueError("a best-effort inquiry has no clock")
    receipt = beginning.receipt
    return StoredEvent(receipt.fact.inquiry_id, receipt.event_id, beginning.started)


def _envelope(beginning: _Beginning, now: datetime) -> Envelope:
    fact, started = beginning.receipt.fact, beginning.started
    if started is None:
        raise ValueError("a best-effort inquiry has no clock")
    event = started_event(fact.inquiry_id, fact.conversation_id, fact.channel, begun=started)
    return envelope(event, now=now, trace=beginning.receipt.traceparent)
