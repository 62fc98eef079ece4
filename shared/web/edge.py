"""The outermost layer of each service: trace, metrics, body limits, last resort. Pure ASGI.

No server and no framework limits how large a body is or how long it may take; this does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import DeskError
from shared.telemetry import Metrics
from shared.trace import continued, tracing
from shared.web.problems import RefusedError, internal_error, of_desk_error

log = structlog.get_logger()


class Edge:
    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, body_limit: int, body_seconds: float
    ) -> None:
        self._app = app
        self._body_limit = body_limit
        self._body_seconds = body_seconds
        self._by_status = {
            status: metrics.requests.labels(str(status)) for status in (200, 201, 202, 404, 422)
        }
        self._requests = metrics.requests
        self._seconds = metrics.request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0  # of the answer, once it has begun

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers = dict(scope["headers"])
        with tracing(continued(_text(headers, b"traceparent"))):
            try:
                self._check_announced(headers)
                await self._app(scope, self._limited(receive), sending)
            except DeskError as error:
                if status == 0:
                    await of_desk_error(error)(scope, receive, sending)
            except Exception:
                log.exception("http.failed", path=scope["path"], method=scope["method"])
                if status == 0:
                    await internal_error()(scope, receive, sending)
        self._seconds.observe(time.perf_counter() - began)
        counter = self._by_status.get(status) or self._requests.labels(str(status))
        counter.inc()

    def _check_announced(self, headers: MutableMapping[bytes, bytes]) -> None:
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._body_limit:
            raise self._too_large()

    def _limited(self, receive: Receive) -> Receive:
        size = 0
        complete = False
        deadline = asyncio.get_running_loop().time() + self._body_seconds

        async def limited() -> Message:
            nonlocal size, complete
            if complete:  # after the body only a disconnect can come, and that may take its time
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise RefusedError(
                    408,
                    "body-too-slow",
                    f"the body did not arrive within {self._body_seconds:g} seconds",
                    headers={"Connection": "close"},
                ) from None
            size += len(message.get("body", b""))
            if size > self._body_limit:
                raise self._too_large()
            complete = not message.get("more_body", False)
            return message

        return limited

    def _too_large(self) -> RefusedError:
        return RefusedError(
            413,
            "body-too-large",
            f"the body is over the limit of {self._body_limit} bytes",
            headers={"Connection": "close"},
        )


def _text(headers: MutableMapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if value is not None else None
