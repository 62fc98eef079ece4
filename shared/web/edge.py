"""The outermost layer of each service: trace, metrics, limits of the body, headers, last resort.
Pure ASGI.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import DeskError
from shared.runtime.telemetry import Metrics
from shared.runtime.trace import continued, tracing
from shared.web.answer_headers import completed
from shared.web.bodies import Bodies, Body
from shared.web.notes import notes, noting
from shared.web.problems import RefusedError, internal_error, of_desk_error
from shared.web.refusals import RefusalLog

_LOGGED = frozenset({401, 403, 429})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

LimitOf = Callable[[str], int | None]
"""The largest body of a path in bytes; None where it is that of all."""
PageOf = Callable[[Scope, DeskError], Response | None]
"""A refusal as a page, where a person sees it in a browser; None elsewhere."""

log = structlog.get_logger()


class EdgeMiddleware:
    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        body_limit: int,
        body_seconds: float,
        bodies_bytes: int,
        limit_of: LimitOf = lambda _path: None,
        page_of: PageOf = lambda _scope, _error: None,
    ) -> None:
        """`limit_of` and `page_of` are for the paths that differ from all others."""
        self._app = app
        self._limit_of = limit_of
        self._page_of = page_of
        self._by_status = {
            status: metrics.requests.labels(str(status)) for status in (200, 201, 202, 404, 422)
        }
        self._requests = metrics.requests
        self._refusals = RefusalLog(metrics.service)
        self._bodies = Bodies(
            limit=body_limit,
            seconds=body_seconds,
            together=bodies_bytes,
            refusals=self._refusals,
        )
        self._seconds = metrics.request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = dict(scope["headers"])
        body = Body(receive, headers, self._bodies, limit=self._limit_of(scope["path"]))
        answer = _Answer(send, body, method=scope["method"])
        with tracing(continued(_text(headers, b"traceparent"))), noting() as noted:
            body.notes = noted
            try:
                _check_path(scope["path"])
                body.check_announced()
                await self._app(_with_get_for_head(scope), body.receive, answer.send)
            except DeskError as error:
                noted.refused = error.code
                if not answer.status:
                    refusal = self._page_of(scope, error) or of_desk_error(error)
                    await refusal(scope, receive, answer.send)
            except Exception:
                log.exception("http.failed", path=scope["path"], method=scope["method"])
                if not answer.status:
                    await internal_error()(scope, receive, answer.send)
            finally:
                self._bodies.release(body)
        if answer.status in _LOGGED:
            self._refusals.note(noted.refused, key=noted.key, channel=noted.channel)
        self._seconds.observe(time.perf_counter() - began)
        counter = self._by_status.get(answer.status) or self._requests.labels(str(answer.status))
        counter.inc()


class _Answer:
    """An answer on its way out; `status` is 0 until it begins."""

    def __init__(self, send: Send, body: Body, *, method: str) -> None:
        self.status = 0
        self._send = send
        self._body = body
        self._without_content = method == "HEAD"

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*completed(message.get("headers", ())), *notes().answer_headers]
            if self._body.open_ended and not any(name == b"connection" for name, _ in headers):
                # Who was refused at the door must not keep us reading.
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        elif self._without_content and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def _check_path(path: str) -> None:
    """Raises RefusedError (404). No path of ours has a control character, and what follows a line
    end is not looked at by every pattern.
    """
    if _CONTROL.search(path):
        raise RefusedError(404, "not-found", "nothing is served here")


def _with_get_for_head(scope: Scope) -> Scope:
    """HEAD is answered wherever GET is."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if value is not None else None
