"""Health on demand: each reason is said, and no number of callers makes it dearer."""

from __future__ import annotations

import asyncio
from typing import Any

from prometheus_client import generate_latest

from shared.bus.port import BusUnavailableError
from shared.db import DatabaseUnavailableError
from shared.runtime.checks import Checks
from shared.runtime.telemetry import Metrics
from shared.web.health import FRESH_SECONDS, Check, Examination


async def test_it_is_looked_up_at_most_once_a_second() -> None:
    now = 1000.0
    looks = 0

    async def examine() -> None:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.01)

    ready = Examination(lambda: {"database": Check(examine, "down")}, seconds=lambda: now)
    found = await asyncio.gather(*(ready() for _ in range(100)))
    assert {each.status for each in found} == {"ok"}
    assert looks == 1
    now += FRESH_SECONDS - 0.1
    await ready()
    assert looks == 1
    now += 0.1
    await asyncio.gather(*(ready() for _ in range(100)))
    assert looks == 2


async def test_each_check_has_its_reason_and_the_worst_decides() -> None:
    async def away() -> None:
        raise BusUnavailableError("the bus is away")

    async def full() -> None:
        raise DatabaseUnavailableError("x" * 10_000)

    async def broken() -> None:
        raise LookupError("somebody's words")

    async def well() -> None:
        return

    checks = {"bus": Check(away, "degraded"), "keys": Check(well, "degraded")}
    checks["lag"] = Check(broken, "degraded")
    found = await Examination(lambda: checks)()
    assert found.status == "degraded"
    assert found.checks["bus"].reason == "the bus is away"
    assert found.checks["keys"].status == "ok"
    said = "the check itself failed (LookupError); the log has the stack"
    assert found.checks["lag"].reason == said
    checks["database"] = Check(full, "down")
    found = await Examination(lambda: checks)()
    assert found.status == "down"
    assert len(found.checks["database"].reason or "") == 500


class _Behind:
    def __init__(self, records: int | None) -> None:
        self._records = records

    async def lag(self) -> int | None:
        return self._records


async def test_the_lag_of_a_service_is_that_of_all_its_consumers() -> None:
    unused: Any = None
    consumers: Any = [_Behind(2), _Behind(3)]
    metrics = Metrics("test")
    checks = Checks("test", unused, unused, unused, unused, metrics, unused, consumers)
    examine = checks.ready()["consumers"].examine
    assert await examine() is None
    assert "desk_consumer_lag 5.0" in generate_latest(metrics.registry).decode()
    consumers.append(_Behind(None))
    assert "not joined" in str(await examine())
