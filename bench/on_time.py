"""How long after its moment a breach is told, against the promise of five seconds.

    python -m bench.on_time [--mode embedded] [--inquiries 60] [--seconds 30] [--load 0]

Inquiries come in over `--seconds`, with a promise of one minute of wall time, and nobody answers
them. A breach is told when its fact is on the bus: what is measured is the time from the due moment
until then. `--mode distributed` runs a process for each service, on PostgreSQL and Kafka, see
tests/support/backing.py, or `--instances` of them. `--load` is how many further inquiries a second
come in meanwhile.

Prints ratios only. Another checkout is measured from this one with its folder in BENCH_ROOT.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

import httpx
from sqlalchemy import text

from bench.prepared import API_KEY
from bench.servers import ROOT, Server, desk
from shared.db import Read, Reader, open_reader
from tests.support import backing
from tests.support.postgres import fresh_database

PROMISE_SECONDS = 5.0
TARGET_SECONDS = 60
SERVICES = ("intake", "router", "sla")
PATIENCE_SECONDS = 120.0
_SHIPPED = (
    'counting = "working-days"\nfirst_answer = "24h"\nfollow_up = "24h"\nwarn = ["75%", "1h"]'
)
_SHORT = 'counting = "wall-clock"\nfirst_answer = "1m"\nwarn = []'
_TOLD = text(
    "SELECT payload, published_at FROM outbox"
    " WHERE type = 'deadline.breached' AND published_at IS NOT NULL"
)


def told(tx: Read) -> dict[str, float]:
    """Seconds from the due moment until the breach was on the bus, by inquiry."""
    found = {}
    for row in tx.execute(_TOLD):
        payload = json.loads(row.payload)
        due = datetime.fromisoformat(payload["due_at"])
        found[str(payload["inquiry_id"])] = (_moment(row.published_at) - due).total_seconds()
    return found


def _moment(written: str | datetime) -> datetime:
    moment = datetime.fromisoformat(written) if isinstance(written, str) else written
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def hand_in(client: httpx.AsyncClient, channel: str) -> str:
    """An inquiry of a customer of its own; its id."""
    name = uuid4().hex
    body = {"channel": channel, "external_id": name, "author": {"id": name}, "text": "Hallo?"}
    answer = await client.post("/intake/v1/inquiries", json=body)
    answer.raise_for_status()
    return str(answer.json()["inquiry_id"])


async def load(client: httpx.AsyncClient, rate: float) -> None:
    """Inquiries on a channel without a clock, so many a second, until cancelled."""
    async with asyncio.TaskGroup() as senders:
        while rate:
            senders.create_task(hand_in(client, "youtube"))
            await asyncio.sleep(1 / rate)


async def measure(server: Server, database: Reader, options: argparse.Namespace) -> list[float]:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
        loading = asyncio.create_task(load(client, options.load))
        mine = set[str]()
        for _ in range(options.inquiries):
            mine.add(await hand_in(client, "email"))
            await asyncio.sleep(options.seconds / options.inquiries)
        async with asyncio.timeout(TARGET_SECONDS + PATIENCE_SECONDS):
            while not mine <= (found := await database.read(told)).keys():  # noqa: ASYNC110 - asked from outside
                await asyncio.sleep(1)
        loading.cancel()
    return [found[each] for each in mine]


@contextmanager
def distributed(folder: Path, policy: str, instances: int) -> Iterator[tuple[Server, str]]:
    """Each service in a process of its own: intake's server, and the address of sla's database."""
    with ExitStack() as stack:
        postgres = stack.enter_context(backing.postgres())
        bus = f"kafka://{stack.enter_context(backing.kafka())}"
        runner = stack.enter_context(asyncio.Runner())
        databases = {name: fresh_database(postgres) for name in SERVICES}
        urls = {name: runner.run(each.__aenter__()) for name, each in databases.items()}
        settings = {"DESK_BUS_URL": bus, "DESK_POLICY": policy} | {
            f"DESK_{name.upper()}_DATABASE_URL": url for name, url in urls.items()
        }
        servers = []
        for number in range(instances):
            data = folder / str(number)
            data.mkdir()
            servers += [stack.enter_context(desk(name, data, settings)) for name in SERVICES]
        yield servers[0], urls["sla"]


@contextmanager
def embedded(folder: Path, policy: str, _instances: int) -> Iterator[tuple[Server, str]]:
    with desk("run", folder, {"DESK_POLICY": policy}) as server:
        yield server, f"sqlite:///{folder / 'sla.sqlite'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=["embedded", "distributed"], default="embedded")
    parser.add_argument("--inquiries", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--instances", type=int, default=1, help="of each service, distributed")
    parser.add_argument("--load", type=float, default=0)
    options = parser.parse_args()
    mode = embedded if options.mode == "embedded" else distributed
    with tempfile.TemporaryDirectory(prefix="inbound-desk-bench-") as name:
        folder = Path(name)
        policy = folder / "policy.toml"
        shipped = (ROOT / "services" / "desk.toml").read_text()
        assert _SHIPPED in shipped
        policy.write_text(shipped.replace(_SHIPPED, _SHORT))
        with mode(folder, str(policy), options.instances) as (server, url):
            delays = asyncio.run(_measured(server, url, options))
    print(f"{len(delays)} breaches, each told once; from due to told, against the promise:")
    for what, seconds in (("median", median(delays)), ("95th", quantiles(delays, n=20)[-1])):
        missed = "" if seconds <= PROMISE_SECONDS or what != "median" else "  MISSED"
        print(f"{what:8} {seconds / PROMISE_SECONDS:6.2f} times{missed}")
    assert min(delays) >= 0, "a breach was told before its moment"


async def _measured(server: Server, url: str, options: argparse.Namespace) -> list[float]:
    database = open_reader(url)
    await database.start()
    try:
        return await measure(server, database, options)
    finally:
        await database.stop()


if __name__ == "__main__":
    main()
