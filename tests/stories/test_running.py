"""Two hundred stories told to the three services, on both databases; they agree with each other."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.stories.events import messages_of
from tests.stories.invariants import differences, one_clock
from tests.stories.oracle import tell
from tests.stories.running import Running, Teller, running
from tests.stories.story import generate, orders
from tests.support.migrated import MigratedDatabases, MigratedFiles

SERVICES = ("intake", "router", "sla")
STORIES = 200
AT_ONCE = 10


@pytest.fixture
async def sqlite_urls(migrated_files: MigratedFiles, tmp_path: Path) -> dict[str, str]:
    return {name: await migrated_files.copy(name, tmp_path / f"{name}.sqlite") for name in SERVICES}


@pytest.fixture
async def postgres_urls(migrated_databases: MigratedDatabases) -> AsyncIterator[dict[str, str]]:
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(migrated_databases.copy(name))
            for name in SERVICES
        }


@pytest.fixture(params=["sqlite_urls", "postgres_urls"])
def urls(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def desk(urls: dict[str, str], tmp_path: Path) -> AsyncIterator[Running]:
    async with running(urls, tmp_path) as desk:
        yield desk


@pytest.mark.parametrize("first", range(0, STORIES, AT_ONCE))
async def test_the_services_end_every_story_as_the_rules_say(desk: Running, first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        story = generate(seed)
        for number, order in enumerate(orders(story, random.Random(seed), 2)):
            expected = tell(story.threads, order)
            threads = {each.id: each for each in story.threads}
            found = await Teller(desk, f"s{seed}-{number}", threads, expected).tell(order)
            wrong = [
                *one_clock(found, story.threads, messages_of(order)),
                *differences(expected, found),
            ]
            assert not wrong, (seed, order, wrong)
