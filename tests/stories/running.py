"""Tells a story to the three running services, over HTTP as connectors, people and desks do.

Instead of a bus a hand carries the facts: `drain` and `handle`. While the bus is down it waits.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from services.intake.app import build as build_intake
from services.intake.settings import IntakeSettings
from services.intake.tables import inquiries, messages
from services.router.app import build as build_router
from services.router.settings import RouterSettings
from services.router.tables import messages as todo_messages
from services.sla.app import build as build_sla
from services.sla.settings import SlaSettings
from shared.access.keys import ALL_SCOPES
from shared.db import Read
from shared.messaging.envelope import Envelope
from shared.policy import Audience, Channel, OwnPosts, Policy, ServiceLevel, load_policy
from shared.runtime.lifecycle import running_loops
from shared.runtime.service import Service
from shared.web.signing import secret_key, sign
from tests.stories.events import (
    Again,
    BusDown,
    BusUp,
    ClockOutcome,
    Close,
    Complete,
    Delivery,
    Dismiss,
    InquiryOutcome,
    Item,
    LeftOut,
    Message,
    Order,
    Outcome,
    OwnPost,
    Reclassify,
    Reopen,
    Reply,
    RouterAct,
    Step,
    Story,
    Thread,
    Withdraw,
    messages_of,
)
from tests.stories.invariants import differences, one_clock
from tests.stories.oracle import tell
from tests.stories.story import generate, orders
from tests.support.bench import Keys, runtime_of, served
from tests.support.clock import ManualClock

SERVICES = ("intake", "router", "sla")
STORIES = 200
AT_ONCE = 10
KEY = "desk_" + "s" * 43
SECRET = "whsec_c3Rvcmllcy10b2xkLXRvLXRoZS1kZXNr"
OWN_ID = "the-company"
REFUSED = {
    LeftOut.NEWER_MESSAGE: 409,
    LeftOut.ENDED: 409,
    LeftOut.NETIQUETTE: 409,
    LeftOut.SENT_AT: 422,
}
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def policy() -> Policy:
    """The shipped promises, on a channel for each kind of thread that stories have."""
    shipped = load_policy(None)
    channels = {
        Thread("", audience.value, kind.value, promised).channel.replace("-", "_"): Channel(
            connector="standard_webhooks",
            service_level=ServiceLevel.PROMISED if promised else ServiceLevel.BEST_EFFORT,
            own_ids=(OWN_ID,),
            audience=audience,
            own_posts=kind,
        )
        for audience in Audience
        for kind in OwnPosts
        for promised in (True, False)
    }
    return shipped.model_copy(update={"channels": {**shipped.channels, **channels}})


@dataclass(slots=True)
class Running:
    intake: Service
    router: Service
    sla: Service
    clock: ManualClock
    http: dict[str, httpx.AsyncClient]

    async def carry(self) -> None:
        """Hand over everything that was recorded, until nobody says anything new."""
        # Who is asked for nothing but what it has heard tells nothing by itself: that is sla.
        waiting: Sequence[Service] = (self.intake, self.router)
        while waiting:
            drained = await asyncio.gather(*(each.drain() for each in waiting))
            told = [pair for pair in zip(waiting, drained, strict=True) if pair[1]]
            waiting = await self._hand_over(told)

    async def _hand_over(
        self, told: Sequence[tuple[Service, Sequence[Envelope]]]
    ) -> Sequence[Service]:
        """Each hears what the others have told; who has heard something may have more to tell."""

        async def hears(listener: Service) -> bool:
            news = [envelopes for context, envelopes in told if context is not listener]
            for envelopes in news:
                await listener.handle(envelopes)
            return bool(news)

        services = (self.intake, self.router, self.sla)
        heard = await asyncio.gather(*(hears(each) for each in services))
        return [each for each, news in zip(services, heard, strict=True) if news]

    async def call(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {KEY}", **more.pop("headers", {})}
        return await self.http[service].request(
            method, f"/{service}/v1{path}", headers=headers, **more
        )

    async def shown(self, service: str, path: str, **params: Any) -> Any:
        answer = await self.call(service, "GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def running(urls: dict[str, str], folder: Path) -> AsyncIterator[Running]:
    """The three services on migrated databases; nothing runs but intake's committer."""
    clock = ManualClock(BEGIN)
    keys: Keys = {"Anna": (KEY, ALL_SCOPES)}
    runtime = runtime_of(folder, clock, policy(), keys, key_rate=0, channel_rate=0)
    secrets = dict.fromkeys(runtime.policy.channels, (SECRET,))
    services = {
        "intake": build_intake(runtime, IntakeSettings(database_url=urls["intake"]), secrets),
        "router": build_router(runtime, RouterSettings(database_url=urls["router"])),
        "sla": build_sla(runtime, SlaSettings(database_url=urls["sla"])),
    }
    async with AsyncExitStack() as stack:
        clients = {}
        for name, service in services.items():
            clients[name] = await stack.enter_async_context(served(service))
        accept = [each for each in services["intake"].own_loops if each[0] == "accept"]
        await stack.enter_async_context(running_loops(accept))
        yield Running(services["intake"], services["router"], services["sla"], clock, clients)


@dataclass(slots=True)
class WriteContext:
    """Tells one story; `name` keeps its ids apart from those of other stories."""

    desk: Running
    name: str
    threads: dict[str, Thread]
    expected: Outcome
    bus_is_up: bool = True
    told: dict[str, Step] = field(default_factory=dict)
    replies: dict[str, UUID] = field(default_factory=dict)

    async def tell(self, order: Order) -> Outcome:
        for step in order:
            if self.expected.left_out.get(step.id) is LeftOut.NOBODY:
                continue
            self.desk.clock.set(step.at)
            await self._hear(step)
            self.told[step.id] = step
            if self.bus_is_up:
                await self.desk.carry()
        return await self._outcome(order)

    async def _hear(self, step: Step) -> None:
        match step:
            case Delivery():
                await self._deliver(step)
            case Reply():
                await self._reply(step)
            case Close():
                body = {"reason": "withdrawn", **await self._read_until(step.read_until)}
                inquiry = await self._inquiry(step.inquiry_of)
                await self._act(step, "intake", f"/inquiries/{inquiry}/close", body)
            case Complete() | Dismiss() | Reopen():
                await self._at_router(step)
            case Reclassify():
                inquiry = await self._inquiry(step.inquiry_of)
                reply = self.replies.get(step.of) or await self._message(step.of)
                path = f"/inquiries/{inquiry}/replies/{reply}/reclassify"
                await self._act(step, "intake", path, {"kind": step.kind})
            case Withdraw():
                gone = {"id": self._external(step.of)}
                await self._post(self._channel(step.thread), [gone], type_="message.deleted")
            case BusDown() | BusUp():
                self.bus_is_up = isinstance(step, BusUp)
            case Again():
                again = self.told.get(step.of)
                if isinstance(again, Delivery | Reply | Withdraw):
                    await self._hear(again)

    async def _deliver(self, step: Delivery) -> None:
        by_channel: dict[str, list[Item]] = {}
        for item in step.items:
            by_channel.setdefault(self._channel(item.thread), []).append(item)
        for channel, items in by_channel.items():
            # One list is one channel's: the others' places keep their receipts apart.
            data: list[Any] = [None] * (max(each.place for each in items) + 1)
            for item in items:
                data[item.place] = self._item(item)
            await self._post(channel, [each or {"type": "nothing"} for each in data])

    async def _post(self, channel: str, data: list[Any], *, type_: str = "message.created") -> None:
        body = json.dumps({"type": type_, "data": data}).encode()
        at = int(self.desk.clock.now().timestamp())
        signature = sign(secret_key(SECRET), webhook_id="msg", timestamp=at, body=body)
        answer = await self.desk.call(
            "intake",
            "POST",
            f"/webhooks/{channel}",
            content=body,
            headers={
                "content-type": "application/json",
                "webhook-id": "msg",
                "webhook-timestamp": str(at),
                "webhook-signature": signature,
            },
        )
        assert answer.status_code in (200, 202), answer.text

    def _item(self, item: Item) -> dict[str, Any]:
        whole = {
            "id": self._external(item.id),
            "thread_id": self._external(item.thread),
            "parent_id": None if item.parent is None else self._parent(item.parent),
            "author": {"id": OWN_ID if isinstance(item, OwnPost) else self._external(item.person)},
            "text": item.text if isinstance(item, OwnPost) else f"Frage {item.id}",
            "sent_at": None if item.sent_at is None else item.sent_at.isoformat(),
        }
        return {name: value for name, value in whole.items() if value is not None}

    def _parent(self, parent: str) -> str:
        return self._external(parent)

    async def _reply(self, step: Reply) -> None:
        inquiry = await self._inquiry(step.inquiry_of)
        body = {
            "kind": step.kind,
            "text": step.text,
            "external_id": step.external_id and self._external(step.external_id),
            "sent_at": step.sent_at and step.sent_at.isoformat(),
            **await self._read_until(step.read_until),
        }
        answer = await self._act(
            step,
            "intake",
            f"/inquiries/{inquiry}/replies",
            {name: value for name, value in body.items() if value is not None},
            headers={"Idempotency-Key": self._external(step.id)},
        )
        if answer.is_success:
            self.replies[step.id] = UUID(answer.json()["message_id"])

    async def _at_router(self, step: RouterAct) -> None:
        message = await self._message(step.inquiry_of)
        query = select(todo_messages.c.inquiry_id).where(todo_messages.c.message_id == message)

        def found(tx: Read) -> UUID:
            return UUID(str(tx.execute(query).scalar_one()))

        inquiry = await self.desk.router.database.read(found)
        listed = await self.desk.shown("router", "/todos", inquiry_id=str(inquiry))
        (todo,) = listed["items"]
        path = f"/todos/{todo['id']}"
        match step:
            case Reopen():
                # An appeal takes back what reopening does, and leaves the clock what was left.
                rude = todo["dismiss_reason"] == "netiquette"
                verb = "appeal" if rude else "reopen"
                await self._act(step, "router", f"{path}/{verb}", {"reason": "doch nicht"})
            case Complete():
                body = await self._read_until(step.read_until)
                await self._act(step, "router", f"{path}/complete", body)
            case Dismiss():
                body = {"reason": step.reason, **await self._read_until(step.read_until)}
                await self._act(step, "router", f"{path}/dismiss", body)

    async def _act(
        self, step: Step, service: str, path: str, body: dict[str, Any], **more: Any
    ) -> httpx.Response:
        answer = await self.desk.call(service, "POST", path, json=body, **more)
        refused = self.expected.left_out.get(step.id)
        if refused is None:
            assert answer.is_success, (step, answer.text)
        else:
            assert answer.status_code == REFUSED[refused], (step, answer.text)
        return answer

    async def _read_until(self, message: str | None) -> dict[str, str]:
        return {} if message is None else {"read_until": str(await self._message(message))}

    def _external(self, name: str) -> str:
        return f"{self.name}-{name}"

    def _channel(self, thread: str) -> str:
        return self.threads[thread].channel.replace("-", "_")

    async def _message(self, name: str) -> UUID:
        m = messages.c
        query = select(m.id).where(m.external_id == self._external(name))

        def found(tx: Read) -> UUID:
            return UUID(str(tx.execute(query).scalar_one()))

        return await self.desk.intake.database.read(found)

    async def _inquiry(self, message: str) -> UUID:
        m = messages.c
        query = select(m.inquiry_id).where(m.external_id == self._external(message))

        def found(tx: Read) -> UUID:
            return UUID(str(tx.execute(query).scalar_one()))

        return await self.desk.intake.database.read(found)

    async def _outcome(self, order: Order) -> Outcome:
        found = []
        for row, ids in await self.desk.intake.database.read(self._rows):
            names = list(ids)
            thread = self._thread_of(names, order)
            clock = await self._clock(row) if thread.promised else None
            await self._check_todo(row, ids)
            found.append(
                InquiryOutcome(
                    frozenset(names),
                    row["state"],
                    row["received_at"],
                    row["answered_at"],
                    (),
                    clock,
                )
            )
        return Outcome(found)

    def _rows(self, tx: Read) -> list[tuple[dict[str, Any], dict[str, UUID]]]:
        """The story's inquiries, each with the ids of its messages by their names."""
        m, prefix = messages.c, f"{self.name}-"
        ids: dict[UUID, dict[str, UUID]] = {}
        mine = select(m.inquiry_id, m.external_id, m.id).where(
            m.external_id.startswith(prefix), m.kind == "inbound"
        )
        for inquiry_id, external_id, message_id in tx.execute(mine):
            ids.setdefault(inquiry_id, {})[external_id.removeprefix(prefix)] = message_id
        whole = tx.rows(select(inquiries).where(inquiries.c.id.in_(list(ids))))
        return [(row, ids[row["id"]]) for row in whole]

    def _thread_of(self, names: list[str], order: Order) -> Thread:
        for step in order:
            for item in step.items if isinstance(step, Delivery) else ():
                if isinstance(item, Message) and item.id in names:
                    return self.threads[item.thread]
        raise LookupError(names)

    async def _clock(self, row: dict[str, Any]) -> ClockOutcome:
        shown = await self.desk.shown("sla", f"/deadlines/{row['id']}")
        started = datetime.fromisoformat(shown["received_at"])
        if shown["answered_at"] is not None:
            return ClockOutcome(started, datetime.fromisoformat(shown["answered_at"]), "met")
        if shown["cancelled_at"] is not None:
            ended = datetime.fromisoformat(shown["cancelled_at"])
            return ClockOutcome(started, ended, "cancelled")
        return ClockOutcome(started)

    async def _check_todo(self, row: dict[str, Any], ids: Mapping[str, UUID]) -> None:
        """The router agrees: the same messages, and the same end."""
        listed = await self.desk.shown("router", "/todos", inquiry_id=str(row["id"]))
        assert len(listed["items"]) == 1, (row, listed)
        todo = await self.desk.shown("router", f"/todos/{listed['items'][0]['id']}")
        mine = {str(each) for each in ids.values()}
        assert {each["message_id"] for each in todo["messages"]} == mine, (row, todo)
        expected = {
            "answered": {"done"},
            "closed": {"dismissed"},
            "no_answer": {"dismissed"},
        }.get(row["state"], {"open", "claimed"})
        assert todo["state"] in expected, (row, todo)
        ended = datetime.fromisoformat(todo["ended_at"]) if todo["ended_at"] else None
        assert ended == row["ended_at"], (row, todo)


async def end_as_the_rules_say(
    desk: Running, first: int, written: Callable[[int], Story] = generate
) -> None:
    """Tell some stories, each in one of its orders, and compare with the oracle."""
    for seed in range(first, first + AT_ONCE):
        story = written(seed)
        order = orders(story, random.Random(seed), 2)[-1 if seed % 2 else 0]
        expected = tell(story.threads, order)
        threads = {each.id: each for each in story.threads}
        found = await WriteContext(desk, f"s{seed}", threads, expected).tell(order)
        wrong = [
            *one_clock(found, story.threads, messages_of(order)),
            *differences(expected, found),
        ]
        assert not wrong, (seed, order, wrong)
