"""Deliveries that are validly signed and otherwise wrong in every way: nothing that a sender puts
in costs more than itself.

As many for each connector as MUTATED_DELIVERIES says: `make mutations` sends 20,000.
"""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.intake.receiving.delivery import NOT_STORED
from tests.contracts.connectors.sample import PATH, Sample, Sent
from tests.contracts.connectors.samples import SAMPLES
from tests.services.intake.desk import Desk, opened
from tests.support.clock import ManualClock
from tests.support.migrated import MigratedFiles
from tests.support.mutations import bodies_of, mutated
from tests.support.webhook_cases.case import cases

DELIVERIES = int(os.environ.get("MUTATED_DELIVERIES", "500"))
RECORDED = cases(Path(__file__).parents[1] / "data" / "webhooks")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MAY_GROW = 0.05
"""By how much of what is in memory in the middle: caches are filled up to their bounds."""
FEW = 5_000  # objects


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
async def test_no_delivery_gives_a_5xx_and_nothing_grows(
    sample: Sample, migrated_files: MigratedFiles, tmp_path: Path
) -> None:
    url = await migrated_files.copy("intake", tmp_path / "intake.sqlite")
    async with opened(
        url,
        tmp_path,
        ManualClock(NOON),
        connector=sample.connector,
        secrets=sample.secrets,
        channel_rate=0,
    ) as desk:
        deliveries = _deliveries(sample, desk)
        await _send(desk, deliveries, DELIVERIES // 2)
        objects, metrics = await _size(desk)
        await _send(desk, deliveries, DELIVERIES - DELIVERIES // 2)
        more_objects, more_metrics = await _size(desk)
        assert more_objects < objects * (1 + MAY_GROW) + FEW
        assert more_metrics < metrics * (1 + MAY_GROW) + 10, "labels that a sender can make up"
        await _no_item_failed(desk)


def _deliveries(sample: Sample, desk: Desk) -> Iterator[Sent]:
    chance = random.Random(sample.name)
    valid = [sample.delivery([make(f"m-{kind}")]) for kind, make in sample.items.items()]
    valid += bodies_of(RECORDED, sample.name)
    while True:
        body = mutated(chance, chance.choice(valid))
        yield sample.sign(body, sample.signing[0], desk.clock.now())


async def _send(desk: Desk, deliveries: Iterator[Sent], number: int) -> None:
    for _ in range(number):
        sent = next(deliveries)
        query = f"?{sent.query}" if sent.query else ""
        headers = [(name.encode(), value) for name, value in sent.headers.items()]
        answer = await desk.http.request(
            sent.method, f"{PATH}{query}", content=sent.body, headers=headers
        )
        assert answer.status_code < 500, (sent, answer.text)


async def _size(desk: Desk) -> tuple[int, int]:
    """Objects in memory, and lines of metrics."""
    lines = (await desk.http.get("/intake/metrics")).text.splitlines()
    gc.collect()
    return len(gc.get_objects()), len(lines)


async def _no_item_failed(desk: Desk) -> None:
    """What cannot be read is kept aside with a reason of its own; this one is that of a bug."""
    cursor: dict[str, str] = {}
    while True:
        page = await desk.get("/quarantine", limit=200, **cursor)
        failed = [each for each in page["items"] if NOT_STORED.problem in each["reason"]]
        assert not failed, await desk.get(f"/quarantine/{failed[0]['id']}")
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}
