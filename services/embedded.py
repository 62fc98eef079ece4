"""Three services behind one port: a request goes to the service that its path names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from services.page import html
from shared.runtime.service import Service
from shared.web.answer_headers import completing, page_policy
from shared.web.health import Health, health_response, worst
from shared.web.problems import problem_response, wrong_method

_LIVE, _READY = "/health/live", "/health/ready"
_OWN_PATHS = ("/", _LIVE, _READY)
_METHODS = ("GET", "HEAD")
_SERVED_BY = {"form": "intake"}
"""Paths that do not begin with the name of their service: customers see them."""


class EmbeddedApp:
    def __init__(self, services: Sequence[Service], company: str, *, form: bool = True) -> None:
        """`form`: there is one for customers."""
        self._services = services
        self._apps = {service.name: service.app for service in services}
        self._page = html(company, form=form)
        self._policy = page_policy(self._page)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        name = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        app = self._apps.get(_SERVED_BY.get(name, name))
        if app is None:
            response = await self._own(Request(scope))
            await response(scope, receive, completing(send))
        else:
            await app(scope, receive, send)

    async def _own(self, request: Request) -> Response:
        path = request.scope["path"]
        if path not in _OWN_PATHS:
            return problem_response(
                404, "not-found", "nothing is served here; see / for what there is"
            )
        if request.method not in _METHODS:
            return wrong_method(_METHODS)
        if path == "/":
            return HTMLResponse(self._page, headers={"Content-Security-Policy": self._policy})
        return await self._together(live=path == _LIVE)

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
