"""The outermost layer: body limits, trace, last resort."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import DeskError
from shared.runtime.telemetry import Metrics
from shared.runtime.trace import current_traceparent, new_traceparent, trace_id
from shared.web.app import HttpDescription, build_app
from shared.web.bodies import LARGE_FACTOR
from shared.web.edge import EdgeMiddleware
from shared.web.health import Examination
from shared.web.problems import RefusedError, of_desk_error

LIMIT = 1000


async def _echo(request: Request) -> Response:
    body = await request.body()
    return JSONResponse({"size": len(body), "trace": current_traceparent()})


async def _fails(_request: Request) -> Response:
    raise LookupError("a secret of ours")


async def _refused(_request: Request, error: RefusedError) -> Response:
    return of_desk_error(error)


async def _bare(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that knows nothing of our errors."""
    response = await _echo(Request(scope, receive))
    await response(scope, receive, send)


def _edge(
    *,
    handled: bool = True,
    seconds: float = 5.0,
    together: int = 2 * LIMIT,
    metrics: Metrics | None = None,
    **more: Any,
) -> EdgeMiddleware:
    app: ASGIApp = Starlette(
        routes=[Route("/echo", _echo, methods=["POST"]), Route("/fails", _fails)],
        exception_handlers={RefusedError: _refused},  # type: ignore[dict-item]
    )
    return EdgeMiddleware(
        app if handled else _bare,
        metrics=metrics or Metrics("test"),
        body_limit=LIMIT,
        body_seconds=seconds,
        bodies_bytes=together,
        **more,
    )


async def _send(
    edge: EdgeMiddleware, method: str = "POST", path: str = "/echo", **more: Any
) -> Any:
    transport = httpx.ASGITransport(app=edge, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
        return await http.request(method, path, **more)


def _problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:inbound-desk:problem:{code}"


async def _chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def test_a_body_at_the_limit_passes() -> None:
    assert (await _send(_edge(), content=b"x" * LIMIT)).json()["size"] == LIMIT
    assert (await _send(_edge(), content=_chunks(10, 100))).json()["size"] == LIMIT


@pytest.mark.parametrize("handled", [True, False])
async def test_a_body_over_the_limit(*, handled: bool) -> None:
    edge = _edge(handled=handled)
    announced = await _send(edge, content=b"x" * (LIMIT + 1))
    _problem(announced, 413, "body-too-large")
    assert announced.headers["connection"] == "close"
    _problem(await _send(edge, content=_chunks(11, 100)), 413, "body-too-large")


async def test_a_path_may_have_a_limit_of_its_own() -> None:
    edge = _edge(limit_of={"/echo": 2 * LIMIT}.get)
    assert (await _send(edge, content=b"x" * 2 * LIMIT)).json()["size"] == 2 * LIMIT
    _problem(await _send(edge, content=b"x" * (2 * LIMIT + 1)), 413, "body-too-large")
    _problem(await _send(edge, content=_chunks(21, 100)), 413, "body-too-large")
    _problem(await _send(edge, path="/fails", content=b"x" * (LIMIT + 1)), 413, "body-too-large")


async def test_a_person_sees_a_refusal_as_a_page() -> None:
    def page(scope: Scope, error: DeskError) -> Response | None:
        return HTMLResponse(error.code, 413) if scope["path"] == "/echo" else None

    edge = _edge(handled=False, page_of=page)
    answer = await _send(edge, content=b"x" * (LIMIT + 1))
    assert (answer.status_code, answer.text) == (413, "body-too-large")
    assert answer.headers["content-type"].startswith("text/html")
    _problem(await _send(edge, path="/fails", content=b"x" * (LIMIT + 1)), 413, "body-too-large")


async def test_the_announced_length_is_not_believed_to_be_small() -> None:
    headers = {"content-length": "5"}
    _problem(await _send(_edge(), content=b"x" * 2000, headers=headers), 413, "body-too-large")


class Client:
    """A client below HTTP: what it sends, with a stop where it says nothing more."""

    def __init__(self, messages: Sequence[dict[str, Any]]) -> None:
        self._messages = list(messages)
        self.answer: list[Any] = []

    async def receive(self) -> Any:
        if self._messages:
            return self._messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("nothing comes any more")

    async def send(self, message: Any) -> None:
        self.answer.append(message)

    async def ask(self, edge: EdgeMiddleware, path: str = "/echo") -> tuple[int, bytes]:
        scope = {"type": "http", "method": "POST", "path": path, "headers": [],
                 "query_string": b"", "http_version": "1.1"}  # fmt: skip
        async with asyncio.timeout(10):
            await edge(scope, self.receive, self.send)
        return self.answer[0]["status"], self.answer[1]["body"]


@pytest.mark.parametrize("handled", [True, False])
async def test_a_body_that_takes_too_long(*, handled: bool) -> None:
    half = {"type": "http.request", "body": b"x", "more_body": True}
    status, body = await Client([half]).ask(_edge(handled=handled, seconds=0.05))
    assert status == 408
    assert json.loads(body)["type"] == "urn:inbound-desk:problem:body-too-slow"


async def test_one_that_may_take_its_time_gives_the_others_no_more() -> None:
    half = {"type": "http.request", "body": b"x", "more_body": True}
    edge = _edge(handled=False, seconds=0.5, limit_of={"/large": 2 * LIMIT}.get)
    large = asyncio.create_task(Client([half]).ask(edge, path="/large"))
    await asyncio.sleep(0)
    async with asyncio.timeout(0.5 * (LARGE_FACTOR - 1)):
        assert (await Client([half]).ask(edge))[0] == 408
    assert not large.done()
    large.cancel()
    with pytest.raises(asyncio.CancelledError):
        await large


async def test_bodies_that_are_held_back_make_room_for_others() -> None:
    edge = _edge(seconds=60.0, together=2 * LIMIT)
    nearly = {"type": "http.request", "body": b"x" * (LIMIT - 1), "more_body": True}
    slow = [asyncio.create_task(Client([nearly]).ask(edge)) for _ in range(2)]
    await asyncio.sleep(0)
    assert (await _send(edge, content=_chunks(10, 100))).status_code == 200
    status, body = await slow[0]
    assert (status, json.loads(body)["type"]) == (503, "urn:inbound-desk:problem:too-many-bodies")
    # What went is counted no more: there is room for another one beside the second.
    third = asyncio.create_task(Client([nearly]).ask(edge))
    await asyncio.sleep(0)
    assert not slow[1].done()
    for each in (slow[1], third):
        each.cancel()
        with pytest.raises(asyncio.CancelledError):
            await each
    assert (await _send(edge, content=_chunks(10, 100))).status_code == 200


async def test_a_large_body_counts_until_it_is_handled() -> None:
    read, done = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await request.body()
        read.set()
        await done.wait()
        await Response()(scope, receive, send)

    edge = EdgeMiddleware(
        app,
        metrics=Metrics("test"),
        body_limit=LIMIT,
        body_seconds=5.0,
        bodies_bytes=3 * LIMIT,
        limit_of={"/echo": 3 * LIMIT}.get,
    )
    large = asyncio.create_task(_send(edge, content=_chunks(20, LIMIT // 10)))
    await read.wait()
    late = await _send(edge, content=_chunks(20, LIMIT // 10))
    _problem(late, 503, "too-many-bodies")
    assert not large.done()
    done.set()
    assert (await large).status_code == 200
    assert (await _send(edge, content=_chunks(20, LIMIT // 10))).status_code == 200


async def test_the_trace_of_the_caller_goes_on() -> None:
    given = new_traceparent()
    answer = await _send(_edge(), headers={"traceparent": given})
    assert trace_id(answer.json()["trace"]) == trace_id(given)
    answer = await _send(_edge(), headers={"traceparent": b"\xff"})
    assert len(answer.json()["trace"]) == 55


async def test_a_failure_says_nothing_of_itself() -> None:
    answer = await _send(_edge(), "GET", "/fails")
    assert answer.status_code == 500
    assert "secret" not in answer.text


async def test_a_failure_in_the_whole_app_is_a_problem_too() -> None:
    """Its own outermost layer would answer in plain text before the edge could."""
    metrics = Metrics("test")
    http = HttpDescription(title="Test", description="Fails.", routers=[])
    nothing = Examination(dict)
    app = build_app(http, service="test", metrics=metrics, live=nothing, ready=nothing)
    app.add_route("/fails", _fails)
    edge = EdgeMiddleware(
        app, metrics=metrics, body_limit=1000, body_seconds=5.0, bodies_bytes=10_000
    )
    answer = await _send(edge, "GET", "/fails")
    _problem(answer, 500, "internal")
    assert "secret" not in answer.text


async def test_each_answer_is_counted() -> None:
    metrics = Metrics("test")
    edge = _edge(metrics=metrics)
    await _send(edge)
    await _send(edge, content=b"x" * 2000)
    await _send(edge, path="/nothing")
    other = Metrics("other")
    assert b"desk_http_requests_total{" not in generate_latest(other.registry)
    counted = {
        sample.labels["status"]: sample.value
        for metric in metrics.requests.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
    assert (counted["200"], counted["413"], counted["404"]) == (1, 1, 1)
