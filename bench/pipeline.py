"""Whether router and sla keep up on Kafka and PostgreSQL, and how long until a ToDo is there.

    python -m bench.pipeline [--seconds 60] [--share 0.6]

First intake's peak is measured on its own, then all three services run (a process each) and take
that share of the peak. The lag is read every second from what is stored: inquiries that were
accepted and have no ToDo, or no clock. It "grows" when the last third of the time has more waiting
than the second third by more than one second's worth of inquiries.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import asyncpg
import httpx
import uvloop

from bench.prepared import Prepared, prepare
from bench.servers import Server, desk, drive
from tests.support import backing

PEAK_SECONDS = 5
SENDERS = 64
SERVICES = ("intake", "router", "sla")
# ToDos carry the moment at which they were written; the inquiry the one at which it came in.
_LATENCIES = """
SELECT extract(epoch FROM created_at - received_at)::float8 FROM todos WHERE received_at >= $1
"""


@dataclass(slots=True)
class Watched:
    """Waiting inquiries at each second: without a ToDo, and without a clock."""

    todo: list[int] = field(default_factory=list)
    clock: list[int] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--share", type=float, default=0.6)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="inbound-desk-bench-"))
        )
        url = stack.enter_context(backing.postgres())
        bus = f"kafka://{stack.enter_context(backing.kafka())}"
        urls = asyncio.run(_databases(url))
        settings = {"DESK_BUS_URL": bus} | {
            f"DESK_{name.upper()}_DATABASE_URL": urls[name] for name in SERVICES
        }
        server = stack.enter_context(desk("intake", folder, settings))
        drive(
            server, prepare(folder / "warm", "webhook", 60_000), first=0, connections=32, seconds=2
        )
        prepared = prepare(folder / "peak", "webhook", 100_000)
        peak = drive(server, prepared, first=0, connections=32, seconds=PEAK_SECONDS)
        for name in ("router", "sla"):
            stack.enter_context(desk(name, folder, settings))
        rate = peak.rate * options.share
        print(f"intake alone takes {peak.rate:.0f} a second on this machine", flush=True)
        prepared = prepare(folder / "steady", "webhook", int(rate * options.seconds) + SENDERS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_steady(server, prepared, urls, rate))


async def _databases(url: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        for name in SERVICES:
            await connection.execute(f"CREATE DATABASE bench_{name}")
    finally:
        await connection.close()
    return {name: f"{url.rpartition('/')[0]}/bench_{name}" for name in SERVICES}


async def _steady(server: Server, prepared: Prepared, urls: dict[str, str], rate: float) -> None:
    async with _connected(urls) as (intake, router, sla):
        await _worked_off((intake, router, sla))  # what the peak left behind
        began_at = await router.fetchval("SELECT now()")
        watched, stop = Watched(), asyncio.Event()
        watching = asyncio.create_task(_watch((intake, router, sla), watched, stop))
        began = time.monotonic()
        await _send(server, prepared, rate)
        took = time.monotonic() - began
        stop.set()
        await watching
        await _worked_off((intake, router, sla))
        drained = time.monotonic() - began - took
        seconds = [row[0] for row in await router.fetch(_LATENCIES, began_at)]
    sent = prepared.count
    print(f"sent {sent} in {took:.0f} s: {sent / took / rate:.2f} of the rate that was wanted")
    for name, waiting in (("ToDo", watched.todo), ("clock", watched.clock)):
        third = len(waiting) // 3
        middle, last = median(waiting[third : 2 * third]), median(waiting[2 * third :])
        grows = last > middle + rate
        print(
            f"waiting for a {name}: {middle / rate:.2f} then {last / rate:.2f} seconds' worth of"
            f" inquiries: the lag {'GROWS' if grows else 'does not grow'}"
        )
    cuts = quantiles(seconds, n=100)
    print(f"the rest was drained {drained / took:.3f} of that time later")
    print(
        f"this machine: 202 to ToDo {cuts[49] * 1e3:.0f} ms in the median, {cuts[98] * 1e3:.0f} ms"
        f" at the 99th percentile, at {rate:.0f} inquiries a second"
    )


async def _send(server: Server, prepared: Prepared, rate: float) -> None:
    """At that rate, evenly; a sender that is late catches up. Raises for any answer but 2xx."""
    began = time.monotonic()
    raw = prepared.path.read_bytes()

    async def sender(number: int) -> None:
        url = httpx.URL(server.url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        for n in range(number, prepared.count, SENDERS):
            await asyncio.sleep(max(0.0, began + n / rate - time.monotonic()))
            writer.write(raw[n * prepared.size : (n + 1) * prepared.size])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 202"):
                raise AssertionError(f"not a 202: {head[:80]!r}")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    async with asyncio.TaskGroup() as group:
        for number in range(SENDERS):
            group.create_task(sender(number))


@asynccontextmanager
async def _connected(urls: dict[str, str]) -> AsyncIterator[Sequence[asyncpg.Connection]]:
    connections = [await asyncpg.connect(urls[name]) for name in SERVICES]
    try:
        yield connections
    finally:
        for connection in connections:
            await connection.close()


async def _waiting(
    intake: asyncpg.Connection, router: asyncpg.Connection, sla: asyncpg.Connection
) -> tuple[int, int]:
    # Asked in this order the lag can only seem smaller by what came in between two queries.
    inquiries = await intake.fetchval("SELECT count(*) FROM inquiries")
    todos = await router.fetchval("SELECT count(*) FROM todos")
    clocks = await sla.fetchval("SELECT count(*) FROM deadlines WHERE state <> 'awaited'")
    return max(0, inquiries - todos), max(0, inquiries - clocks)


async def _worked_off(connections: Sequence[asyncpg.Connection]) -> None:
    while any(await _waiting(*connections)):  # noqa: ASYNC110 - other processes do the work
        await asyncio.sleep(0.1)


async def _watch(
    connections: Sequence[asyncpg.Connection], watched: Watched, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        todo, clock = await _waiting(*connections)
        watched.todo.append(todo)
        watched.clock.append(clock)
        await asyncio.sleep(1)


if __name__ == "__main__":
    main()
