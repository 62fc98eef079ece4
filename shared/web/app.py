"""The HTTP side of a service, the same for each: prefix, documents, health, metrics, problems.

`/intake/...` is the prefix on the service's own port too, so a URL is the same in every mode.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles

from shared.errors import DeskError
from shared.runtime.telemetry import Metrics
from shared.web.answer_headers import page_policy
from shared.web.edge import LimitOf, PageOf
from shared.web.health import Examination, Health, health_response
from shared.web.problems import (
    Problem,
    documented,
    on_desk_error,
    on_http_exception,
    on_unforeseen,
    on_validation_error,
    wrong_method,
)
from shared.web.strict_json import StrictRoute

VERSION = version("inbound-desk")
Responses = dict[int | str, dict[str, Any]]
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ErrorHandler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class HttpDescription:
    """What a service shows over HTTP.

    `hot_routes` are the POST routes on which the rate depends (see `hot`); `raw_paths` and
    `raw_schemas` document them in OpenAPI. `on_errors` are the service's own domain errors and the
    handlers that turn them into problems. `pages` are what people open in a browser, which no API
    document names; `page_of` makes pages of what is refused there. `limit_of` names the paths whose
    bodies may be larger, or must be smaller, than any other.
    """

    title: str
    description: str
    routers: Sequence[APIRouter]
    hot_routes: Sequence[Route] = ()
    raw_paths: Mapping[str, Any] = field(default_factory=dict)
    raw_schemas: Mapping[str, Any] = field(default_factory=dict)
    on_errors: Mapping[int | type[Exception], ErrorHandler] = field(default_factory=dict)
    pages: Sequence[Route] = ()
    page_of: PageOf = lambda _scope, _error: None
    limit_of: LimitOf = lambda _path: None


def build_app(
    http: HttpDescription,
    *,
    service: str,
    metrics: Metrics,
    live: Examination,
    ready: Examination,
) -> FastAPI:
    app = FastAPI(
        title=http.title,
        description=http.description,
        version=VERSION,
        openapi_url=f"/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=lambda route: route.name,
        exception_handlers={
            DeskError: on_desk_error,
            HTTPException: on_http_exception,
            405: _on_wrong_method,
            RequestValidationError: on_validation_error,
            Exception: on_unforeseen,
            **http.on_errors,
        },
    )
    # Only what is no POST comes here; then the answer is that the method is wrong.
    app.router.routes[0:0] = [*http.hot_routes, *http.pages]
    for router in http.routers:
        app.include_router(router)
    _operations(app, service, metrics, live=live, ready=ready)
    _documents(app, service, http.title)
    _document_raw(app, http.raw_paths, http.raw_schemas)
    return app


def api_router(service: str, tag: str) -> APIRouter:
    """A router for `/<service>/v1` whose bodies are strict and whose errors are documented."""
    return APIRouter(
        prefix=f"/{service}/v1",
        tags=[tag],
        route_class=StrictRoute,
        responses=documented(401, 403, 422, 429, 503),
    )


async def _on_wrong_method(request: Request, _error: HTTPException) -> JSONResponse:
    """The framework's own answer names the methods of one of the routes with this path."""
    allowed = {method for method in _METHODS if _serves(request, method)}
    if "GET" in allowed:
        allowed.add("HEAD")
    return wrong_method(allowed)


def _serves(request: Request, method: str) -> bool:
    scope = {"type": "http", "method": method, "path": request.scope["path"], "headers": []}
    matching = (r for r in request.app.router.routes if r.matches(dict(scope))[0] is Match.FULL)
    route = next(matching, None)
    # What is mounted are files.
    return route is not None and (not isinstance(route, Mount) or method == "GET")


def _operations(
    app: FastAPI,
    service: str,
    metrics: Metrics,
    *,
    live: Examination,
    ready: Examination,
) -> None:
    router = APIRouter(tags=["operations"])
    down: Responses = {503: {"model": Health, "description": "A check is down."}}

    async def health_live() -> JSONResponse:
        """Whether the process works; when it does not, restart it."""
        return health_response(await live())

    async def health_ready() -> JSONResponse:
        """What works and what does not, each with its reason."""
        return health_response(await ready())

    async def prometheus() -> Response:
        """Metrics in the Prometheus text format, as of now."""
        await ready()  # the looks set what is measured by looking: lag, age of the outbox
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    text: Responses = {
        200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "# HELP"}}}
    }
    for prefix, shown in ((f"/{service}", True), ("", False)):
        router.add_api_route(
            f"{prefix}/health/live", health_live, response_model=Health, responses=down,
            summary="Does the process work?", include_in_schema=shown,
        )  # fmt: skip
        router.add_api_route(
            f"{prefix}/health/ready", health_ready, response_model=Health, responses=down,
            summary="What works, and what does not?", include_in_schema=shown,
        )  # fmt: skip
        router.add_api_route(
            f"{prefix}/metrics", prometheus, response_class=Response, responses=text,
            summary="Metrics for Prometheus", include_in_schema=shown,
        )  # fmt: skip
    app.include_router(router)


def _documents(app: FastAPI, service: str, title: str) -> None:
    # From our own host: the page must work where the desk has no way to the internet.
    assets = f"/{service}/docs/assets"
    page = get_swagger_ui_html(
        openapi_url=f"/{service}/openapi.json",
        title=title,
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url=f"{assets}/favicon.png",
    )

    page.headers["Content-Security-Policy"] = page_policy(bytes(page.body).decode())

    async def docs(_request: Request) -> HTMLResponse:
        return page

    app.add_route(f"/{service}/docs", docs, methods=["GET"], include_in_schema=False)
    static = StaticFiles(directory=str(files("fastapi_offline") / "static"))
    app.mount(assets, static, name="assets")


def _document_raw(app: FastAPI, paths: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            described = document["paths"]
            for path, operations in paths.items():
                described[path] = {**operations, **described.get(path, {})}
            components = document.setdefault("components", {}).setdefault("schemas", {})
            for name, schema in {**_problem_schemas(), **schemas}.items():
                components.setdefault(name, schema)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _problem_schemas() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs")
    return {"Problem": schema, **inner}
