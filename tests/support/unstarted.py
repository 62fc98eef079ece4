"""The three services as they are wired, with neither database nor bus behind them: for what is
decided at the door.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from services.intake.app import build as build_intake
from services.intake.settings import IntakeSettings
from services.router.app import build as build_router
from services.router.settings import RouterSettings
from services.sla.app import build as build_sla
from services.sla.settings import SlaSettings
from shared.access.keys import KeyRing
from shared.bus.open import open_bus
from shared.events.catalogue import topics
from shared.policy import load_policy
from shared.runtime.clock import SystemClock
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import DeskSettings

KEY = "desk_" + "k" * 43
"""A key with every scope."""
SECRET = "whsec_bm9yZGxpY2h0LWdlbmVyaWMtaW5ib3gta2V5LTAwMDE="
"""What the connector of `facebook` signs with."""


def three_services(folder: Path) -> tuple[Service, ...]:
    settings = DeskSettings.model_validate({"data_dir": folder})
    runtime = Runtime(
        settings,
        load_policy(None),
        open_bus(settings.bus(), topics(retention_days=1)),
        SystemClock(),
        KeyRing(folder / "keys.json", environment_key=KEY),
    )
    return (
        build_intake(runtime, IntakeSettings(), {"facebook": (SECRET,)}),
        build_router(runtime, RouterSettings()),
        build_sla(runtime, SlaSettings()),
    )


async def document_of(service: Service) -> dict[str, Any]:
    """Its OpenAPI document."""
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
        answer = await http.get(f"/{service.name}/openapi.json")
    document: dict[str, Any] = answer.raise_for_status().json()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of each."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                yield method.upper(), path, operation
