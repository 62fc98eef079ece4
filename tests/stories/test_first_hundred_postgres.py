"""The first hundred of two hundred stories told to the three services on PostgreSQL.

The same stories as on SQLite: its writer of many messages is another.
"""

from __future__ import annotations

import pytest

from tests.stories.running import AT_ONCE, STORIES, Running, end_as_the_rules_say


@pytest.mark.parametrize("first", range(0, STORIES // 2, AT_ONCE))
async def test_the_services_end_every_story_as_the_rules_say(
    postgres_desk: Running, first: int
) -> None:
    await end_as_the_rules_say(postgres_desk, first)
