"""A desk as it runs for real: processes, signals, ports, and data that outlive each of them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import pytest
from sqlalchemy import create_engine

from shared.access.keys import new_key
from shared.db import Read, open_database
from shared.web.signing import secret_key, sign
from tests.support.kafka_broker import Broker
from tests.support.postgres import fresh_database
from tests.support.processes import Process, free_port

SERVICES = ("intake", "router", "sla")
SECRET = "whsec_c3lzdGVtLXRlc3RzLW9mLXRoZS1kZXNr"
PROJECT = Path(__file__).parents[2]
READY_SECONDS = 90.0
QUIET_SECONDS = 90.0

T = TypeVar("T")


@dataclass(slots=True)
class Instance:
    """One process of the desk; killed and started again it has the same port and the same data."""

    words: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spawn(self) -> Process:
        self.process = Process(
            command(*self.words),
            log=self.log,
            environment={**self.environment, "DESK_PORT": str(self.port)},
        )
        return self.process

    def start(self) -> None:
        """Returns when it answers, which is before it has joined its consumer group."""
        self.spawn().wait_until(lambda: self.health("live") is not None, seconds=READY_SECONDS)

    def kill(self) -> None:
        """SIGKILL; nothing is written any more."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def end(self, number: int, *, seconds: float) -> int:
        """Send the signal and give the exit code; fails when the process goes on for too long."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        code = self.process.exit_code(seconds=seconds)
        self.kill()
        return code

    def health(self, kind: str) -> dict[str, Any] | None:
        """What it says about itself, None when it does not answer."""
        try:
            found: dict[str, Any] = json.loads(self._get(f"/health/{kind}"))
        except (OSError, http.client.HTTPException):
            return None
        return found

    def lag(self) -> float | None:
        """Records that its consumers have not handled; None while that is not known."""
        health = self.health("ready")
        if health is None or health["status"] != "ok":
            return None
        names = [self.words[0]] if self.words[0] in SERVICES else list(SERVICES)
        found = 0.0
        for name in names:
            text = self._get(f"/{name}/metrics").decode()
            match = re.search(r"^desk_consumer_lag(?:\{.*\})? ([0-9.e+]+)$", text, re.MULTILINE)
            assert match is not None, text
            found += float(match[1])
        return found

    def _get(self, path: str) -> bytes:
        # A whole httpx client per look would cost more than the desk.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()


@dataclass(slots=True)
class Desk:
    """All processes of one desk. `parts` has the instances of each service, or of `run`."""

    folder: Path
    environment: Mapping[str, str]
    databases: Mapping[str, str]
    parts: Mapping[str, Sequence[Instance]]
    key: str

    @property
    def embedded(self) -> bool:
        return "run" in self.parts

    @property
    def instances(self) -> list[Instance]:
        return [each for part in self.parts.values() for each in part]

    def addresses(self, service: str) -> list[str]:
        return [each.url for each in self.parts["run" if self.embedded else service]]

    def start(self) -> None:
        """Start what does not run; returns when all are ready."""
        for each in self.instances:
            if each.process is None:
                each.spawn()
        for each in self.instances:
            self.await_ready(each)

    def await_ready(self, instance: Instance) -> None:
        assert instance.process is not None
        instance.process.wait_until(
            lambda: (instance.health("ready") or {}).get("status") == "ok", seconds=READY_SECONDS
        )

    def kill(self) -> None:
        for each in self.instances:
            each.kill()

    def run(self, *words: str) -> str:
        """A command of the desk, to its end; what it printed."""
        done = subprocess.run(
            command(*words),
            check=False,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    async def read(self, service: str, query: Callable[[Read], T]) -> T:
        """Look into a service's database, past the service."""
        if self.embedded:
            return await asyncio.to_thread(_look, self.databases[service], query)
        database = open_database(self.databases[service], pool_size=2)
        await database.start()
        try:
            return await database.read(query)
        finally:
            await database.stop()

    async def quiet(self, written: Callable[[], Awaitable[object]]) -> None:
        """Wait until every consumer is through and nothing is written any more.

        A fact that is read makes another; so two looks in a row must find the same.
        """
        deadline, before = time.monotonic() + QUIET_SECONDS, None
        while True:
            lags = [await asyncio.to_thread(each.lag) for each in self.instances]
            now = (lags, await written())
            if not any(lag is None or lag > 0 for lag in lags) and now == before:
                return
            assert time.monotonic() < deadline, f"the desk does not come to rest: {now}"
            before = now
            await asyncio.sleep(1.0)


class Caller:
    """What connectors and people send. Each service may be asked at any of its addresses."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turn = 0
        self._http = httpx.AsyncClient(
            timeout=20, trust_env=False, limits=httpx.Limits(max_connections=64)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def webhook(
        self, channel: str, data: object, *, traceparent: str | None = None
    ) -> httpx.Response:
        """A signed delivery, sent once."""
        body = json.dumps({"type": "message.created", "data": data}).encode()
        now = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": f"msg-{now}",
            "webhook-timestamp": str(now),
            "webhook-signature": sign(
                secret_key(SECRET), webhook_id=f"msg-{now}", timestamp=now, body=body
            ),
        }
        if traceparent is not None:
            headers["traceparent"] = traceparent
        url = f"{self._address('intake')}/intake/v1/webhooks/{channel}"
        return await self._http.post(url, content=body, headers=headers)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        once: str | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> httpx.Response:
        """`/intake/v1/...`, `/router/v1/...`, `/sla/v1/...`; `once` is an Idempotency-Key."""
        headers = {"authorization": f"Bearer {self._desk.key}"}
        if once is not None:
            headers["idempotency-key"] = once
        return await self._http.request(
            method,
            self._address(path.split("/")[1]) + path,
            json=body,
            headers=headers,
            params=params,
        )

    async def get(self, path: str, **params: str | int) -> Any:
        answer = await self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object = None) -> Any:
        answer = await self.call("POST", path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def all(self, path: str) -> list[dict[str, Any]]:
        """Every page of a list."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str | int] = {}
        while True:
            page = await self.get(path, limit=200, **cursor)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    async def until(
        self, path: str, fits: Callable[[Any], bool], *, seconds: float = 60, **params: str | int
    ) -> Any:
        """Ask again and again until the answer fits; the answer."""
        deadline = time.monotonic() + seconds
        while True:
            found = await self.get(path, **params)
            if fits(found):
                return found
            assert time.monotonic() < deadline, f"{path} stays {found}"
            await asyncio.sleep(0.1)

    async def todo_of(self, inquiry_id: str, fits: Callable[[Any], bool] = bool) -> Any:
        """The inquiry's ToDo as soon as it is there and fits."""
        page = await self.until(
            "/router/v1/todos",
            lambda page: bool(page["items"]) and fits(page["items"][0]),
            inquiry_id=inquiry_id,
        )
        assert len(page["items"]) == 1
        return page["items"][0]

    def _address(self, service: str) -> str:
        self._turn += 1
        addresses = self._desk.addresses(service)
        return addresses[self._turn % len(addresses)]


async def delivered(
    send: Callable[[], Awaitable[httpx.Response]], *, done_before: int | None = None
) -> httpx.Response:
    """Send as connectors do: again and again until the desk says 2xx.

    `done_before`: the status that a repeat may get, when the first was done but not answered.
    """
    deadline, said = time.monotonic() + 120, ""
    while True:
        try:
            answer = await send()
        except httpx.TransportError as error:
            said = repr(error)
        else:
            if answer.is_success or (said and answer.status_code == done_before):
                return answer
            assert answer.status_code == 429 or answer.status_code >= 500, answer.text
            said = answer.text
        assert time.monotonic() < deadline, f"never taken: {said}"
        await asyncio.sleep(0.1)


def _look(url: str, query: Callable[[Read], T]) -> T:
    """Beside the process that owns the file, which our own way of opening it does not allow."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return query(Read(connection))
    finally:
        engine.dispose()


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "services", *words]


@contextlib.asynccontextmanager
async def embedded(folder: Path, **extra: str) -> AsyncIterator[Desk]:
    """The desk in one process on SQLite and the local log, not started yet."""
    environment, key = _environment(folder, extra)
    databases = {name: f"sqlite:///{folder / 'var' / name}.sqlite" for name in SERVICES}
    only = Instance(("run",), environment, folder / "run.log")
    desk = Desk(folder, environment, databases, {"run": [only]}, key)
    try:
        yield desk
    finally:
        desk.kill()


@contextlib.asynccontextmanager
async def distributed(
    folder: Path, *, postgres: str, kafka: str, instances: int = 2, **extra: str
) -> AsyncIterator[Desk]:
    """The services on PostgreSQL and Kafka, several instances each; migrated, not started yet."""
    async with contextlib.AsyncExitStack() as stack:
        databases = {
            name: await stack.enter_async_context(fresh_database(postgres)) for name in SERVICES
        }
        urls = {f"DESK_{name.upper()}_DATABASE_URL": url for name, url in databases.items()}
        environment, key = _environment(
            folder, {**urls, "DESK_BUS_URL": f"kafka://{kafka}", "DESK_POOL_SIZE": "4", **extra}
        )
        parts = {
            name: [
                Instance((name,), environment, folder / f"{name}-{number}.log")
                for number in range(1, instances + 1)
            ]
            for name in SERVICES
        }
        desk = Desk(folder, environment, databases, parts, key)
        desk.run("migrate")
        stack.callback(desk.kill)
        yield desk


def desk_of(
    mode: str, folder: Path, request: pytest.FixtureRequest, *, instances: int = 2, **extra: str
) -> contextlib.AbstractAsyncContextManager[Desk]:
    """`embedded` or `distributed`; only for the latter PostgreSQL and Kafka are started."""
    if mode == "embedded":
        return embedded(folder, **extra)
    broker: Broker = request.getfixturevalue("desk_broker")
    postgres: str = request.getfixturevalue("postgres_url")
    return distributed(
        folder, postgres=postgres, kafka=broker.bootstrap, instances=instances, **extra
    )


def _environment(folder: Path, extra: Mapping[str, str]) -> tuple[dict[str, str], str]:
    key = new_key()
    channels = ("FACEBOOK", "INSTAGRAM", "MASTODON", "EMAIL", "HOTLINE", "YOUTUBE", "FLICKR")
    secrets = {f"DESK_SECRET_{channel}": SECRET for channel in channels}
    return {
        "DESK_API_KEY": key,
        "DESK_DATA_DIR": str(folder / "var"),
        # The processes begin in a folder of their own, and still run this checkout.
        "PYTHONPATH": str(PROJECT),
        **secrets,
        **extra,
    }, key
