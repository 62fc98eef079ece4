"""What one connection may cost: real sockets, real uvicorn, small limits."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from shared.web.limits import REFUSED_WITH_ANSWER, ConnectionLimits, limited_connection
from shared.web.refusals import RefusalLog

LIMITS = ConnectionLimits(
    head_bytes=2000,
    header_count=20,
    head_seconds=0.3,
    body_seconds=0.3,
    idle_seconds=1,
    connections=50,
)
GET = b"GET /here HTTP/1.1\r\nHost: desk\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    response: Response
    match request.url.path:
        case "/big":
            response = Response(b"x" * 20_000_000)
        case "/slow":
            await asyncio.sleep(0.8)
            response = Response("slow")
        case "/unread":
            response = Response("not waited for")
        case _:
            body = await request.body()
            response = JSONResponse({"headers": len(request.headers), "body": len(body)})
    await response(scope, receive, send)


class Client:
    """A client below HTTP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body

    async def closed_within(self, seconds: float) -> float:
        """After how many seconds the server ended the connection."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            assert await self.reader.read() == b""
        return time.monotonic() - began

    async def is_refused(self, status: int, code: str) -> dict[str, str]:
        async with asyncio.timeout(3):
            given, headers, body = await self.answer()
        assert (given, headers["content-type"]) == (status, "application/problem+json")
        assert json.loads(body)["type"] == f"urn:inbound-desk:problem:{code}"
        assert headers["connection"] == "close"
        assert "date" in headers
        await self.closed_within(3)
        return headers


Connect = Callable[[], Any]


@asynccontextmanager
async def _served(limits: ConnectionLimits) -> AsyncIterator[Connect]:
    refusals = RefusalLog(seconds=0.05)
    config = uvicorn.Config(
        _app, port=0, lifespan="off", log_config=None, ws="none", access_log=False,
        http=limited_connection(limits, refusals), timeout_keep_alive=limits.idle_seconds,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    clients: list[Client] = []

    async def connect() -> Client:
        clients.append(Client(*await asyncio.open_connection("127.0.0.1", port, limit=2**20)))
        return clients[-1]

    try:
        yield connect
    finally:
        for client in clients:
            client.writer.transport.abort()
        server.should_exit = True
        await serving


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with _served(LIMITS) as connect:
        yield connect


@contextmanager
def _refusals() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


async def test_requests_one_after_the_other_and_all_at_once(connect: Connect) -> None:
    client = await connect()
    for _ in range(3):
        client.send(GET + b"\r\n")
        assert (await client.answer())[0] == 200
    client.send((GET + b"\r\n") * 30)
    assert [(await client.answer())[0] for _ in range(30)] == [200] * 30
    client.send(GET + b"Content-Length: 5\r\n\r\n12345")
    assert json.loads((await client.answer())[2])["body"] == 5


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(GET + b"a:b\r\n" * 21, id="many headers"),
        pytest.param(GET + b"a: " + b"b" * 3000, id="long value"),
        pytest.param(GET + b"a" * 3000 + b": b", id="long name"),
        pytest.param(b"GET /" + b"a" * 3000 + b" HTTP/1.1", id="long path"),
        pytest.param(GET + b"a:b\r\n" * 100_000, id="half a megabyte"),
        pytest.param(CHUNKED + b"0\r\n" + b"a:b\r\n" * 30, id="trailers"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
async def test_a_head_over_the_limits(connect: Connect, head: bytes, *, whole: bool) -> None:
    client = await connect()
    with _refusals() as lines:
        if whole:
            client.send(head + b"\r\n\r\n")
        else:
            for start in range(0, 4500, 500):
                client.send(head[start : start + 500])
                await asyncio.sleep(0.005)
        await client.is_refused(431, "headers-too-large")
    mine = [line for line in lines if "service" not in line]
    assert [(line["reason"], line["count"]) for line in mine] == [("headers-too-large", 1)]


async def test_a_head_at_the_limits_passes(connect: Connect) -> None:
    client = await connect()
    client.send(GET + b"a:b\r\n" * 19 + b"\r\n")
    assert json.loads((await client.answer())[2])["headers"] == 20
    client.send(GET + b"a: " + b"b" * 1900 + b"\r\n\r\n")
    assert (await client.answer())[0] == 200


async def test_trailers_are_no_headers(connect: Connect) -> None:
    client = await connect()
    client.send(CHUNKED + b"1\r\nx\r\n0\r\na: b\r\n\r\n")
    assert json.loads((await client.answer())[2]) == {"headers": 1, "body": 1}


async def test_what_is_no_http_is_a_problem_too(connect: Connect) -> None:
    client = await connect()
    client.send(b"\x16\x03\x01 hello\r\n\r\n")
    await client.is_refused(400, "bad-request")


async def test_a_broken_request_does_not_answer_for_the_one_before(connect: Connect) -> None:
    client = await connect()
    client.send(GET.replace(b"here", b"slow") + b"\r\n" + b"no http at all\r\n\r\n")
    status, _, body = await client.answer()
    assert (status, body) == (200, b"slow")
    await client.closed_within(1)


async def test_a_broken_body_ends_its_request(connect: Connect) -> None:
    client = await connect()
    client.send(CHUNKED + b"no number\r\n")
    await client.is_refused(400, "bad-request")


async def test_a_head_that_takes_too_long(connect: Connect) -> None:
    client = await connect()
    client.send(GET)
    for _ in range(5):
        await asyncio.sleep(0.05)
        client.send(b"a: b\r\n")
    await client.is_refused(408, "headers-too-slow")


async def test_silence_ends_a_connection(connect: Connect) -> None:
    silent, newlines, served = [await connect() for _ in range(3)]
    served.send(GET + b"\r\n")
    await served.answer()
    newlines.send(b"\r\n")
    await silent.closed_within(0.9)
    await newlines.closed_within(0.9)
    assert await served.closed_within(3) > 0.3


async def test_a_line_break_now_and_then_is_silence_too(connect: Connect) -> None:
    client = await connect()
    client.send(GET + b"\r\n")
    await client.answer()
    began = time.monotonic()
    while not client.reader.at_eof() and time.monotonic() - began < 3:
        client.send(b"\r\n")
        await asyncio.sleep(0.1)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("rest", [b"", b"abc"])
async def test_a_body_that_nobody_waits_for_keeps_no_connection(
    connect: Connect, rest: bytes
) -> None:
    client = await connect()
    client.send(GET.replace(b"here", b"unread") + b"Content-Length: 3\r\n\r\n")
    assert (await client.answer())[0] == 200
    client.send(rest)
    await client.closed_within(2)


async def test_a_slow_answer_is_not_the_clients_fault(connect: Connect) -> None:
    client = await connect()
    client.send(GET.replace(b"here", b"slow") + b"\r\n" + GET)
    assert (await client.answer())[0] == 200
    client.send(b"\r\n")
    assert (await client.answer())[0] == 200


async def test_an_answer_that_nobody_takes_is_dropped(connect: Connect) -> None:
    client = await connect()
    client.writer.transport.pause_reading()
    client.send(GET.replace(b"here", b"big") + b"\r\n")
    await asyncio.sleep(1.5)
    client.writer.transport.resume_reading()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        async with asyncio.timeout(5):
            await client.answer()


async def test_one_connection_too_many() -> None:
    async with _served(replace(LIMITS, connections=2, head_seconds=1.0)) as connect:
        with _refusals() as lines:
            first, _second = await connect(), await connect()
            too_many = [await connect() for _ in range(REFUSED_WITH_ANSWER)]
            for client in too_many[:2]:
                client.send(GET + b"\r\n")
                headers = await client.is_refused(503, "too-many-connections")
                assert int(headers["retry-after"]) > 0
            doctor = too_many[2]
            doctor.send(GET.replace(b"here", b"health/live") + b"\r\n")
            assert (await doctor.answer())[0] == 200
            first.send(GET + b"\r\n")
            assert (await first.answer())[0] == 200
            more = [await connect() for _ in range(5)]
            await too_many[3].is_refused(503, "too-many-connections")
            # The silent ones give way, so that health answers however many come.
            more[-1].send(GET.replace(b"here", b"health/live") + b"\r\n")
            assert (await more[-1].answer())[0] == 200
            await asyncio.sleep(1.2)  # the silent ones have gone, so there is room again
            again = await connect()
            again.send(GET + b"\r\n")
            assert (await again.answer())[0] == 200
    told = [line for line in lines if line["reason"] == "too-many-connections"]
    assert sum(line["count"] for line in told) == REFUSED_WITH_ANSWER + 5
    assert len(told) < 10
