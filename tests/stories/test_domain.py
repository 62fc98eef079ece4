"""Two thousand random stories, each in several orders, told to intake's pure domain."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from tests.stories.in_memory import InMemory
from tests.stories.invariants import differences, violations
from tests.stories.oracle import tell
from tests.stories.story import generate, generate_order_free, generate_withdrawn, orders

STORIES = 2_000
AT_ONCE = 100
ORDERS = 3
TOLD_WRONG_ONCE = (2641, 4108, 8831, 14770, 16384, 22247, 25791, 28017, 34770, 41393)
"""Stories that only a longer search found."""


@pytest.mark.parametrize(
    "seeds",
    [*(range(first, first + AT_ONCE) for first in range(0, STORIES, AT_ONCE)), TOLD_WRONG_ONCE],
)
def test_the_domain_ends_every_story_as_the_rules_say(seeds: Sequence[int]) -> None:
    for seed in seeds:
        story = generate(seed)
        for order in orders(story, random.Random(seed), ORDERS):
            expected = tell(story.threads, order)
            found = InMemory(story, expected).tell(order)
            wrong = [*violations(found, story.threads, order), *differences(expected, found)]
            assert not wrong, (seed, order, wrong)


@pytest.mark.parametrize("first", range(0, 1_000, AT_ONCE))
def test_so_it_does_where_customers_take_messages_back(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        story = generate_withdrawn(seed)
        for order in orders(story, random.Random(seed), 2):
            expected = tell(story.threads, order)
            found = InMemory(story, expected).tell(order)
            wrong = [*violations(found, story.threads, order), *differences(expected, found)]
            assert not wrong, (seed, order, wrong)


@pytest.mark.parametrize("first", range(0, 500, AT_ONCE))
def test_where_the_rules_say_so_the_order_of_arrival_does_not_matter(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        story = generate_order_free(seed)
        told = orders(story, random.Random(seed), 4)
        outcomes = [InMemory(story, tell(story.threads, each)).tell(each) for each in told]
        for other in outcomes[1:]:
            assert not differences(outcomes[0], other, receipts=False), seed
