"""What every answer has, whoever asks for what: its headers, its status, its form."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from services.embedded import EmbeddedApp
from shared.runtime.service import Service
from tests.support.unstarted import KEY, document_of, operations, three_services

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}
LOOK_AT_THE_DATABASE = ("/health/ready", "/metrics")
PAGES = ("/", "/intake/docs", "/router/docs", "/sla/docs")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> tuple[Service, ...]:
    return three_services(tmp_path_factory.mktemp("services"))


@pytest.fixture
async def http(services: tuple[Service, ...]) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=EmbeddedApp(services, "Infopark"))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


async def _paths(services: tuple[Service, ...]) -> dict[str, set[str]]:
    """Every path that is served, filled in, with its methods."""
    found: dict[str, set[str]] = {"/": {"GET"}, "/health/live": {"GET"}, "/health/ready": {"GET"}}
    served: list[tuple[re.Pattern[str], str]] = []
    for service in services:
        found[f"/{service.name}/docs"] = found[f"/{service.name}/openapi.json"] = {"GET"}
        found[f"/{service.name}/docs/assets/swagger-ui.css"] = {"GET"}
        for method, path, _ in operations(await document_of(service)):
            served.append((re.compile(re.sub(r"{\w+}", "[^/]+", path)), method))
            filled = path.replace("{channel}", "facebook").replace("{", "").replace("}", "")
            found.setdefault(filled, set())
    for path, methods in found.items():
        methods |= {method for pattern, method in served if pattern.fullmatch(path)}
    return {path: each | {"HEAD"} if "GET" in each else each for path, each in found.items()}


async def test_a_wrong_method_is_405_and_names_the_right_ones(
    services: tuple[Service, ...], http: httpx.AsyncClient
) -> None:
    for path, methods in (await _paths(services)).items():
        for method in METHODS - methods:
            answer = await http.request(method, path, headers={"Authorization": f"Bearer {KEY}"})
            assert answer.status_code == 405, f"{method} {path}"
            assert set(answer.headers["allow"].split(", ")) == methods, f"{method} {path}"
            assert answer.headers["content-type"] == "application/problem+json"


async def test_head_is_get_without_a_body(http: httpx.AsyncClient) -> None:
    for path in ("/", "/intake/docs", "/router/openapi.json", "/sla/v1/calendar"):
        headers = {"Authorization": f"Bearer {KEY}"}
        whole = await http.get(path, headers=headers)
        head = await http.head(path, headers=headers)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]


async def test_every_answer_tells_browsers_what_they_may_not(
    services: tuple[Service, ...], http: httpx.AsyncClient
) -> None:
    asked = [*await _paths(services), "/nowhere", "/intake/nowhere", "/intake/v1/inquiries\n"]
    for path in asked:
        if path.endswith(LOOK_AT_THE_DATABASE):
            continue
        for method in ("GET", "POST"):
            answer = await http.request(method, quote(path))
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
            stored = answer.headers.get("cache-control") != "no-store"
            assert stored == ("/assets/" in path and method == "GET"), f"{method} {path}"


async def test_pages_run_their_own_scripts_and_styles_only(http: httpx.AsyncClient) -> None:
    for path in PAGES:
        answer = await http.get(path)
        assert answer.headers["content-type"].startswith("text/html")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        inline = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", answer.text, re.DOTALL)
        assert inline, f"{path}: nothing to allow?"
        for content in inline:
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
        elsewhere = re.findall(r'(?:src|href)="(?!/)([^"]+)"', answer.text)
        assert not elsewhere, f"{path} loads {elsewhere}, which its policy forbids"


@pytest.mark.parametrize("end", ["%0a", "%0d", "%00", "%7f", "%09", "%0a%0a", "%0aX"])
async def test_paths_are_matched_to_their_ends(
    services: tuple[Service, ...], http: httpx.AsyncClient, end: str
) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    for path in [*await _paths(services), "/intake/metrics", "/intake/docs/assets/favicon.png"]:
        for method in ("GET", "POST"):
            answer = await http.request(method, f"{path}{end}", headers=headers)
            assert answer.status_code == 404, f"{method} {path}{end}"
            assert answer.headers["content-type"] == "application/problem+json"
