"""Every test of the service runs on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.sla.desk import SlaBench, sla_bench


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_database")
        return url
    return f"sqlite:///{tmp_path / 'sla.sqlite'}"


@pytest.fixture
async def bench(database_url: str, tmp_path: Path) -> AsyncIterator[SlaBench]:
    async with sla_bench(database_url, tmp_path) as made:
        yield made
