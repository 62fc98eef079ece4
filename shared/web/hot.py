"""Past the framework: the few routes on which the rate depends are called without its layers.

FastAPI's and Starlette's layers cost more than accepting a message does (docs/performance.md). The
routes are in the FastAPI app as well, which answers every other method on their paths.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

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
                    response = await endpoint(Request(scope, receive))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)
