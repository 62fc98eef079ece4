"""A flood of refusals is no flood of lines, and every one of them is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import pytest
import structlog

from shared.runtime.trace import current_traceparent, new_traceparent, tracing
from shared.web.refusals import RefusalLog

SECONDS = 0.1
SERVICE = "of-this-test"


@pytest.fixture
def refusals() -> RefusalLog:
    return RefusalLog(SERVICE, seconds=SECONDS)


def _counts(lines: Sequence[Mapping[str, Any]]) -> list[int]:
    """Other tests may still have something to say, of other services."""
    return [line["count"] for line in lines if line.get("service") == SERVICE]


async def test_the_first_at_once_and_the_others_together(refusals: RefusalLog) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(1000):
            refusals.note("key-unknown")
        assert _counts(lines) == [1]
        await asyncio.sleep(2.5 * SECONDS)
        assert _counts(lines) == [1, 999]
        refusals.note("key-unknown")
    assert lines[-1] == {
        "event": "http.refused", "log_level": "warning", "service": SERVICE,
        "reason": "key-unknown", "count": 1,
    }  # fmt: skip


async def test_a_flood_that_goes_on_is_a_line_each_time(refusals: RefusalLog) -> None:
    loop = asyncio.get_running_loop()
    began, noted = loop.time(), 0
    with structlog.testing.capture_logs() as lines:
        while loop.time() - began < 5 * SECONDS:
            refusals.note("signature-invalid", channel="facebook")
            noted += 1
            await asyncio.sleep(0)
        await asyncio.sleep(1.5 * SECONDS)
    assert 2 <= len(_counts(lines)) <= 7
    assert sum(_counts(lines)) == noted


async def test_each_reason_and_name_has_its_own_line(refusals: RefusalLog) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            refusals.note("scope-missing", key="anna")
            refusals.note("scope-missing", key="bert")
            refusals.note("too-many-requests", key="anna")
    mine = [line for line in lines if line.get("service") == SERVICE]
    assert [(line["reason"], line["key"]) for line in mine] == [
        ("scope-missing", "anna"), ("scope-missing", "bert"), ("too-many-requests", "anna"),
    ]  # fmt: skip


async def test_what_is_told_later_has_the_trace_of_nobody(refusals: RefusalLog) -> None:
    traced: list[tuple[int, bool]] = []

    def look(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        if event.get("service") == SERVICE and event["reason"] == "key-missing":
            traced.append((event["count"], current_traceparent() != ""))
        raise structlog.DropEvent

    structlog.configure(processors=[look])
    try:
        with tracing(new_traceparent()):
            for _ in range(3):
                refusals.note("key-missing")
        await asyncio.sleep(2 * SECONDS)
    finally:
        structlog.reset_defaults()
    assert traced == [(1, True), (2, False)]
