"""The service on each of the two databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.sla.desk import SlaBench, sla_bench


@pytest.fixture
async def bench(database_url: str, tmp_path: Path) -> AsyncIterator[SlaBench]:
    async with sla_bench(database_url, tmp_path) as made:
        yield made
