"""Three services behind one port: a request goes to the service that its path names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from services.page import html
from shared.service import Service
from shared.web.health import Health, health_response, worst
from shared.web.problems import problem_response


class EmbeddedApp:
    def __init__(self, services: Sequence[Service], company: str) -> None:
        self._services = services
        self._apps = {service.name: service.app for service in services}
        self._page = html(company)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        name = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        app = self._apps.get(name)
        if app is None:
            response = await self._own(Request(scope))
            await response(scope, receive, send)
        else:
            await app(scope, receive, send)

    async def _own(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return problem_response(404, "not-found", "nothing is served here")
        match request.url.path:
            case "/":
                return HTMLResponse(self._page)
            case "/health/live":
                return await self._together(live=True)
            case "/health/ready":
                return await self._together(live=False)
            case _:
                return problem_response(
                    404, "not-found", "nothing is served here; see / for what there is"
                )

    async def _together(self, *, live: bool) -> JSONResponse:
        parts = await asyncio.gather(
            *(service.live() if live else service.ready() for service in self._services)
        )
        checks = {
            f"{service.name}.{name}": result
            for service, part in zip(self._services, parts, strict=True)
            for name, result in part.checks.items()
        }
        return health_response(Health(status=worst([p.status for p in parts]), checks=checks))
