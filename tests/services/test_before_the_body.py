"""Who may send is known before anything of a body is read, and what was signed before it
is parsed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from shared.runtime.service import Service
from shared.web.signing import secret_key, sign
from tests.support.unstarted import KEY, SECRET, document_of, operations, three_services

ENDLESS = b"[" * 33 + b'"' + b'\\"' * 12_000
"""No JSON, and once seconds of work for whoever looked for the end of its string."""
WEBHOOK = "/intake/v1/webhooks/facebook"


class Caller:
    """Below HTTP, so that it shows whether a body was asked for."""

    def __init__(self, service: Service, body: bytes = b"") -> None:
        self._service = service
        self._body = body
        self.asked = False
        self.answer: list[Any] = []

    async def _receive(self) -> Any:
        self.asked = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def _send(self, message: Any) -> None:
        self.answer.append(message)

    async def calls(self, method: str, path: str, headers: Mapping[str, str]) -> int:
        """The status of the answer."""
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "query_string": b"",
            "http_version": "1.1",
        }
        await self._service.app(scope, self._receive, self._send)
        return int(self.answer[0]["status"])


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> tuple[Service, ...]:
    return three_services(tmp_path_factory.mktemp("services"))


@pytest.mark.parametrize("key", [None, "desk_" + "x" * 43])
async def test_the_key_comes_before_the_body(
    services: tuple[Service, ...], key: str | None
) -> None:
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    with_body = 0
    for service in services:
        for method, path, operation in operations(await document_of(service)):
            if not operation.get("security"):
                continue
            with_body += "requestBody" in operation
            caller = Caller(service, ENDLESS)
            filled = path.replace("{", "").replace("}", "")
            assert await caller.calls(method, filled, headers) == 401, f"{method} {path}"
            assert not caller.asked, f"{method} {path} reads the body of somebody without a key"
    assert with_body > 10


async def test_nothing_but_health_and_documents_is_without_a_key(
    services: tuple[Service, ...],
) -> None:
    free = {
        path.removeprefix(f"/{service.name}")
        for service in services
        for _, path, operation in operations(await document_of(service))
        if not operation.get("security")
    }
    assert free == {"/health/live", "/health/ready", "/metrics", "/v1/webhooks/{channel}"}


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-signature": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "1700000000"},
    ],
)
async def test_headers_that_no_body_can_fit(
    services: tuple[Service, ...], change: dict[str, str]
) -> None:
    caller = Caller(services[0], ENDLESS)
    assert await caller.calls("POST", WEBHOOK, {**_signed(ENDLESS), **change}) == 401
    assert not caller.asked


@pytest.mark.parametrize("channel", ["youtube", "nowhere"])
async def test_a_channel_that_cannot_sign(services: tuple[Service, ...], channel: str) -> None:
    caller = Caller(services[0], ENDLESS)
    path = f"/intake/v1/webhooks/{channel}"
    assert await caller.calls("POST", path, _signed(ENDLESS)) in {401, 404}
    assert not caller.asked


async def test_what_was_not_signed_is_not_parsed(services: tuple[Service, ...]) -> None:
    caller = Caller(services[0], ENDLESS)
    assert await caller.calls("POST", WEBHOOK, _signed(b"{}")) == 401


class _KeepsBack(Caller):
    """A client whose last byte comes when it is told so."""

    def __init__(self, service: Service, body: bytes) -> None:
        super().__init__(service, body)
        self.last = asyncio.Event()

    async def _receive(self) -> Any:
        if self.asked:
            await self.last.wait()
            return {"type": "http.request", "body": b"}", "more_body": False}
        return {**await super()._receive(), "more_body": True}


async def test_forgers_who_keep_back_a_byte_fill_no_memory(
    services: tuple[Service, ...],
) -> None:
    forgers = [_KeepsBack(services[0], b"x" * 1_000_000) for _ in range(100)]
    calls = [asyncio.create_task(_posted(forger)) for forger in forgers]
    refused, held = await asyncio.wait(calls, timeout=0.5)
    assert 60 < len(held) <= 68
    assert {call.result() for call in refused} == {503}
    assert await _posted(Caller(services[0], b"x" * 10_000)) == 401  # looked at, as ever
    late = _KeepsBack(services[0], b"x" * 1_000_000)
    late.last.set()
    assert await _posted(late) == 401
    for forger in forgers:
        forger.last.set()
    assert {await call for call in held} <= {401, 503}


async def _posted(caller: Caller) -> int:
    return await caller.calls("POST", WEBHOOK, _signed(b"{}"))


async def test_a_body_without_an_end_costs_nothing_with_a_key(
    services: tuple[Service, ...],
) -> None:
    body = b"[" * 33 + b'"' + b'\\"' * 500_000
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    began = time.process_time()
    for service, path in (
        (services[0], "/intake/v1/inquiries/0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a/close"),
        (services[1], "/router/v1/decisions/preview"),
        (services[2], "/sla/v1/deadlines/preview"),
    ):
        assert await Caller(service, body).calls("POST", path, headers) == 400
    assert time.process_time() - began < 2


def _signed(body: bytes) -> dict[str, str]:
    at = int(time.time())
    return {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secret_key(SECRET), webhook_id="msg_1", timestamp=at, body=body),
    }
