"""The three running services on each of the two databases, started once for a whole module.

Each story has names of its own, so that the stories before it are only more rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.stories.running import SERVICES, Running, running
from tests.support.migrated import MigratedDatabases, MigratedFiles


@pytest.fixture(scope="module")
async def sqlite_desk(
    migrated_files: MigratedFiles, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("stories")
    urls = {name: await migrated_files.copy(name, folder / f"{name}.sqlite") for name in SERVICES}
    async with running(urls, folder) as desk:
        yield desk


@pytest.fixture(scope="module")
async def postgres_desk(
    migrated_databases: MigratedDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        urls = {
            name: await stack.enter_async_context(migrated_databases.copy(name))
            for name in SERVICES
        }
        folder = tmp_path_factory.mktemp("stories")
        yield await stack.enter_async_context(running(urls, folder))
