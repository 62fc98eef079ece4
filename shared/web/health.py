"""Health: `live` says whether a restart would help, `ready` what works, what not, and why."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import structlog
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from shared.bus.port import BusUnavailableError
from shared.errors import DeskError

CHECK_SECONDS = 3.0
FRESH_SECONDS = 1.0
State = Literal["ok", "degraded", "down"]

log = structlog.get_logger()


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
    """`examine` returns None when all is well, else the reason; `failing` is how bad that is."""

    examine: Callable[[], Awaitable[str | None]]
    failing: State


class Examination:
    """Health on demand, looked up at most once a second, however many ask."""

    def __init__(
        self,
        checks: Callable[[], Mapping[str, Check]],
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds` are those of a clock that nobody sets."""
        self._checks = checks
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._found: Health | None = None
        self._looked_at = 0.0

    async def __call__(self) -> Health:
        """At most a second old; who comes while it is being looked up waits for that."""
        async with self._lock:
            age = self._seconds() - self._looked_at
            if self._found is None or age >= FRESH_SECONDS:
                self._found = await _examine(self._checks())
                self._looked_at = self._seconds()
            return self._found


async def _examine(checks: Mapping[str, Check]) -> Health:
    found = await asyncio.gather(*(_result(name, check) for name, check in checks.items()))
    results = dict(zip(checks, found, strict=True))
    return Health(status=worst([result.status for result in results.values()]), checks=results)


def worst(states: list[State]) -> State:
    order: tuple[State, ...] = ("ok", "degraded", "down")
    return max(states, key=order.index, default="ok")


async def _result(name: str, check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            reason = await check.examine()
    except TimeoutError:
        reason = f"no answer within {CHECK_SECONDS:g} seconds"
    except (DeskError, BusUnavailableError) as error:
        reason = str(error)
    except Exception as error:
        log.exception("health.check_failed", check=name)
        reason = f"the check itself failed ({type(error).__name__}); the log has the stack"
    if reason is None:
        return CheckResult(status="ok")
    return CheckResult(status=check.failing, reason=reason[:500])


def health_response(health: Health) -> JSONResponse:
    """Degraded is still 200: a load balancer must not take a desk away that accepts inquiries."""
    body = health.model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, 503 if health.status == "down" else 200)
