"""A router under test: facts in through its consumer, requests in through its app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from services.router.app import build
from services.router.settings import RouterSettings
from services.router.tables import metadata
from shared.access.keys import ALL_SCOPES
from shared.bus.port import Received
from shared.db import Read
from shared.events.deadlines import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMoved,
    DeadlineStarted,
    DeadlineWarning,
)
from shared.events.inquiries import (
    CloseReason,
    InquiryAnswered,
    InquiryClosed,
    InquiryHeld,
    InquiryReceived,
    MessageAdded,
)
from shared.messaging.codec import to_envelope
from shared.messaging.envelope import Envelope, Fact
from shared.policy import Policy, load_policy
from shared.runtime.ids import new_id
from tests.support.bench import Bench, Keys, as_received, runtime_of, served
from tests.support.clock import ManualClock

POLICY = load_policy(None)
ANNA, BERT, AGENT, READER = (f"desk_{name:_<20}" for name in ("anna", "bert", "agent", "reader"))
_offsets = count()


@dataclass
class Inquiry:
    """An inquiry as intake tells about it."""

    at: datetime
    inquiry_id: UUID = field(default_factory=new_id)
    conversation_id: UUID = field(default_factory=new_id)
    contact_id: UUID = field(default_factory=new_id)
    channel: str = "web_form"

    @property
    def _ids(self) -> dict[str, Any]:
        return {"inquiry_id": self.inquiry_id, "conversation_id": self.conversation_id}

    def received(
        self, text: str = "Die Anmeldung ist abgestürzt.", subject: str | None = None
    ) -> InquiryReceived:
        return InquiryReceived(
            **self._ids,
            contact_id=self.contact_id,
            message_id=new_id(),
            channel=self.channel,
            received_at=self.at,
            text=text,
            subject=subject,
        )

    def added(self, text: str, *, at: datetime | None = None) -> MessageAdded:
        return MessageAdded(
            **self._ids,
            contact_id=self.contact_id,
            message_id=new_id(),
            channel=self.channel,
            received_at=at or self.at,
            text=text,
        )

    def answered(self, by: str = "Carla", text: str | None = None) -> InquiryAnswered:
        return InquiryAnswered(
            **self._ids, message_id=new_id(), answered_at=self.at, answered_by=by, text=text
        )

    def held(self, until: datetime | None, by: str = "Carla") -> InquiryHeld:
        return InquiryHeld(
            **self._ids, message_id=new_id(), held_at=self.at, held_by=by, follow_up_at=until
        )

    def closed(self, reason: CloseReason, by: str = "Carla") -> InquiryClosed:
        return InquiryClosed(**self._ids, reason=reason, closed_at=self.at, closed_by=by)

    def _clock(self, due_at: datetime, at: datetime | None, state: str) -> dict[str, Any]:
        return {
            **self._ids,
            "state": state,
            "target": "first_answer",
            "due_at": due_at,
            "at": at or self.at,
        }

    def started(self, due_at: datetime, at: datetime | None = None) -> DeadlineStarted:
        clock = self._clock(due_at, at, "running")
        return DeadlineStarted(**clock, channel=self.channel, promise="standard")

    def warned(self, due_at: datetime, at: datetime | None = None) -> DeadlineWarning:
        return DeadlineWarning(**self._clock(due_at, at, "running"), level="75%")

    def moved(self, due_at: datetime, at: datetime | None = None) -> DeadlineMoved:
        return DeadlineMoved(**self._clock(due_at, at, "running"), cause="held")

    def breached(self, due_at: datetime, at: datetime | None = None) -> DeadlineBreached:
        return DeadlineBreached(**self._clock(due_at, at, "breached"))

    def met(self, due_at: datetime, at: datetime | None = None) -> DeadlineMet:
        return DeadlineMet(**self._clock(due_at, at, "met"))

    def cancelled(self, due_at: datetime, at: datetime | None = None) -> DeadlineCancelled:
        return DeadlineCancelled(**self._clock(due_at, at, "cancelled"), reason="spam")


TOLD_AT = datetime.fromisoformat("2026-11-24T12:00:00+00:00")


def record_of(
    fact: Any,
    *,
    event_id: UUID | None = None,
    traceparent: str = "",
    told_at: datetime = TOLD_AT,
) -> Received:
    """The fact as it comes off the bus; `told_at` is when its service recorded it."""
    return as_received(
        fact, time=told_at, event_id=event_id, traceparent=traceparent, offset=next(_offsets)
    )


class Desk(Bench):
    KEY = ANNA

    def envelope(self, fact: Fact) -> Envelope:
        return to_envelope(record_of(fact))

    async def hears_batch(self, records: Sequence[Received]) -> None:
        await self.service.handle([to_envelope(record) for record in records])

    async def facts(self) -> list[Fact]:
        return [envelope.data for envelope in await self.told()]

    async def todo_of(self, inquiry: Inquiry) -> dict[str, Any]:
        """The detail of the inquiry's one ToDo."""
        listed = await self.get("/todos", inquiry_id=str(inquiry.inquiry_id))
        assert len(listed["items"]) == 1
        detail: dict[str, Any] = await self.get(f"/todos/{listed['items'][0]['id']}")
        return detail

    async def new_todo(
        self, text: str = "Die Anmeldung ist abgestürzt.", **inquiry: Any
    ) -> dict[str, Any]:
        fresh = Inquiry(self.clock.now(), **inquiry)
        await self.hears(fresh.received(text))
        return await self.todo_of(fresh)


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem, whose code that is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"urn:inbound-desk:problem:{code}"
    return problem


def everything_kept(tx: Read) -> str:
    """All that the router's database says, but for what it has still to publish."""
    kept = [each for each in metadata.sorted_tables if each.name != "outbox"]
    return repr([tuple(row) for table in kept for row in tx.execute(select(table))])


def history(todo: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(line["who"], line["what"], line["why"]) for line in todo["history"]]


def types(told: Iterable[Fact]) -> list[str]:
    return [fact.TYPE for fact in told]


@asynccontextmanager
async def opened(
    database_url: str,
    folder: Path,
    clock: ManualClock,
    policy: Policy = POLICY,
    notify: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Desk]:
    """A router with its database open and nothing running; the schema is the caller's."""
    keys: Keys = {
        "Anna": (ANNA, ALL_SCOPES),
        "Bert": (BERT, ALL_SCOPES),
        "Agent": (AGENT, ("todos:read", "todos:write")),
        "Reader": (READER, ("todos:read",)),
    }
    runtime = runtime_of(folder, clock, policy, keys)
    service = build(runtime, RouterSettings(database_url=database_url), notify)
    async with served(service) as http:
        yield Desk(service, clock, http)
