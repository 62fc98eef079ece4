"""What the deadline poller costs with a million open clocks, against a thousand, in one run.

Prints ratios only: absolute times say more about the machine than about the code. Needs
PostgreSQL, see tests/support/backing.py. Run it with `python -m bench.deadlines`; with
`--open 100000 --storm 20000` it is done in half a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from services.sla.deadlines.store import deadlines
from services.sla.deadlines.usecases.start_clocks import Receipt, start_clocks
from services.sla.promises.policy_version import policy_version_of
from services.sla.promises.versions import PolicyVersions
from services.sla.timers.tick import tick
from shared.db import Database, Read, Write, open_database
from shared.db.migrate import upgrade
from shared.events.inquiries import InquiryReceived
from shared.policy import load_policy
from shared.runtime.ids import new_id
from tests.support import backing
from tests.support.postgres import fresh_database

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FEW, ROUNDS = 1_000, 300
SAME_SECOND, CLAIM_ROWS = 10_000, 500
CLAIMS_A_SECOND = 30_000
FILLED_AT_ONCE = 20_000

_OPEN = text(
    "INSERT INTO deadlines (inquiry_id, conversation_id, state, channel, desk, contact_id, edition,"
    " promise, target, received_at, received_week, due_at, next_action_at)"
    " SELECT gen_random_uuid(), gen_random_uuid(), 'running', 'email', 'inbound',"
    " gen_random_uuid(), 'bench', 'answer', 'first_answer', CAST(:now AS timestamptz), '2026-W10',"
    " CAST(:due AS timestamptz) + n * interval '1 millisecond',"
    " CAST(:due AS timestamptz) + n * interval '1 millisecond'"
    " FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n"
)


async def fill(database: Database, *, count: int, due: datetime) -> None:
    """Open clocks whose next actions lie a millisecond apart, from `due` on."""
    for first in range(1, count + 1, FILLED_AT_ONCE):
        last = min(count, first + FILLED_AT_ONCE - 1)
        await database.write(_fill, first=first, last=last, due=due)


def _fill(tx: Write, *, first: int, last: int, due: datetime) -> None:
    tx.execute(_OPEN, {"now": NOW, "due": due, "first": first, "last": last})


def claim(tx: Write, *, now: datetime) -> tuple[int, float]:
    """Claim a batch as the timers do, and note that nothing is due on it: rows and seconds."""
    started = time.perf_counter()
    rows = deadlines.claim_due(tx, now=now, limit=CLAIM_ROWS)
    seconds = time.perf_counter() - started
    deadlines.change(tx, {row.inquiry_id: {"next_action_at": None} for row in rows})
    return len(rows), seconds


def buffers(tx: Read, *, since: datetime | None) -> int:
    """Pages that a look for the next action touches, as PostgreSQL counts them."""
    deadlines.next_action(tx, since=since)  # takes over how the poller tunes its plan
    query = deadlines.first_action(since=since).compile(
        dialect=tx.connection.dialect, compile_kwargs={"literal_binds": True}
    )
    (plan,) = tx.execute(text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}")).scalar_one()
    top: dict[str, Any] = plan["Plan"]
    return int(top["Shared Hit Blocks"]) + int(top["Shared Read Blocks"])


def breaches(tx: Read) -> tuple[int, int]:
    """Breaches in the outbox, and the inquiries that they are about."""
    found = tx.execute(
        text(
            "SELECT count(*), count(DISTINCT payload::json ->> 'inquiry_id') FROM outbox"
            " WHERE type = 'deadline.breached'"
        )
    ).one()
    return int(found[0]), int(found[1])


@dataclass(frozen=True, slots=True)
class Idle:
    """What a tick with nothing due costs."""

    seconds: float
    pages: int


async def idle_ticks(few: Database, many: Database, *, whole: bool = False) -> tuple[Idle, Idle]:
    """The look of a tick with nothing due, from the watermark that was worked off, or `whole`.

    Interleaved rounds, so that a busy machine disturbs both sides alike.
    """
    sides = []
    for database in (few, many):
        first = await database.read(deadlines.next_action)
        assert first is not None
        assert first > NOW
        sides.append((database, None if whole else NOW, list[float]()))
    for _ in range(ROUNDS):
        for database, since, seconds in sides:
            started = time.perf_counter()
            await database.read(deadlines.next_action, since=since)
            seconds.append(time.perf_counter() - started)
    small, large = [
        Idle(median(seconds), await database.read(buffers, since=since))
        for database, since, seconds in sides
    ]
    return small, large


async def storm(database: Database, *, claims: int) -> None:
    """Let many clocks fall due and be claimed, as after an outage."""
    await fill(database, count=claims, due=NOW - timedelta(days=1))
    while (await database.write(claim, now=NOW))[0]:
        pass


def inquiry() -> Receipt:
    return Receipt(
        new_id(),
        InquiryReceived(
            inquiry_id=new_id(),
            conversation_id=new_id(),
            contact_id=new_id(),
            message_id=new_id(),
            channel="email",
            received_at=NOW - timedelta(days=7),
            text="Wann öffnet die Anmeldung?",
        ),
    )


async def same_second(database: Database, url: str, policy_versions: PolicyVersions) -> None:
    """Clocks that fall due together, handled by two processes side by side."""
    for _ in range(SAME_SECOND // CLAIM_ROWS):
        batch = [inquiry() for _ in range(CLAIM_ROWS)]
        await database.write(
            start_clocks, batch, policy_versions=policy_versions, now=NOW - timedelta(days=7)
        )
    told = await asyncio.gather(instance("tick", url), instance("tick", url))
    count, distinct = await database.read(breaches)
    assert count == distinct == SAME_SECOND, (count, distinct)
    shares = " and ".join(f"{each['rows'] / SAME_SECOND:.0%}" for each in told)
    print(f"{SAME_SECOND} due in the same second: each told exactly once by two, {shares}")
    await fill(database, count=2 * SAME_SECOND, due=NOW - timedelta(days=1))
    claimed = await asyncio.gather(instance("claim", url), instance("claim", url))
    assert sum(each["rows"] for each in claimed) == 2 * SAME_SECOND
    rate = sum(each["rows"] / each["seconds"] for each in claimed if each["rows"])
    _print(f"claims of two instances vs {CLAIMS_A_SECOND} rows/s", rate / CLAIMS_A_SECOND, "least")


async def instance(job: str, url: str) -> dict[str, Any]:
    """Another process of this file, and what it says at its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.deadlines", "--job", job, "--url", url,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the instance for {job} ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


async def work(job: str, url: str) -> None:
    """What an instance does."""
    policy_versions = PolicyVersions(policy_version_of(load_policy(), now=NOW))
    database = open_database(url, pool_size=2)
    await database.start()
    rows, seconds = 0, 0.0
    try:
        if job == "idle":
            for _ in range(ROUNDS):
                await database.read(deadlines.next_action)
                await database.write(
                    tick, policy_versions=policy_versions, due_until=NOW, now=NOW, limit=CLAIM_ROWS
                )
        while job == "tick" and (
            count := await database.write(
                tick, policy_versions=policy_versions, due_until=NOW, now=NOW, limit=CLAIM_ROWS
            )
        ):
            rows += count
        while job == "claim":
            count, spent = await database.write(claim, now=NOW)
            rows, seconds = rows + count, seconds + spent
            if not count:
                break
    finally:
        await database.stop()
    print(json.dumps({"rows": rows, "seconds": seconds, "kilobytes": _resident()}))


def _resident() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _print(what: str, ratio: float, bound: str, target: float = 1) -> None:
    kept = ratio >= target if bound == "least" else ratio <= target
    verdict = "" if kept else "  MISSED"
    print(f"{what:58} {ratio:6.2f} times, target at {bound} {target}{verdict}")


def _print_idle(when: str, few: Idle, many: Idle) -> None:
    _print(f"idle tick, {when}: wall time", many.seconds / few.seconds, "most", 1.5)
    _print(f"idle tick, {when}: buffers", many.pages / few.pages, "most", 1.5)


async def measure(*, count: int, claims: int) -> None:
    policy_versions = PolicyVersions(policy_version_of(load_policy(), now=NOW))
    tomorrow = NOW + timedelta(days=1)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(backing.postgres())
        urls = [await stack.enter_async_context(fresh_database(server)) for _ in range(3)]
        few, many, busy = databases = [open_database(url) for url in urls]
        for database in databases:
            await database.start()
            stack.push_async_callback(database.stop)
            await upgrade(database, "sla")
        await fill(few, count=FEW, due=tomorrow)
        await fill(many, count=count, due=tomorrow)
        print(f"{count} open clocks against {FEW}:")
        _print_idle("at rest", *await idle_ticks(few, many))
        await storm(many, claims=claims)
        _print_idle(f"after {claims} claims", *await idle_ticks(few, many))
        whole = await idle_ticks(few, many, whole=True)
        costs = f"{whole[1].seconds / whole[0].seconds:.2f} times, no target"
        print(f"{'the look at everything, every 10 s, then: wall time':58} {costs}")
        small, large = await instance("idle", urls[0]), await instance("idle", urls[1])
        _print("memory of the process", large["kilobytes"] / small["kilobytes"], "most", 1.1)
        await same_second(busy, urls[2], policy_versions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=1_000_000, help="open clocks on the big side")
    parser.add_argument("--storm", type=int, default=200_000, help="claims before the second look")
    parser.add_argument("--job", choices=["tick", "claim", "idle"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.job:
        asyncio.run(work(chosen.job, chosen.url))
    else:
        asyncio.run(measure(count=chosen.open, claims=chosen.storm))


if __name__ == "__main__":
    main()
