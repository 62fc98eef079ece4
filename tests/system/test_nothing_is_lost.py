"""Inquiries through a desk whose processes are killed at random moments.

`TEST_DESK_INQUIRIES` says how many; more of them only make the bursts between the deaths longer.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Select, func, select

from services.intake import tables as intake
from services.router import tables as router
from services.sla import tables as sla
from shared.messaging.outbox import OUTBOX
from tests.system.copies import Row, differences
from tests.system.desk import SERVICES, Caller, Desk, Instance, delivered, desk_of

INQUIRIES = int(os.environ.get("TEST_DESK_INQUIRIES", "400"))
SENT_TWICE = INQUIRIES // 10
HELD = 60
REROUTED = 36
ENDED = 36
ENDED_HELD = 36
KILLS = 3
SENDERS = 24
PROMISED = ("facebook", "instagram", "mastodon", "email", "web_form", "hotline")
BEST_EFFORT = ("youtube", "flickr")
SEED = int(os.environ.get("TEST_DESK_SEED", str(random.SystemRandom().randrange(2**32))))
TEXTS = (
    "Seit dem Update kommt beim Anmelden Fehler 500.",
    "Was kostet die Lizenz für drei Redakteure?",
    "Wann beginnt das #clouddevcamp2026?",
    "Ihr seid solche Idioten.",
)


@dataclass(slots=True)
class Storm:
    """What was sent and what the desk said about it."""

    desk: Desk
    caller: Caller
    chance: random.Random
    inquiry_of: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    rerouted: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    completed: set[str] = field(default_factory=set)
    taken: int = 0
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def known(self) -> set[str]:
        return {inquiry for found in self.inquiry_of.values() for inquiry in found}

    def choose(self, among: AbstractSet[str], count: int) -> list[str]:
        fresh = sorted(among - self.answered - self.completed)
        return self.chance.sample(fresh, min(len(fresh), count))

    async def send(self, letters: Sequence[tuple[str, str]]) -> None:
        """All of them, by senders side by side, each until the desk has it."""
        waiting = list(letters)

        async def sender() -> None:
            while waiting:
                await self._deliver(*waiting.pop())
                async with self.progress:
                    self.taken += 1
                    self.progress.notify_all()

        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(sender())

    async def hold(self, inquiries: Sequence[str]) -> None:
        """Tell these customers that it will take until the day after tomorrow."""
        until = datetime.now(UTC) + timedelta(days=2)
        reply = {
            "kind": "holding",
            "text": "Wir prüfen das und melden uns übermorgen.",
            "follow_up_at": until.isoformat(),
        }
        for inquiry in inquiries:
            path = f"/intake/v1/inquiries/{inquiry}/replies"
            await delivered(
                lambda path=path, key=f"hold-{inquiry}": self.caller.call(  # type: ignore[misc]
                    "POST", path, reply, once=key
                )
            )
            self.held.add(inquiry)

    async def end(self, answered: Sequence[str], completed: Sequence[str]) -> None:
        """Answer some of them in writing, others by a call that the desk notes."""
        self.answered |= set(answered)
        self.completed |= set(completed)
        reply = {"kind": "answer", "text": "Das ist behoben."}
        for inquiry in answered:
            path = f"/intake/v1/inquiries/{inquiry}/replies"
            await delivered(
                lambda path=path, key=f"answer-{inquiry}": self.caller.call(  # type: ignore[misc]
                    "POST", path, reply, once=key
                )
            )
        for inquiry in completed:
            await self._act(inquiry, "complete", {})

    async def reroute(self, inquiries: Sequence[str]) -> None:
        """Hand these to the other desk."""
        for inquiry in inquiries:
            desk = (await self._todo(inquiry))["desk"]
            other = "inbound" if desk == "technical" else "technical"
            await self._act(inquiry, "reroute", {"desk": other, "reason": "belongs there"})
            self.rerouted.add(inquiry)

    async def _act(self, inquiry: str, verb: str, body: dict[str, str]) -> None:
        path = f"/router/v1/todos/{(await self._todo(inquiry))['id']}/{verb}"
        # Whose answer was lost with its process finds that it has been done.
        await delivered(lambda: self.caller.call("POST", path, body), done_before=409)

    async def _todo(self, inquiry: str) -> dict[str, Any]:
        """As soon as the router has heard of it."""
        asked = {"inquiry_id": inquiry}
        async with asyncio.timeout(120):
            while True:
                found = await delivered(
                    lambda: self.caller.call("GET", "/router/v1/todos", params=asked)
                )
                for todo in found.json()["items"]:
                    return dict(todo)
                await asyncio.sleep(0.2)

    async def kill(self, victims: Sequence[Instance], *, after: int) -> None:
        """Let them die when the desk has taken so many letters more, and bring them back."""
        wanted = self.taken + after
        async with self.progress:
            await self.progress.wait_for(lambda: self.taken >= wanted)
        await asyncio.gather(*(asyncio.to_thread(each.kill) for each in victims))
        await asyncio.sleep(self.chance.uniform(0.0, 0.5))
        await asyncio.gather(*(asyncio.to_thread(each.start) for each in victims))

    async def _deliver(self, channel: str, external_id: str) -> None:
        text = TEXTS[hash(external_id) % len(TEXTS)]
        if channel == "web_form":
            body = {
                "channel": channel,
                "author": {"email": f"{external_id}@example.org"},
                "text": text,
                "external_id": external_id,
            }
            answer = await delivered(lambda: self.caller.call("POST", "/intake/v1/inquiries", body))
            inquiry = answer.json()["inquiry_id"]
        else:
            data = {"id": external_id, "author": {"id": f"u-{external_id}"}, "text": text}
            answer = await delivered(lambda: self.caller.webhook(channel, data))
            (inquiry,) = answer.json()["inquiries"]
        self.inquiry_of.setdefault((channel, external_id), set()).add(inquiry)


@pytest.mark.parametrize("mode", ["embedded", "distributed"])
async def test_every_inquiry_has_one_todo_and_one_clock_whoever_dies(
    mode: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    print(f"TEST_DESK_SEED={SEED}")  # noqa: T201 - shown when it fails, to repeat it
    began = datetime.now(UTC) - timedelta(seconds=1)
    async with desk_of(mode, tmp_path, request) as desk, Caller(desk) as caller:
        storm = Storm(desk, caller, random.Random(SEED))
        await asyncio.to_thread(desk.start)
        await _weather(storm)
        await desk.quiet(lambda: _written(desk))
        await _nothing_lost_nothing_doubled(storm)

        # The same facts once more, as after a restored backup: they change nothing.
        before = await _written(desk)
        await _again(desk, began)
        await desk.quiet(lambda: _written(desk))
        assert await _written(desk) == before
        await _nothing_lost_nothing_doubled(storm)


async def _weather(storm: Storm) -> None:
    """Send in bursts; in each of them somebody dies."""
    letters = [
        (storm.chance.choice((*PROMISED, *PROMISED, *BEST_EFFORT)), f"ext-{number}")
        for number in range(INQUIRIES)
    ]
    letters += storm.chance.sample(letters, SENT_TWICE)
    storm.chance.shuffle(letters)
    deaths = _deaths(storm)
    share = -(-len(letters) // len(deaths))
    for number, victims in enumerate(deaths):
        burst = letters[number * share : (number + 1) * share]
        ended = storm.choose(storm.held, ENDED_HELD // len(deaths))
        ended += storm.choose(storm.known - storm.held, ENDED // len(deaths))
        moved = storm.choose(storm.known - storm.rerouted - set(ended), REROUTED // len(deaths))
        held = storm.choose(storm.known - storm.held - set(ended), HELD // len(deaths))
        async with asyncio.TaskGroup() as together:
            together.create_task(storm.send(burst))
            together.create_task(storm.hold(held))
            together.create_task(storm.reroute(moved))
            together.create_task(storm.end(ended[::2], ended[1::2]))
            together.create_task(storm.kill(victims, after=storm.chance.randrange(len(burst))))


def _deaths(storm: Storm) -> list[list[Instance]]:
    """Who dies in which burst: of each service one instance, the other, and both at once."""
    parts = storm.desk.parts
    if storm.desk.embedded:
        return [list(parts["run"]) for _ in range(KILLS)]
    found = [
        victims
        for name in SERVICES
        for victims in ([parts[name][0]], [parts[name][1]], list(parts[name]))
    ]
    storm.chance.shuffle(found)
    return found


async def _again(desk: Desk, since: datetime) -> None:
    if desk.embedded:
        desk.kill()
    told = await asyncio.gather(
        *(
            asyncio.to_thread(desk.run, "replay", service, "--since", since.isoformat())
            for service in SERVICES
        )
    )
    assert all(int(each.split()[0]) > INQUIRIES / 2 for each in told), told
    await asyncio.to_thread(desk.start)


async def _written(desk: Desk) -> list[int]:
    """Rows of each service's outbox, and those of them that wait."""

    found = []
    for service in SERVICES:
        found += await desk.read(
            service,
            lambda tx: [
                int(tx.execute(select(func.count()).select_from(OUTBOX)).scalar_one()),
                int(
                    tx.execute(
                        select(func.count())
                        .select_from(OUTBOX)
                        .where(OUTBOX.c.published_at.is_(None))
                    ).scalar_one()
                ),
            ],
        )
    return found


async def _nothing_lost_nothing_doubled(storm: Storm) -> None:
    desk, caller = storm.desk, storm.caller
    assert len(storm.inquiry_of) == INQUIRIES
    assert all(len(found) == 1 for found in storm.inquiry_of.values())
    channel_of = {UUID(next(iter(v))): k[0] for k, v in storm.inquiry_of.items()}
    everything = set(channel_of)
    promised = {each for each, channel in channel_of.items() if channel in PROMISED}
    assert len(everything) == INQUIRIES

    inquiries = await desk.read("intake", lambda tx: tx.rows(select(intake.inquiries)))
    _each_once("inquiry", [each["id"] for each in inquiries], everything)
    inbound = select(intake.messages).where(intake.messages.c.kind == "inbound")
    messages = await desk.read("intake", lambda tx: tx.rows(inbound))
    sent = set(storm.inquiry_of)
    _each_once("message", [(each["channel"], each["external_id"]) for each in messages], sent)
    with_todo = [each["id"] for each in inquiries if each["todo_id"] is not None]
    _each_once("inquiry that names its ToDo", with_todo, everything)

    todos = await desk.read("router", lambda tx: tx.rows(select(router.todos)))
    _each_once("ToDo", [each["inquiry_id"] for each in todos], everything)
    assert {each["message_count"] for each in todos} == {1}
    clocks = await desk.read("sla", lambda tx: tx.rows(select(sla.deadlines)))
    due = {each["inquiry_id"]: each["due_at"] for each in clocks if each["due_at"] is not None}
    _each_once("row of the clocks", [each["inquiry_id"] for each in clocks], everything)
    _each_once("clock", list(due), promised)
    with_desk = [each["inquiry_id"] for each in clocks if each["desk"] is not None]
    _each_once("clock's row that names the desk", with_desk, everything)
    shown_due = {each["inquiry_id"]: each["due_at"] for each in todos}
    timely = [each for each in shown_due if shown_due[each] == due.get(each, router.NEVER)]
    _each_once("ToDo that shows its due time", timely, everything)

    await _each_fact_once(storm, everything, promised)

    async def look(service: str, query: Select[*tuple[Any, ...]]) -> list[Row]:
        return [*await desk.read(service, lambda tx: tx.rows(query))]

    wrong = await differences(look)
    assert not wrong, f"{len(wrong)} copies differ: {wrong[:5]}"

    listed = await caller.all("/router/v1/todos")
    _each_once("listed ToDo", [UUID(each["inquiry_id"]) for each in listed], everything)
    listed = await caller.all("/sla/v1/deadlines")
    _each_once("listed deadline", [UUID(each["inquiry_id"]) for each in listed], promised)


async def _each_fact_once(storm: Storm, everything: set[UUID], promised: set[UUID]) -> None:
    held = {UUID(each) for each in storm.held}
    answered = {UUID(each) for each in storm.answered}
    completed = {UUID(each) for each in storm.completed}
    rerouted = {UUID(each) for each in storm.rerouted}
    expected = {
        "inquiry.received": everything,
        "inquiry.held": held,
        "inquiry.answered": answered,
        "todo.created": everything,
        "todo.rerouted": rerouted,
        "todo.completed": answered | completed,
        "deadline.started": promised,
        "deadline.met": promised & (answered | completed),
        "deadline.breached": set[UUID](),
    }
    told: dict[str, list[UUID]] = {}
    ends: list[tuple[UUID, str, str]] = []
    for service in SERVICES:
        rows = await storm.desk.read(
            service, lambda tx: tx.rows(select(OUTBOX.c.type, OUTBOX.c.payload))
        )
        for row in rows:
            fact = json.loads(row["payload"])
            about = UUID(fact.get("inquiry_id", str(UUID(int=0))))
            if row["type"] == "deadline.met" and about in held:
                ends.append((about, fact["target"], fact["due_at"]))
            else:
                told.setdefault(row["type"], []).append(about)
    # Where a call ended it before the holding reply was heard of, on another topic, the end is
    # published once more, with the target that it turned out to be of.
    _each_once("end of a target", ends, set(ends))
    told.setdefault("deadline.met", []).extend({about for about, *_ in ends})
    for type_, about_whom in expected.items():
        _each_once(type_, told.get(type_, []), about_whom)
    # The desk's people see each of it once: a line of the history has no id of its own.
    lines = select(router.todos.c.inquiry_id, router.history.c.what).join(
        router.history, router.history.c.todo_id == router.todos.c.id
    )
    seen = await storm.desk.read("router", lambda tx: tx.rows(lines))
    done = {"held": held, "rerouted": rerouted, "completed": answered | completed}
    _each_once(
        "line of the history",
        [(each["what"], each["inquiry_id"]) for each in seen],
        {(what, inquiry) for what, inquiries in done.items() for inquiry in inquiries},
    )


def _each_once(what: str, found: Sequence[Hashable], expected: AbstractSet[Hashable]) -> None:
    """Short words, because a comparison of a thousand ids says nothing."""
    counts = Counter(found)
    lost = sorted(map(str, expected - counts.keys()))
    strange = sorted(map(str, counts.keys() - expected))
    doubled = sorted(str(each) for each, count in counts.items() if count > 1)
    said = f"{what}: {len(lost)} lost, {len(doubled)} doubled, {len(strange)} out of nowhere"
    wrong = lost + doubled + strange
    assert not wrong, f"{said}: {wrong[:5]}"
