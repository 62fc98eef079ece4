"""Two hundred stories told to the three services on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.running import AT_ONCE, SERVICES, STORIES, Running, end_as_the_rules_say, running
from tests.support.migrated import MigratedFiles


@pytest.fixture
async def desk(migrated_files: MigratedFiles, tmp_path: Path) -> AsyncIterator[Running]:
    urls = {name: await migrated_files.copy(name, tmp_path / f"{name}.sqlite") for name in SERVICES}
    async with running(urls, tmp_path) as desk:
        yield desk


@pytest.mark.parametrize("first", range(0, STORIES, AT_ONCE))
async def test_the_services_end_every_story_as_the_rules_say(desk: Running, first: int) -> None:
    await end_as_the_rules_say(desk, first)
