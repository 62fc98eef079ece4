"""Health: `live` says whether a restart would help, `ready` what works, what not, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from shared.bus.port import BusUnavailableError
from shared.errors import DeskError

CHECK_SECONDS = 3.0
State = Literal["ok", "degraded", "down"]


class CheckResult(BaseModel):
    status: State = Field(examples=["ok"])
    reason: str | None = Field(default=None, examples=["the bus does not answer"])


class Health(BaseModel):
    """`down`: cannot work. `degraded`: accepts work, some of it waits. `ok`: all is well."""

    status: State = Field(examples=["ok"])
    checks: dict[str, CheckResult] = Field(
        examples=[{"database": {"status": "ok"}, "bus": {"status": "ok"}}]
    )


@dataclass(frozen=True, slots=True)
class Check:
    """`look` returns None when all is well, else the reason; `failing` is how bad that is."""

    look: Callable[[], Awaitable[str | None]]
    failing: State


async def examine(checks: Mapping[str, Check]) -> Health:
    results = dict(
        zip(checks, await asyncio.gather(*(_result(c) for c in checks.values())), strict=True)
    )
    return Health(status=worst([result.status for result in results.values()]), checks=results)


def worst(states: list[State]) -> State:
    order: tuple[State, ...] = ("ok", "degraded", "down")
    return max(states, key=order.index, default="ok")


async def _result(check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            reason = await check.look()
    except TimeoutError:
        reason = f"no answer within {CHECK_SECONDS:g} seconds"
    except (DeskError, BusUnavailableError) as error:
        reason = str(error)
    if reason is None:
        return CheckResult(status="ok")
    return CheckResult(status=check.failing, reason=reason[:500])


def health_response(health: Health) -> JSONResponse:
    """Degraded is still 200: a load balancer must not take a desk away that accepts inquiries."""
    body = health.model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, 503 if health.status == "down" else 200)
