"""An intake on each of the two databases, with a clock that stands still."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.db import open_database
from shared.db.migrate import upgrade
from tests.services.intake.desk import Desk, opened
from tests.support.clock import ManualClock
from tests.support.postgres import fresh_database

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture(scope="session")
async def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with intake's tables, to be copied: a copy costs less than a migration."""
    path = tmp_path_factory.mktemp("intake") / "migrated.sqlite"
    await _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
async def migrated_database(postgres_url: str) -> AsyncIterator[str]:
    """The name of a database with intake's tables, to be copied."""
    async with fresh_database(postgres_url) as url:
        await _migrate(url)
        yield url.rpartition("/")[2]


async def _migrate(url: str) -> None:
    database = open_database(url)
    await database.start()
    await upgrade(database, "intake")
    await database.tidy()
    await database.stop()


@pytest.fixture
async def sqlite_copy(migrated_file: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'intake.sqlite')}"


@pytest.fixture
async def postgres_copy(postgres_url: str, migrated_database: str) -> AsyncIterator[str]:
    async with fresh_database(postgres_url, template=migrated_database) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of this test's own, with intake's tables."""
    copy = "sqlite_copy" if request.param == "sqlite" else "postgres_copy"
    return str(request.getfixturevalue(copy))


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    async with opened(database_url, tmp_path, clock) as desk:
        yield desk
