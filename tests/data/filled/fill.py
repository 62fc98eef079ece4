"""Fills the databases of a desk as it was once, and keeps them as text.

    python -m tests.data.filled.fill CHECKOUT PYTHON [--engine sqlite|postgresql]

CHECKOUT is a working tree of the old commit, PYTHON the interpreter with what it needs. The desk is
run for real, spoken to over HTTP (`story.py`), stopped, and dumped beside this file, together with
what its API said last. See README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.data.filled import story
from tests.data.filled.loading import HERE, SERVICES
from tests.data.filled.talk import SECRET, Talk
from tests.support import backing
from tests.support.postgres import fresh_database
from tests.support.processes import Process, free_port

KEY = "desk_" + "f" * 43
NOWHERE = "kafka://127.0.0.1:1"
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Old:
    """The desk of once. `urls` are its databases, none of them for SQLite."""

    checkout: Path
    python: Path
    folder: Path
    environment: Mapping[str, str]
    urls: Mapping[str, str]

    @asynccontextmanager
    async def running(self, *words: str, **environment: str) -> AsyncIterator[Talk]:
        """These processes (`run`, or services), stopped at the end by SIGTERM."""
        ports = {word: free_port() for word in words}
        processes = {word: self._process(word, ports[word], environment) for word in words}
        try:
            for word, process in processes.items():
                wanted = "live" if environment else "ready"
                process.wait_until(partial(_healthy, ports[word], wanted), seconds=SECONDS)
            addresses = {
                service: f"http://127.0.0.1:{ports.get(service) or ports.get('run')}"
                for service in SERVICES
            }
            async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
                yield Talk(http, KEY, addresses)
        finally:
            for process in processes.values():
                process.terminate()

    def _process(self, word: str, port: int, environment: Mapping[str, str]) -> Process:
        whole = {**self.environment, **environment, "DESK_PORT": str(port)}
        command = [str(self.python), "-m", "services", word]
        return Process(command, log=self.folder / f"{word}.log", environment=whole)

    def run(self, *words: str) -> str:
        """A command to its end; what it printed."""
        return subprocess.run(
            [str(self.python), *words],
            check=True,
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
        ).stdout


def _healthy(port: int, kind: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with suppress(OSError):
        connection.request("GET", f"/health/{kind}")
        said = json.loads(connection.getresponse().read())
        return kind == "live" or bool(said["status"] == "ok")
    return False


async def fill(old: Old, together: Sequence[str]) -> list[dict[str, Any]]:
    """Tell the story; what the API said last, each line with its path and its body."""
    async with old.running(*together) as desk:
        await story.told_to_all(desk)
        await _quiet(desk)
    async with old.running("intake") as desk:
        await story.told_while_nobody_listens(desk)
        await asyncio.sleep(5)  # the relay publishes
    said: list[dict[str, Any]] = []
    async with old.running("intake", DESK_BUS_URL=NOWHERE) as desk:
        shared = await story.told_to_intake_alone(desk)
        said += await _intake_says(desk)
    async with old.running("router", DESK_BUS_URL=NOWHERE) as desk:
        await story.told_to_router_alone(desk, shared)
        said += await _router_says(desk)
    async with old.running("sla", DESK_BUS_URL=NOWHERE) as desk:
        await story.told_to_sla_alone(desk)
        said += await _sla_says(desk)
    return said


async def _quiet(desk: Talk) -> None:
    """Until three looks in a row find the same, and every inquiry has its ToDo and its clock."""
    before, same = None, 0
    while same < 3:
        await asyncio.sleep(3)
        found = [
            [(each.get("id"), each["state"]) for each in await desk.all(path)]
            for path in ("/intake/v1/inquiries", "/router/v1/todos", "/sla/v1/deadlines")
        ]
        same = same + 1 if found == before and len(found[0]) == len(found[1]) else 0
        before = found


async def _intake_says(desk: Talk) -> list[dict[str, Any]]:
    inquiries = await desk.all("/intake/v1/inquiries")
    paths = [f"/intake/v1/inquiries/{each['id']}" for each in inquiries]
    kept = await desk.all("/intake/v1/quarantine")
    return [*await _each(desk, paths), _line("/intake/v1/quarantine", kept)]


async def _router_says(desk: Talk) -> list[dict[str, Any]]:
    todos = await desk.all("/router/v1/todos")
    return await _each(desk, [f"/router/v1/todos/{each['id']}" for each in todos])


async def _sla_says(desk: Talk) -> list[dict[str, Any]]:
    """All of it as of one moment, which the paths name."""
    await asyncio.sleep(2)  # the moment is a whole second, and what was done lies before it
    now = datetime.now(UTC)
    path = "/sla/v1/deadlines"
    clocks = [each["inquiry_id"] for each in await desk.all(path)]
    as_of = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    start = (now - timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")
    report = f"/sla/v1/reports/promise?from={start}&to={as_of}"
    told = await desk.all("/sla/v1/notifications")
    return [
        *await _each(desk, [f"{path}/{inquiry}?as_of={as_of}" for inquiry in clocks]),
        *await _each(desk, [report]),
        _line("/sla/v1/notifications", told),
    ]


async def _each(desk: Talk, paths: Sequence[str]) -> list[dict[str, Any]]:
    return [_line(path, await desk.get(path)) for path in sorted(paths)]


def _line(path: str, body: Any) -> dict[str, Any]:
    return {"path": path, "body": body}


def sqlite_dumps(old: Old) -> Iterator[tuple[str, str]]:
    for service in SERVICES:
        connection = sqlite3.connect(old.folder / "var" / f"{service}.sqlite")
        yield service, "\n".join(connection.iterdump()) + "\n"
        connection.close()


def postgres_dumps(old: Old) -> Iterator[tuple[str, str]]:
    for service in SERVICES:
        words = ["pg_dump", "--no-owner", "--no-privileges", "--no-comments", "--inserts"]
        done = subprocess.run(
            [*words, old.urls[service]], check=True, capture_output=True, text=True
        )
        yield service, _portable(done.stdout)


_OF_THE_SERVER = re.compile(r"--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict ")


def _portable(dump: str) -> str:
    """Without comments and what older and newer servers, or other clients than psql, refuse."""
    kept: list[str] = []
    in_text = False
    for line in dump.split("\n"):
        empty_again = not line and not (kept and kept[-1])
        if not in_text and (empty_again or _OF_THE_SERVER.match(line)):
            continue
        in_text ^= line.count("'") % 2 == 1
        kept.append(line)
    return "\n".join(kept)


@contextmanager
def receivers() -> Iterator[dict[str, str]]:
    """Where notifications go: one that takes them, one that does not."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204 if self.path == "/tickets" else 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield {
            f"DESK_NOTIFY_{name.upper()}_{part}": value
            for name in ("tickets", "broken")
            for part, value in (("URL", f"{address}/{name}"), ("SECRET", SECRET))
        }
    finally:
        server.shutdown()


async def make(engine: str, checkout: Path, python: Path) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(checkout),
            "DESK_API_KEY": KEY,
            "DESK_DATA_DIR": str(folder / "var"),
            "DESK_POLICY": str(HERE / "desk.toml"),
            **{f"DESK_SECRET_{name.upper()}": SECRET for name in (*story.CHANNELS, "instagram")},
            **stack.enter_context(receivers()),
        }
        urls: dict[str, str] = {}
        if engine == "postgresql":
            server = stack.enter_context(backing.postgres())
            bus = stack.enter_context(backing.kafka())
            for service in SERVICES:
                urls[service] = await stack.enter_async_context(fresh_database(server))
                environment[f"DESK_{service.upper()}_DATABASE_URL"] = urls[service]
            environment["DESK_BUS_URL"] = f"kafka://{bus}"
        old = Old(checkout, python, folder, environment, urls)
        found = Path(old.run("-c", "import services; print(services.__file__)").strip())
        if not found.is_relative_to(checkout):
            raise SystemExit(f"{python} would run {found}, which is not of {checkout}")
        if urls:
            old.run("-m", "services", "migrate")
        said = await fill(old, SERVICES if urls else ("run",))
        dumps = postgres_dumps(old) if urls else sqlite_dumps(old)
        _keep(HERE / engine, dict(dumps), said)


def _keep(folder: Path, dumps: Mapping[str, str], said: Sequence[Mapping[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    for service, text in dumps.items():
        (folder / f"{service}.sql").write_text(text)
        lines = [
            json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n"
            for each in said
            if each["path"].startswith(f"/{service}/")
        ]
        (folder / f"{service}.jsonl").write_text("".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("python", type=Path)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    options = parser.parse_args()
    for engine in options.engine or ("sqlite", "postgresql"):
        asyncio.run(make(engine, options.checkout.absolute(), options.python.absolute()))


if __name__ == "__main__":
    main()
