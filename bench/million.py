"""A desk with a million stored inquiries against one with a thousand, side by side in one run.

    python -m bench.million [--rows 1000000]

Both run whole (`inbound-desk run`) on PostgreSQL. Told are the shares of the rate at which messages
are accepted, and of the time that the first page of each list takes.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import asyncpg
import httpx

from bench.desk_rows import postgres_rows
from bench.prepared import API_KEY, Prepared, prepare
from bench.servers import Round, Server, desk, drive
from tests.support import backing

SERVICES = ("intake", "router", "sla")
SMALL = 1_000
LISTS = (
    "/intake/v1/inquiries",
    "/intake/v1/inquiries?channel=facebook",
    "/intake/v1/inquiries?state=open",
    "/intake/v1/inquiries?hashtag=iico",
    "/intake/v1/quarantine",
    "/router/v1/todos",
    "/router/v1/todos?state=open",
    "/router/v1/todos?desk=technical&state=open",
    "/router/v1/todos?channel=facebook&sort=-age",
    "/sla/v1/deadlines",
    "/sla/v1/deadlines?state=breached",
    "/sla/v1/deadlines?channel=facebook",
    "/sla/v1/notifications",
)
PAGES = 15
ROUNDS = 4
ROUND_SECONDS = 4
_HELPERS = """
CREATE FUNCTION bench_id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex(1700000000000 + n * 1000), 12, '0') || '70008'
    || substr(md5(kind || n), 1, 15))::uuid $$;
CREATE FUNCTION bench_at(n bigint, total bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT now() - interval '2 days' - (total - n) * interval '20 seconds' $$;
CREATE FUNCTION bench_channel(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (ARRAY['facebook', 'email', 'web_form', 'x'])[n % 4 + 1] $$;
CREATE FUNCTION bench_desk(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (ARRAY['technical', 'inbound', 'review'])[n % 3 + 1] $$;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = tempfile.TemporaryDirectory(prefix="inbound-desk-bench-")
        folder = Path(stack.enter_context(scratch))
        url = stack.enter_context(backing.postgres())
        desks = []
        for name, rows in (("small", SMALL), ("large", options.rows)):
            urls = asyncio.run(_databases(url, name))
            (folder / name).mkdir()
            settings = {f"DESK_{each.upper()}_DATABASE_URL": urls[each] for each in SERVICES}
            server = stack.enter_context(desk("run", folder / name, settings))
            for service in SERVICES:
                asyncio.run(_seed(urls[service], service, rows))
            print(f"{name}: {rows} inquiries stored", flush=True)
            desks.append((server, urls))
        _lists(desks[0][0], desks[1][0])
        _rates(folder, desks)


async def _databases(url: str, prefix: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        for service in SERVICES:
            await connection.execute(f"CREATE DATABASE {prefix}_{service}")
    finally:
        await connection.close()
    return {each: f"{url.rpartition('/')[0]}/{prefix}_{each}" for each in SERVICES}


async def _seed(url: str, service: str, rows: int) -> None:
    parts = re.split(
        r"^-- (\w+)$", (Path(__file__).parent / "seed.sql").read_text(), flags=re.MULTILINE
    )
    sql = dict(zip(parts[1::2], parts[2::2], strict=True))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_HELPERS)
        for statement in (sql[service] + sql["each"]).split(";"):
            if statement.strip():
                await connection.execute(statement.replace("$1", str(rows)))
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _lists(small: Server, large: Server) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    with httpx.Client(headers=headers, timeout=60) as client:
        for path in LISTS:
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(PAGES):
                for server, taken in zip((small, large), times, strict=True):
                    began = time.perf_counter()
                    client.get(server.url + path).raise_for_status()
                    taken.append(time.perf_counter() - began)
            print(f"  {median(times[1]) / median(times[0]):5.2f} times  {path}", flush=True)


def _rates(folder: Path, desks: list[tuple[Server, dict[str, str]]]) -> None:
    shares, processor = [], []
    for _ in range(ROUNDS):
        prepared = prepare(folder / "requests", "webhook", 15_000 * ROUND_SECONDS)
        small, large = (_accepted(server, urls, prepared) for server, urls in desks)
        shares.append(large.rate / small.rate)
        processor.append(small.processor / large.processor)
    print(
        f"accepting: {median(shares):.2f} of the small desk's rate"
        f" {[round(share, 2) for share in shares]}; by processor time {median(processor):.2f}"
    )


def _accepted(server: Server, urls: dict[str, str], prepared: Prepared) -> Round:
    """One round, after which nothing waits that could disturb the other desk's round."""
    round_ = drive(server, prepared, first=0, connections=32, seconds=ROUND_SECONDS)
    while postgres_rows(urls).waiting:
        time.sleep(0.1)
    return round_


if __name__ == "__main__":
    main()
