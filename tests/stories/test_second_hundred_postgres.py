"""The second hundred of two hundred stories told to the three services on PostgreSQL.

A file of its own, for a file is the least that a worker of the test run takes.
"""

from __future__ import annotations

import pytest

from tests.stories.running import AT_ONCE, STORIES, Running, end_as_the_rules_say
from tests.stories.story import generate_withdrawn


@pytest.mark.parametrize("first", range(STORIES // 2, STORIES, AT_ONCE))
async def test_the_services_end_every_story_as_the_rules_say(
    postgres_desk: Running, first: int
) -> None:
    await end_as_the_rules_say(postgres_desk, first)


@pytest.mark.parametrize("first", range(0, 30, AT_ONCE))
async def test_so_they_do_where_customers_take_messages_back(
    postgres_desk: Running, first: int
) -> None:
    await end_as_the_rules_say(postgres_desk, first, generate_withdrawn)
