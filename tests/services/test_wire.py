"""What comes in over a socket and is no good HTTP, and how it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.lifecycle import listen, serve
from shared.runtime.service import Service
from shared.runtime.telemetry import Metrics
from shared.web.edge import EdgeMiddleware
from shared.web.limits import ConnectionLimits
from tests.support.unstarted import KEY, three_services

PREVIEW = (
    b"POST /router/v1/decisions/preview HTTP/1.1\r\nHost: desk\r\n"
    b"Content-Type: application/json\r\n"
)
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"
PAUSE_SECONDS = 0.05
"""So that the parts come in one after the other."""
WITH_KEY = PREVIEW + b"Authorization: Bearer " + KEY.encode() + b"\r\n"


class Answered:
    """The answers on one connection, until it ended."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.statuses = [int(part[:3]) for part in raw.split(b"HTTP/1.1 ")[1:]]

    def the_problem(self) -> tuple[int, str, bytes]:
        """Status, code and headers of the one answer."""
        assert len(self.statuses) == 1, self.raw
        head, _, body = self.raw.partition(b"\r\n\r\n")
        assert b"content-type: application/problem+json" in head
        assert b"x-content-type-options: nosniff" in head
        problem = json.loads(body)
        return problem["status"], problem["type"].rpartition(":")[2], head


@contextlib.asynccontextmanager
async def _served(app: ASGIApp) -> AsyncIterator[int]:
    """As a process serves it; the port."""
    listening = listen("127.0.0.1", 0)
    listening.listen()  # who comes before it serves has to wait
    ended = asyncio.Event()
    serving = asyncio.create_task(
        serve(
            app,
            listening=listening,
            grace_seconds=1,
            failed=ended,
            trusted_proxies="",
            limits=ConnectionLimits(),
        )
    )
    try:
        yield listening.getsockname()[1]
    finally:
        ended.set()
        await serving
        listening.close()


async def _sent(port: int, *parts: bytes, hang_up: bool = False) -> Answered:
    """What comes back until the desk closes; with `hang_up` the client closes at once."""
    return await asyncio.to_thread(_talk, port, parts, hang_up=hang_up)


def _talk(port: int, parts: Sequence[bytes], *, hang_up: bool) -> Answered:
    raw = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        # It may close before it has read everything; what it said before that is still there.
        with contextlib.suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
                time.sleep(PAUSE_SECONDS)
        with contextlib.suppress(ConnectionError):
            while not hang_up and (more := connection.recv(65_536)):
                raw += more
    return Answered(raw)


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The headers as they are known after the body, and the size of that."""
    request = Request(scope, receive)
    size = len(await request.body())
    names = [name.decode() for name, _ in scope["headers"]]
    await JSONResponse({"size": size, "names": names})(scope, receive, send)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return three_services(tmp_path_factory.mktemp("services"))[1]


@pytest.fixture
async def router(service: Service) -> AsyncIterator[int]:
    async with _served(service.app) as port:
        yield port


@pytest.mark.parametrize(
    "request_",
    [
        b"what is this?\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /router/docs HTTP/9.9\r\nHost: desk\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: desk\r\n\r\n",
        b"GET router/docs HTTP/1.1\r\nHost: desk\r\n\r\n",
        b"CONNECT desk:443 HTTP/1.1\r\nHost: desk\r\n\r\n",
        b"GET /router/docs HTTP/1.1\r\nHost desk\r\n\r\n",
        b"GET /router/docs HTTP/1.1\r\nHost: desk\r\nX: a\0b\r\n\r\n",
        b"GET /router/docs HTTP/1.1\r\nHost: desk\r\n broken: line\r\n\r\n",
        WITH_KEY + b"Content-Length: many\r\n\r\n",
        WITH_KEY + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        WITH_KEY + b"Content-Length: 99999999999999999999999\r\n\r\n",
        WITH_KEY + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        WITH_KEY + b"Transfer-Encoding: gzip, chunked, x\r\n\r\n",
        WITH_KEY + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_broken_http_is_a_problem_document(router: int, request_: bytes) -> None:
    status, code, head = (await _sent(router, request_)).the_problem()
    assert (status, code) == (400, "bad-request")
    assert b"connection: close" in head


async def test_a_body_that_breaks_off_in_its_middle(router: int) -> None:
    head = WITH_KEY + b"Transfer-Encoding: chunked\r\n\r\n"
    answered = await _sent(router, head, b"2\r\n{}\r\n", b"zz\r\n")
    assert answered.the_problem()[:2] == (400, "bad-request")


async def test_what_follows_a_whole_request_does_not_get_into_its_answer(router: int) -> None:
    whole = b"GET /router/openapi.json HTTP/1.1\r\nHost: desk\r\n\r\n"
    assert (await _sent(router, whole + b"\x16\x03 what?\r\n\r\n")).statuses == [200]
    assert (await _sent(router, whole, b"\x16\x03 what?\r\n\r\n")).statuses == [200, 400]


async def test_who_is_refused_at_the_door_cannot_go_on_sending(router: int) -> None:
    chunked = PREVIEW + b"Transfer-Encoding: chunked\r\n\r\n"
    answered = await _sent(router, chunked, b"2\r\n{}\r\n", b"2\r\n{}\r\n")
    status, code, head = answered.the_problem()
    assert (status, code) == (401, "key-missing")
    assert b"connection: close" in head
    asking = PREVIEW + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    status, code, head = (await _sent(router, asking)).the_problem()
    assert (status, code) == (401, "key-missing")
    assert b"connection: close" in head
    known = PREVIEW + b"Content-Length: 2\r\n\r\n{}"
    assert (await _sent(router, known, known, b"\x16\r\n\r\n")).statuses == [401, 401, 400]


async def test_an_upgrade_that_nobody_offers_is_passed_over(router: int) -> None:
    get = b"GET /router/openapi.json HTTP/1.1\r\nHost: desk\r\n"
    asking = (
        get + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n"
    )
    last = get + b"Connection: close\r\n\r\n"
    assert (await _sent(router, asking, last)).statuses == [200, 200]
    assert (await _sent(router, asking + last)).statuses == [200, 200]


@pytest.mark.parametrize("chunked", [True, False])
async def test_who_asks_for_an_upgrade_keeps_the_body(router: int, *, chunked: bool) -> None:
    """As programs in Java do by themselves. A body that looks like a request stays a body."""
    hidden = b"GET /router/openapi.json HTTP/1.1\r\nHost: desk\r\n\r\n"
    for body, statuses in ((b'{"text": "Was kostet das?"}', [200]), (hidden, [400])):
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        framed = b"%x\r\n%b\r\n0\r\nX-Late: x\r\n\r\n" % (len(body), body) if chunked else body
        request_ = WITH_KEY + UPGRADE + framing + b"\r\n\r\n" + framed
        end = b"\x16\r\n\r\n"
        for cut in (len(request_), len(request_) - len(framed), len(request_) - 5):
            answered = await _sent(router, request_[:cut], request_[cut:], request_, end)
            assert answered.statuses == [*statuses, *statuses, 400]


async def test_trailers_are_no_headers() -> None:
    head = (
        b"POST / HTTP/1.1\r\nHost: desk\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    trailers = b"Authorization: Bearer x\r\nIdempotency-Key: y\r\nX-Late: z\r\n\r\n"
    async with _served(_echo) as port:
        answered = await _sent(port, head, b"2\r\n{}\r\n", b"0\r\n" + trailers)
    assert answered.statuses == [200]
    echoed = json.loads(answered.raw.partition(b"\r\n\r\n")[2])
    assert echoed == {"size": 2, "names": ["host", "transfer-encoding", "connection"]}


@pytest.mark.parametrize("bare", [True, False])
async def test_hanging_up_within_the_body_is_no_error_of_ours(
    service: Service, capfd: pytest.CaptureFixture[str], *, bare: bool
) -> None:
    metrics = Metrics("test") if bare else service.metrics
    edge = EdgeMiddleware(
        _echo, metrics=metrics, body_limit=1000, body_seconds=5, bodies_bytes=10_000
    )
    async with _served(edge if bare else service.app) as port:
        before = _counted(metrics)
        for announced in (b"Content-Length: 100\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"):
            await _sent(port, WITH_KEY + announced, b"2\r\n{}\r\n", hang_up=True)
    after = _counted(metrics)
    assert after.get("400", 0) == before.get("400", 0) + 2
    assert "500" not in after
    said = capfd.readouterr()
    # Refusals of the tests before may still be counted and told.
    assert [line for line in said.out.splitlines() if "http.refused" not in line] == []
    assert said.err == ""


def _counted(metrics: Metrics) -> dict[str, float]:
    """Answers by status."""
    return {
        sample.labels["status"]: sample.value
        for metric in metrics.requests.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
