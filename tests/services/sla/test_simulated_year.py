"""Two years, hour by hour: every clock ends where a plain calculation says, and tells it once.

The service's own store, verbs and timers run on a clock that jumps from one moment to the next: to
every full hour, to everything that happens, and to every moment for which the timers ask. Now and
then nobody runs; what happens meanwhile waits on the bus.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.sla.deadlines.store.deadlines import next_action
from services.sla.deadlines.store.hand_overs import HandOverRow
from services.sla.deadlines.usecases.pause import pause, resume
from services.sla.timers.ticker import Ticker
from shared.errors import ConflictError, InvalidError
from shared.events import Fact
from tests.services.sla.desk import SlaBench, sla_bench
from tests.services.sla.hand_over_reference import (
    HandOverWatch,
    hand_over_warnings,
)
from tests.services.sla.year_lives import Life, random_life, random_outages, year_policy
from tests.services.sla.year_reference import (
    DAY,
    HOUR,
    SECOND,
    Done,
    Outages,
    Watch,
    index,
    instant,
    warnings,
)

SEED = int(os.environ.get("TEST_DESK_SEED", "2026"))
HAND_OVER_OUTCOMES = ("met", "met_late", "breached", "open", "cancelled")
BY_PERSON = {"pause", "resume"}
Told = tuple[str, str, str, str, datetime, datetime]


@dataclass
class Driver:
    bench: SlaBench
    ticker: Ticker
    outages: Outages
    down: bool = False
    changed: bool = False
    next: datetime | None = None
    waiting: list[Fact] = field(default_factory=list)

    async def go_to(self, moment: int) -> None:
        """Let time pass, with the timers woken at every moment for which they ask."""
        while not self.down and self.next is not None and index(self.next) < moment:
            assert self.next >= self.bench.clock.now()
            self.bench.clock.set(self.next)
            await self.tick()
        self.bench.clock.set(instant(moment))
        down = any(begin <= moment < end for begin, end in self.outages)
        if self.down and not down:
            await self.bench.hears(*self.waiting)
            self.waiting.clear()
            self.changed = True
        self.down = down

    async def tick(self) -> None:
        """As the timers would at this moment; afterwards nothing is due that was not told."""
        if self.down:
            return
        now = self.bench.clock.now()
        while await self.ticker.tick(now):
            self.changed = True
        if self.changed:
            self.next = await self.bench.service.database.read(next_action)
            self.changed = False
        assert self.next is None or self.next > now

    async def happen(self, life: Life, done: Done) -> None:
        self.changed = True
        if done.kind in BY_PERSON:
            if not self.down:
                await self._act(life, done)
            return
        if done.kind != "receive":
            life.history.append(done)
        fact = life.fact(done)
        if self.down:
            self.waiting.append(fact)
        else:
            await self.bench.hears(fact)

    async def _act(self, life: Life, done: Done) -> None:
        allowed = life.watch(done.at).accepts(done)
        common: dict[str, Any] = {
            "inquiry_id": life.inquiry.id,
            "by": "anna",
            "policy_versions": self.bench.policy_versions,
            "now": instant(done.at),
        }
        database = self.bench.service.database
        try:
            if done.kind == "pause":
                until = instant(done.until)
                await database.write(pause, reason="asked", until=until, **common)
            else:
                await database.write(resume, **common)
        except (ConflictError, InvalidError):
            assert not allowed
        else:
            assert allowed
            life.history.append(done)


async def _live(driver: Driver, lives: Sequence[Life], *, first: int, last: int) -> int:
    """Everything in its order; how many looks into the past agreed."""
    dice, looks = Random(SEED + 1), 0
    happens = [
        (done.at, number, done)
        for number, life in enumerate(lives)
        for done in (Done("receive", life.received), *life.plan)
        if done.at < last
    ]
    happens.sort(key=lambda each: each[0])
    place = 0
    edges = {edge for outage in driver.outages for edge in outage}
    begun: list[Life] = []
    for moment in sorted({*range(first, last + 1, HOUR), *(at for at, *_ in happens), *edges}):
        await driver.go_to(moment)
        while place < len(happens) and happens[place][0] == moment:
            _, number, done = happens[place]
            await driver.happen(lives[number], done)
            if done.kind == "receive":
                begun.append(lives[number])
            place += 1
        await driver.tick()
        if begun and not driver.down and dice.random() < 0.02:
            life = dice.choice(begun[-40:])
            as_of = dice.randrange(life.received, moment + 1, SECOND)
            await _agrees(driver.bench, life, as_of)
            looks += 1
    return looks


async def _agrees(bench: SlaBench, life: Life, as_of: int) -> None:
    shown = await bench.get(f"deadlines/{life.inquiry.id}", as_of=instant(as_of).isoformat())
    watch = life.watch(as_of)
    target = watch.targets[-1]
    assert (shown["state"], shown["target"]) == (target.phase, target.kind)
    assert _moment(shown["due_at"]) == instant(target.due)
    assert shown["breached_at"] is None or _moment(shown["breached_at"]) == instant(
        watch.breached or 0
    )
    answers = [each["state"] for each in shown["targets"] if each["number"]]
    assert answers == [each.phase for each in watch.targets]
    hand_over, stood = life.hand_over(as_of), shown["hand_over"]
    assert (stood and stood["state"]) == (hand_over and hand_over.phase)
    if stood and hand_over:
        assert _moment(stood["due_at"]) == instant(hand_over.targets[0].due)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _expected(lives: Sequence[Life], outages: Outages, until: int) -> Counter[Told]:
    told: Counter[Told] = Counter()
    for life in lives:
        watch, key = life.watch(until), str(life.inquiry.id)
        for kind, level, at, due in warnings(watch, outages, until):
            told["deadline.warning", key, kind, level, instant(at), instant(due)] += 1
        for target in watch.targets:
            if target.breached is not None:
                due_at = instant(target.due)
                told["deadline.breached", key, target.kind, "", due_at, due_at] += 1
        _expect_hand_over(told, life, outages, until)
    return told


def _expect_hand_over(told: Counter[Told], life: Life, outages: Outages, until: int) -> None:
    hand_over, key = life.hand_over(until), str(life.inquiry.id)
    if hand_over is None:
        return
    for kind, level, at, due in hand_over_warnings(hand_over, outages, until):
        told["deadline.warning", key, kind, level, instant(at), instant(due)] += 1
    target = hand_over.targets[0]
    if target.breached is not None:
        since, due_at = instant(target.breached), instant(target.due)
        told["deadline.breached", key, target.kind, "", since, due_at] += 1


async def _published(bench: SlaBench) -> Counter[Told]:
    return Counter(
        (
            each["type"],
            each["inquiry_id"],
            each["target"],
            each.get("level", ""),
            _moment(each["at"]),
            _moment(each["due_at"]),
        )
        for each in await bench.published()
        if each["type"] in {"deadline.warning", "deadline.breached"}
    )


async def _rows_agree(bench: SlaBench, lives: Sequence[Life], until: int) -> Counter[str]:
    """The rows as the timers left them; how many clocks are in each state."""
    states: Counter[str] = Counter()
    for life in lives:
        row, watch = await bench.row(life.inquiry.id), life.watch(until)
        target = watch.targets[-1]
        assert (row["state"], row["target"]) == (target.phase, target.kind), row
        assert row["due_at"] == instant(target.due)
        assert row["breached_at"] == (None if watch.breached is None else instant(watch.breached))
        ended = None if target.ended is None else instant(target.ended)
        assert (row["cancelled_at"] or row["answered_at"]) == ended
        _hand_over_agrees(await bench.hand_over_row(life.inquiry.id), life.hand_over(until))
        states[target.phase] += 1
    return states


def _hand_over_agrees(row: HandOverRow | None, hand_over: HandOverWatch | None) -> None:
    if hand_over is None or hand_over.phase is None:
        assert row is None
        return
    target = hand_over.targets[0]
    taken = hand_over.phase in {"met", "met_late"}
    assert row is not None
    assert row == HandOverRow(
        inquiry_id=row.inquiry_id,
        state=hand_over.phase,
        due_at=instant(target.due),
        breached_at=None if target.breached is None else instant(target.breached),
        taken_over_at=instant(target.ended or 0) if taken else None,
    )


async def _report_agrees(bench: SlaBench, lives: Sequence[Life], first: int, until: int) -> None:
    span = {"from": instant(first).isoformat(), "to": instant(until).isoformat()}
    report = await bench.get("reports/promise", group_by="promise", **span)
    counts = Counter((life.spec.name, _outcome(life.watch(until))) for life in lives)
    for line in report["lines"]:
        found = {name: line[name] for name in ("met", "met_late", "breached", "open")}
        found["cancelled"] = sum(line["cancelled"].values())
        assert found == {name: counts[line["group"], name] for name in found}
    assert sum(line["promised"] for line in report["lines"]) == len(lives)
    hand_over = Counter(
        (life.spec.name, _hand_over_outcome(watch))
        for life in lives
        if (watch := life.hand_over(until)) is not None and watch.phase is not None
    )
    for line in report["hand_over"]:
        found = {name: line[name] for name in HAND_OVER_OUTCOMES}
        assert found == {name: hand_over[line["group"], name] for name in found}
    assert sum(line["owed"] for line in report["hand_over"]) == hand_over.total()


def _hand_over_outcome(watch: HandOverWatch) -> str:
    phase = str(watch.phase)
    return "open" if phase in {"running", "paused"} else phase


def _outcome(watch: Watch) -> str:
    """As the report has it: a missed target counts, whatever came afterwards."""
    phase, missed = watch.targets[-1].phase, watch.breached is not None
    if phase == "cancelled":
        return phase
    if phase in {"met", "met_late"}:
        return "met_late" if missed else "met"
    return "breached" if missed else "open"


@asynccontextmanager
async def _driver(
    database_url: str, folder: Path, first: int, outages: Outages
) -> AsyncIterator[Driver]:
    async with sla_bench(database_url, folder, policy=year_policy(), now=instant(first)) as bench:
        yield Driver(bench, bench.ticker(), outages)


@pytest.mark.parametrize(
    ("database_url", "end", "inquiries"),
    [
        ("sqlite", datetime(2028, 1, 1, tzinfo=UTC), 400),
        ("postgresql", datetime(2026, 3, 10, tzinfo=UTC), 100),
    ],
    indirect=["database_url"],
)
async def test_every_hour_of_two_years(
    database_url: str, end: datetime, inquiries: int, tmp_path: Path
) -> None:
    print(f"TEST_DESK_SEED={SEED}")  # noqa: T201 - shown with a failure, to repeat it
    dice = Random(SEED)
    first, last = index(datetime(2026, 1, 1, tzinfo=UTC)), index(end)
    lives = [random_life(dice, first, last) for _ in range(inquiries)]
    outages = random_outages(dice, first, last, (last - first) // (18 * DAY))
    async with _driver(database_url, tmp_path, first, outages) as driver:
        looks = await _live(driver, lives, first=first, last=last)
        bench = driver.bench
        states = await _rows_agree(bench, lives, last)
        published, expected = await _published(bench), _expected(lives, outages, last)
        assert published == expected
        assert set(published.values()) == {1}
        await _report_agrees(bench, lives, first, last)
        types = Counter(
            (each["type"], each["inquiry_id"])
            for each in await bench.published()
            if each["target"] != "hand_over"
        )
    ends = [life for life in lives if life.watch(last).targets[-1].ended is not None]
    assert all(types["deadline.started", str(life.inquiry.id)] == 1 for life in lives)
    for life in ends:
        key = str(life.inquiry.id)
        assert types["deadline.met", key] + types["deadline.cancelled", key] == 1
    assert looks > 20
    assert {"met", "met_late", "cancelled", "breached"} <= states.keys()
    kinds = {(type_, target) for type_, _, target, *_ in published}
    assert kinds == {
        (f"deadline.{what}", target)
        for what in ("warning", "breached")
        for target in ("first_answer", "follow_up", "hand_over")
    }
