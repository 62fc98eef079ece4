"""Each test of a service runs on both databases, on a copy of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.migrated import MigratedDatabases, MigratedFiles


@pytest.fixture
def service_name(request: pytest.FixtureRequest) -> str:
    """The service that the test belongs to; its tests are in a folder with its name."""
    return request.path.parent.name


@pytest.fixture
async def sqlite_copy(migrated_files: MigratedFiles, service_name: str, tmp_path: Path) -> str:
    return await migrated_files.copy(service_name, tmp_path / f"{service_name}.sqlite")


@pytest.fixture
async def postgres_copy(
    migrated_databases: MigratedDatabases, service_name: str
) -> AsyncIterator[str]:
    async with migrated_databases.copy(service_name) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of this test's own, with its service's tables."""
    copy = "sqlite_copy" if request.param == "sqlite" else "postgres_copy"
    return str(request.getfixturevalue(copy))
