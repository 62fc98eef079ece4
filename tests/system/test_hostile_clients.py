"""Clients that want to shut others out: they get the desk neither down nor out of reach."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Process
from tests.system.desk import Caller, Desk, Instance, command, embedded

HANDLES = 150
SILENT = 170


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """A desk that may have only so many files and sockets open."""
    folder = tmp_path_factory.mktemp("hostile")
    async with embedded(folder, DESK_HEAD_SECONDS="3") as desk:
        (only,) = desk.instances
        only.process = Process(
            ["sh", "-c", f'ulimit -n {HANDLES}; exec "$@"', "sh", *command("run")],
            log=only.log,
            environment={**only.environment, "DESK_PORT": str(only.port)},
        )
        await asyncio.to_thread(desk.await_ready, only)
        yield desk


async def test_silent_clients_shut_nobody_out(desk: Desk) -> None:
    (only,) = desk.instances
    async with contextlib.AsyncExitStack() as stack:
        silent = [await asyncio.open_connection("127.0.0.1", only.port) for _ in range(SILENT)]
        for _, writer in silent:
            stack.callback(writer.transport.abort)
        answers = [await _get(only)]
        began = time.monotonic()
        while answers[-1][0] != 200:
            assert time.monotonic() - began < 10, "the silent ones are still there"
            await asyncio.sleep(0.2)
            answers.append(await _get(only))
    told = [headers for status, headers in answers if status == 503]
    assert told
    assert all(int(headers["retry-after"]) > 0 for headers in told)
    (lowered,) = _lines(only, "http.connections_lowered")
    assert lowered["handles"] == HANDLES
    refused = _lines(only, "http.refused")
    assert {line["reason"] for line in refused} == {"too-many-connections"}
    assert SILENT - lowered["connections"] <= sum(line["count"] for line in refused)
    assert len(refused) < 15


async def test_an_endless_head_fills_no_memory(desk: Desk) -> None:
    (only,) = desk.instances
    before = _resident(only)
    reader, writer = await asyncio.open_connection("127.0.0.1", only.port)
    with contextlib.suppress(ConnectionError):
        writer.write(b"GET /intake/v1/inquiries HTTP/1.1\r\n")
        for _ in range(100):
            writer.write(b"a:b\r\n" * 16_000)
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
    writer.transport.abort()
    assert _resident(only) - before < 20_000_000


async def test_a_load_fits_into_its_memory(desk: Desk) -> None:
    (only,) = desk.instances
    at_once = asyncio.Semaphore(8)

    async def deliver(caller: Caller, number: int) -> None:
        messages = [
            {"id": f"{number}-{n}", "author": {"id": f"a-{number}-{n}"}, "text": "Wann? " * 1300}
            for n in range(50)
        ]
        async with at_once:
            assert (await caller.webhook("facebook", messages)).status_code == 202

    async with Caller(desk) as caller:
        await asyncio.gather(*(deliver(caller, number) for number in range(60)))
    assert _resident(only) < 320_000_000


async def _get(instance: Instance) -> tuple[int, dict[str, str]]:
    """Status and headers; 0 when the connection is ended without an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(5):
            said = await reader.read()
        if not said:
            return 0, {}
    except ConnectionError:
        return 0, {}
    finally:
        writer.transport.abort()
    head = said.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return int(head[0].split()[1]), dict(line.lower().split(": ", 1) for line in head[1:])


def _lines(instance: Instance, event: str) -> list[Any]:
    return [line for line in _log(instance) if line["event"] == event]


def _log(instance: Instance) -> Iterator[Any]:
    for line in instance.log.read_text().splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _resident(instance: Instance) -> int:
    """Bytes of memory that the process holds now."""
    assert instance.process is not None
    status = Path(f"/proc/{instance.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
