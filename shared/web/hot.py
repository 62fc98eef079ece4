"""Past the framework: the few routes on which the rate depends are called without its layers.

FastAPI's and Starlette's layers cost more than accepting a message does (docs/performance.md). The
routes are in the FastAPI app as well, which answers every other method on their paths.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

JSON = "application/json"
_Endpoint = Callable[[Request], Awaitable[Response]]


class HotRoutes:
    """Errors pass through to the edge, which makes problems of them."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        """The routes answer POST; their parameters are plain text."""
        self._app = app
        self._routes = [
            (route.path_regex.match, cast("_Endpoint", route.endpoint)) for route in routes
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            for matches, endpoint in self._routes:
                found = matches(scope["path"])
                if found is not None:
                    scope["path_params"] = found.groupdict()
                    response = await endpoint(_HotRequest(scope, receive))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)


class _HotRequest(Request):
    """A request whose body is taken as it comes: nearly always in one piece."""

    async def body(self) -> bytes:
        pieces: list[bytes] = []
        more = True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class JsonAnswer(Response):
    """JSON that is written already, with its headers; sent without the framework's rendering."""

    def __init__(
        self, content: bytes, status: int, *, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Names of `headers` are in lower case."""
        self.status_code = status
        self.body = content
        self.background = None
        self.raw_headers = [
            (b"content-length", b"%d" % len(content)),
            (b"content-type", JSON.encode()),
            *headers,
        ]

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        start: dict[str, Any] = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})
