"""Keys and channels that ask too often: 429, and nothing that others could use against them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.intake.desk import (
    BERT,
    STRANGE_SECRET,
    Desk,
    message,
    opened,
    problem,
    refused_at_the_door,
)
from tests.support.clock import ManualClock

pytestmark = refused_at_the_door


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    limits: dict[str, Any] = {"key_rate": 0.001, "key_burst": 2}
    limits |= {"channel_rate": 0.001, "channel_burst": 2}
    async with opened(database_url, tmp_path, clock, **limits) as desk:
        yield desk


async def test_a_key_that_asks_too_often(desk: Desk) -> None:
    left = [(await desk.request("GET", "/inquiries")).headers["ratelimit"] for _ in range(2)]
    assert left == ['"key";r=1;t=1000', '"key";r=0;t=2000']
    for refused in (await desk.request("GET", "/inquiries"), await desk.post("/inquiries", {})):
        problem(refused, 429, "too-many-requests")
        assert refused.headers["retry-after"] == "1000"
        assert refused.headers["ratelimit"] == '"key";r=0;t=1000'
        assert refused.headers["ratelimit-policy"] == '"key";q=2;w=2000'
    assert (await desk.request("GET", "/inquiries", key=BERT)).status_code == 200


async def test_a_channel_that_sends_too_often(desk: Desk) -> None:
    for data in (message(), [message(), message(), message()]):
        assert (await desk.deliver(data)).status_code == 202
    refused = await desk.deliver(message(id="one-more"))
    problem(refused, 429, "too-many-requests")
    assert refused.headers["ratelimit"] == '"channel";r=0;t=1000'
    assert (await desk.deliver(message(), channel="email")).status_code == 202
    assert await desk.stored() == 5


async def test_a_forger_takes_nothing_from_the_channel(desk: Desk) -> None:
    for _ in range(5):
        forged = desk.signed(b"{}", secret=STRANGE_SECRET)
        problem(await desk.deliver_raw(b"{}", headers=forged), 401, "signature-invalid")
    assert (await desk.deliver(message())).headers["ratelimit"] == '"channel";r=1;t=1000'
