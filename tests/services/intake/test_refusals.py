"""Who is refused stands in the log, with the reason and never with what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.services.intake.desk import (
    ANNA,
    READER,
    STRANGE_SECRET,
    TEXT,
    Desk,
    inquiry,
    opened,
    refused_at_the_door,
)
from tests.support.clock import ManualClock

pytestmark = refused_at_the_door
UNKNOWN = "desk_nobody-has-this-key"


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    limits: dict[str, Any] = {"key_rate": 0.001, "key_burst": 3}
    await asyncio.sleep(1.1)  # what the desk of a test before has to say is said
    async with opened(database_url, tmp_path, clock, **limits) as desk:
        yield desk


async def test_every_refusal_is_told_with_its_reason_and_name(desk: Desk) -> None:
    body = TEXT.encode()
    forged = desk.signed(body, secret=STRANGE_SECRET)
    with structlog.testing.capture_logs() as lines:
        await desk.request("GET", "/inquiries", key=None)
        await desk.request("GET", "/inquiries", key=UNKNOWN)
        await desk.request("POST", "/inquiries", key=UNKNOWN, json=inquiry())
        await desk.request("POST", "/inquiries", key=READER, json=inquiry())
        for _ in range(2):
            await desk.request("DELETE", f"/quarantine/{UNKNOWN}", key=READER)
        await desk.request("GET", "/inquiries", key=READER)
        await desk.deliver_raw(body, headers=forged)
        await desk.deliver_raw(body, headers={**forged, "webhook-timestamp": TEXT[:3].encode()})
        await desk.deliver_raw(body, headers=forged, channel="web_form")
        await desk.deliver_raw(body, headers=forged, channel="nowhere")
        await desk.request("GET", "/inquiries", key=ANNA)
        await asyncio.sleep(1.2)
    reader, channel = {"key": "Reader"}, {"channel": "facebook"}
    assert [{**line, "event": None} for line in lines if line["event"] == "http.refused"] == [
        {"event": None, "log_level": "warning", "service": "intake", **each}
        for each in (
            {"reason": "key-missing", "count": 1},
            {"reason": "key-unknown", "count": 1},
            {"reason": "scope-missing", "count": 1, **reader},
            {"reason": "too-many-requests", "count": 1, **reader},
            {"reason": "signature-invalid", "count": 1, **channel},
            {"reason": "channel-secret-missing", "count": 1, "channel": "web_form"},
            {"reason": "key-unknown", "count": 1},
            {"reason": "scope-missing", "count": 2, **reader},
            {"reason": "signature-invalid", "count": 1, **channel},
        )
    ]
    said = repr(lines)
    sent = (UNKNOWN, READER, ANNA, TEXT, forged["webhook-signature"])
    assert not [each for each in sent if each in said]
