"""The same two hundred stories on PostgreSQL: its writer of many messages is another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.stories.running import AT_ONCE, SERVICES, STORIES, Running, end_as_the_rules_say, running
from tests.support.migrated import MigratedDatabases


@pytest.fixture
async def desk(migrated_databases: MigratedDatabases, tmp_path: Path) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        urls = {
            name: await stack.enter_async_context(migrated_databases.copy(name))
            for name in SERVICES
        }
        yield await stack.enter_async_context(running(urls, tmp_path))


@pytest.mark.parametrize("first", range(0, STORIES, AT_ONCE))
async def test_the_services_end_every_story_as_the_rules_say(desk: Running, first: int) -> None:
    await end_as_the_rules_say(desk, first)
