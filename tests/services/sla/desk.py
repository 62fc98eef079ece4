"""The whole sla service around a clock that a test moves: facts in, HTTP, timers, facts out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from services.sla.app import build
from services.sla.deadlines.store import hand_overs
from services.sla.deadlines.store.hand_overs import HandOverRow
from services.sla.promises.policy_version import policy_version_of
from services.sla.promises.versions import PolicyVersions
from services.sla.settings import SlaSettings
from services.sla.tables import clock_events, deadlines
from services.sla.timers.new_policy import NewPolicy
from services.sla.timers.ticker import Ticker, TimerMetrics
from services.sla.timers.watermark import SOURCES, Watermark
from shared.access.keys import ALL_SCOPES
from shared.bus.local import LocalBus
from shared.bus.port import Partition, Progress
from shared.db import Read
from shared.events.inquiries import (
    CloseReason,
    HashtagUse,
    InquiryAnswered,
    InquiryClosed,
    InquiryHeld,
    InquiryReceived,
    MessageAdded,
    MessageEdited,
    MessageWithdrawn,
    OwnPostSeen,
    ReplyWithdrawn,
)
from shared.events.todos import (
    DismissReason,
    TodoClaimed,
    TodoCompleted,
    TodoCreated,
    TodoDismissed,
    TodoReopened,
    TodoRerouted,
)
from shared.messaging.dead_letters import Head, heads
from shared.messaging.outbox import OUTBOX
from shared.notifications.targets import subscriptions
from shared.policy import DEADLINE_KINDS, Policy, load_policy
from shared.runtime.ids import new_id
from shared.runtime.telemetry import Metrics
from tests.support.bench import Bench, runtime_of, served
from tests.support.clock import ManualClock

BERLIN = ZoneInfo("Europe/Berlin")
KEY = "desk_" + "k" * 43
MONDAY_TEN = datetime(2026, 3, 2, 10, tzinfo=BERLIN)


def berlin(text: str) -> datetime:
    """`2026-03-02 10:00` on the clocks of Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@dataclass
class SlaBench(Bench):
    policy_versions: PolicyVersions
    bus: LocalBus

    KEY = KEY

    @asynccontextmanager
    async def on_the_bus(self) -> AsyncIterator[None]:
        """The bus runs inside."""
        await self.bus.start()
        try:
            yield
        finally:
            await self.bus.stop()

    def ticker(
        self,
        *,
        claim_rows: int = 500,
        poll_seconds: float = 5.0,
        offsets: Callable[[], Awaitable[Mapping[Partition, Progress]]] | None = None,
    ) -> Ticker:
        """`offsets` tells how far the facts on the bus are consumed; left out: nothing waits. The
        watermark is always as late as it can be.
        """

        async def all_told() -> Mapping[str, datetime]:
            return dict.fromkeys(SOURCES, datetime.max.replace(tzinfo=UTC))

        async def nothing_waits() -> Mapping[Partition, Progress]:
            return {Partition("inquiries", 0): Progress(0, 0)}

        metrics = TimerMetrics.of(Metrics("test"))
        policy = NewPolicy(
            database=self.service.database,
            policy_versions=self.policy_versions,
            clock=self.clock,
            batch=claim_rows,
            offsets=offsets or nothing_waits,
            on_recorded=lambda: None,
            put_off=metrics.put_off,
        )
        return Ticker(
            database=self.service.database,
            policy_versions=self.policy_versions,
            clock=self.clock,
            settings=SlaSettings(claim_rows=claim_rows, poll_seconds=poll_seconds),
            watermark=Watermark(all_told, offsets=offsets or nothing_waits, idle_seconds=900),
            policy=policy,
            on_recorded=lambda: None,
            metrics=metrics,
        )

    async def tick(self) -> int:
        """Let the timers work off everything that is due; how many clocks were looked at."""
        ticker, count = self.ticker(), 0
        while fired := await ticker.tick(self.clock.now()):
            count += fired
        return count

    async def letters(self) -> list[Head]:
        """The dead letters that wait."""
        return await self.service.database.read(heads, limit=99, after=None)

    async def published(self, inquiry_id: UUID | None = None) -> list[dict[str, Any]]:
        """Payloads of the outbox in order, each with its type, of one inquiry or of all."""

        def rows(tx: Read) -> list[dict[str, Any]]:
            found = tx.execute(select(OUTBOX.c.type, OUTBOX.c.payload).order_by(OUTBOX.c.seq))
            return [{"type": type_, **json.loads(payload)} for type_, payload in found]

        told = await self.service.database.read(rows)
        return [
            each for each in told if inquiry_id is None or each.get("inquiry_id") == str(inquiry_id)
        ]

    async def story(self, inquiry_id: UUID) -> list[str]:
        """The published types in order, without their common beginning."""
        return [each["type"].removeprefix("deadline.") for each in await self.published(inquiry_id)]

    async def row(self, inquiry_id: UUID) -> dict[str, Any]:
        """The columns of its deadline."""

        def look(tx: Read) -> dict[str, Any]:
            found = tx.execute(select(deadlines).where(deadlines.c.inquiry_id == inquiry_id))
            return dict(found.mappings().one())

        return await self.service.database.read(look)

    async def hand_over_row(self, inquiry_id: UUID) -> HandOverRow | None:
        found = await self.service.database.read(hand_overs.of, [inquiry_id])
        return found.get(inquiry_id)

    async def fact_kinds(self, inquiry_id: UUID) -> list[str]:
        def look(tx: Read) -> list[str]:
            wanted = select(clock_events.c.kind).where(clock_events.c.inquiry_id == inquiry_id)
            return list(tx.execute(wanted.order_by(clock_events.c.at)).scalars())

        return await self.service.database.read(look)


@asynccontextmanager
async def sla_bench(
    database_url: str,
    folder: Path,
    *,
    policy: Policy | None = None,
    now: datetime = MONDAY_TEN,
    notify: Mapping[str, str] | None = None,
    poll_seconds: float = 5.0,
) -> AsyncIterator[SlaBench]:
    """The service answers HTTP; its loops do not run, the test drives them.

    The schema is the caller's.
    """
    clock = ManualClock(now)
    runtime = runtime_of(folder, clock, policy or load_policy(), {"anna": (KEY, ALL_SCOPES)})
    settings = SlaSettings(database_url=database_url, poll_seconds=poll_seconds)
    service = build(runtime, settings, notify or {})
    policy_versions = PolicyVersions(
        policy_version_of(runtime.policy, now=clock.now()),
        subscriptions(runtime.policy, DEADLINE_KINDS),
    )
    assert isinstance(runtime.bus, LocalBus)
    async with served(service, headers={"Authorization": f"Bearer {KEY}"}) as http:
        yield SlaBench(service, clock, http, policy_versions, runtime.bus)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Builds the facts about one inquiry, with defaults for what a test does not care about."""

    channel: str = "email"
    received_at: datetime = MONDAY_TEN
    hashtags: tuple[HashtagUse, ...] = ()
    id: UUID = field(default_factory=new_id)
    conversation_id: UUID = field(default_factory=new_id)
    contact_id: UUID = field(default_factory=new_id)
    todo_id: UUID = field(default_factory=new_id)

    def received(
        self, message_id: UUID | None = None, *, moved_from: UUID | None = None
    ) -> InquiryReceived:
        return InquiryReceived(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            contact_id=self.contact_id,
            message_id=message_id or new_id(),
            channel=self.channel,
            received_at=self.received_at,
            text="Wann öffnet die Anmeldung?",
            hashtags=self.hashtags,
            moved_from=moved_from,
        )

    def message_added(
        self, at: datetime, message_id: UUID | None = None, *, moved_from: UUID | None = None
    ) -> MessageAdded:
        return MessageAdded(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            contact_id=self.contact_id,
            message_id=message_id or new_id(),
            channel=self.channel,
            received_at=at,
            text="Hier ist noch etwas.",
            moved_from=moved_from,
        )

    def message_edited(self, at: datetime) -> MessageEdited:
        return MessageEdited(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            message_id=new_id(),
            channel=self.channel,
            edited_at=at,
            text="Hier ist noch etwas anderes.",
        )

    def message_withdrawn(self, at: datetime) -> MessageWithdrawn:
        return MessageWithdrawn(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            message_id=new_id(),
            withdrawn_at=at,
        )

    def answered(
        self, at: datetime, message_id: UUID | None = None, *, revision: int = 0
    ) -> InquiryAnswered:
        return InquiryAnswered(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            message_id=message_id or new_id(),
            answered_at=at,
            answered_by="anna",
            revision=revision,
        )

    def held(
        self,
        at: datetime,
        follow_up_at: datetime | None,
        message_id: UUID | None = None,
        *,
        revision: int = 0,
    ) -> InquiryHeld:
        return InquiryHeld(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            message_id=message_id or new_id(),
            held_at=at,
            held_by="anna",
            follow_up_at=follow_up_at,
            revision=revision,
        )

    def withdrawn(self, at: datetime, message_id: UUID, *, revision: int) -> ReplyWithdrawn:
        return ReplyWithdrawn(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            message_id=message_id,
            revision=revision,
            withdrawn_at=at,
            withdrawn_by="anna",
        )

    def own_post_seen(self, at: datetime) -> OwnPostSeen:
        return OwnPostSeen(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            message_id=new_id(),
            posted_at=at,
            posted_by="us",
        )

    def closed(
        self,
        at: datetime,
        reason: CloseReason = "withdrawn",
        *,
        merged_into: UUID | None = None,
    ) -> InquiryClosed:
        return InquiryClosed(
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            reason=reason,
            closed_at=at,
            closed_by="anna",
            merged_into=merged_into,
        )

    def todo_created(self, desk: str, at: datetime | None = None) -> TodoCreated:
        return TodoCreated(
            todo_id=self.todo_id,
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            desk=desk,
            kind="technical" if desk == "technical" else "general",
            confidence=0.9,
            created_at=at or self.received_at + timedelta(seconds=1),
        )

    def rerouted(self, from_desk: str, desk: str, at: datetime) -> TodoRerouted:
        return TodoRerouted(
            todo_id=self.todo_id,
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            from_desk=from_desk,
            desk=desk,
            reason="belongs there",
            rerouted_at=at,
            rerouted_by="anna",
        )

    def claimed(self, at: datetime, desk: str | None = "technical") -> TodoClaimed:
        return TodoClaimed(
            todo_id=self.todo_id,
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            assignee="carla",
            desk=desk,
            claimed_at=at,
        )

    def completed(self, at: datetime, answer_id: UUID | None = None) -> TodoCompleted:
        return TodoCompleted(
            todo_id=self.todo_id,
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            completed_at=at,
            completed_by="carla",
            answer_id=answer_id,
        )

    def reopened(self, at: datetime, desk: str = "inbound") -> TodoReopened:
        return TodoReopened(
            todo_id=self.todo_id,
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            desk=desk,
            reason="the customer called back",
            reopened_at=at,
            reopened_by="carla",
        )

    def dismissed(self, at: datetime, reason: DismissReason = "netiquette") -> TodoDismissed:
        return TodoDismissed(
            todo_id=self.todo_id,
            inquiry_id=self.id,
            conversation_id=self.conversation_id,
            reason=reason,
            dismissed_at=at,
            dismissed_by="anna",
        )


def utc(moment: datetime) -> str:
    """As it stands in an answer."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
