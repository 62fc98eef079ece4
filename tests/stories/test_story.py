"""The stories are rich, always the same, and possible; what the invariants say of the oracle."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.stories.events import (
    Act,
    Again,
    BusDown,
    ClockOutcome,
    Delivery,
    LeftOut,
    Message,
    Outcome,
    OwnPost,
    Reply,
    Story,
    Thread,
    deliver,
    items_of,
)
from tests.stories.invariants import differences, violations
from tests.stories.oracle import tell
from tests.stories.story import (
    generate,
    generate_order_free,
    order_free,
    orders,
    without_repeats,
)
from tests.stories.writer import BEGINS, LONGEST, SECOND

SEEDS = range(300)


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    return [generate(seed) for seed in SEEDS]


def test_a_story_is_the_same_each_time_and_neither_short_nor_long(stories: list[Story]) -> None:
    assert [generate(seed) for seed in SEEDS] == stories
    assert all(3 <= len(each.steps) <= LONGEST for each in stories)


def test_everything_happens_in_some_story(stories: list[Story]) -> None:
    seen: Counter[str] = Counter()
    for story in stories:
        outcome = tell(story.threads, story.steps)
        seen.update({type(step).__name__ for step in story.steps})
        seen.update({each.state for each in outcome.inquiries})
        seen.update({each.name for each in outcome.left_out.values()})
        seen.update({end.kind for each in outcome.inquiries for end in each.ends})
        seen.update({f"{each.audience} {each.own_posts}" for each in story.threads})
        seen.update(_kinds_of_items(story))
    expected = {
        "Delivery", "Reply", "Close", "Complete", "Dismiss", "Reopen", "Reclassify", "Again",
        "BusDown", "BusUp", "open", "held", "answered", "closed", "no_answer", "own_post",
        "public answer", "public holding", "public ask", "private answer", "private holding",
        "private ask", "late", "no sent_at", "parent not seen", "parent seen", "list", "echo",
        "two people in public", "own parent", *(each.name for each in LeftOut),
    }  # fmt: skip
    rare = {each: seen[each] for each in expected if seen[each] < 5}
    assert not rare


def _kinds_of_items(story: Story) -> set[str]:
    items = items_of(story.steps)
    posts = {each.id for each in items if isinstance(each, OwnPost)}
    echoes = {each.external_id for each in story.steps if isinstance(each, Reply)}
    kinds = {"echo"} if posts & echoes else set()
    known: set[str] = set()
    people: set[tuple[str, str]] = set()
    last = BEGINS
    for item in items:
        known.add(item.id)
        kinds.add("list" if item.place else "single")
        kinds.add("late" if item.moment < last else "in time")
        last = max(last, item.moment)
        if item.sent_at is None:
            kinds.add("no sent_at")
        if isinstance(item, OwnPost) and item.parent:
            kinds.add("parent seen" if item.parent in known else "parent not seen")
            kinds |= {"own parent"} if item.parent in posts else set()
        if isinstance(item, Message):
            people.add((item.thread, item.person))
    for thread in story.threads:
        if thread.audience == "public" and sum(each == thread.id for each, _ in people) > 1:
            kinds.add("two people in public")
    return kinds


def test_most_acts_of_a_story_have_an_effect(stories: list[Story]) -> None:
    acts = sum(isinstance(step, Act) for story in stories for step in story.steps)
    left_out = sum(len(tell(story.threads, story.steps).left_out) for story in stories)
    assert acts > 3 * len(stories)
    assert left_out < acts / 5


def test_orders_are_possible_and_of_the_same_story(stories: list[Story]) -> None:
    found = 0
    for story in stories:
        told = orders(story, random.Random(story.seed), 4)
        found += len(told)
        assert told[0] == story.steps
        assert len(set(told)) == len(told)
        for order in told:
            assert sorted(each.id for each in order) == sorted(each.id for each in story.steps)
            assert all(one.at < other.at for one, other in pairwise(order))
            items = items_of(order)
            assert all(each.sent_at is None or each.sent_at <= each.received_at for each in items)
    assert found > 3 * len(stories)


def test_the_oracle_keeps_the_invariants_in_every_order(stories: list[Story]) -> None:
    for story in stories:
        for order in orders(story, random.Random(story.seed), 4):
            assert not violations(tell(story.threads, order), story.threads, order), story.seed


def test_repeats_change_nothing(stories: list[Story]) -> None:
    repeated = 0
    for story in stories:
        once = without_repeats(story.steps)
        repeated += once != story.steps
        assert not any(isinstance(each, Again) for each in once)
        outcomes = tell(story.threads, story.steps), tell(story.threads, once)
        assert not differences(*outcomes), story.seed
    assert repeated > 20


def test_where_the_rules_say_so_the_order_of_arrival_does_not_matter() -> None:
    compared = 0
    for story in map(generate_order_free, SEEDS):
        assert order_free(story)
        first, *others = orders(story, random.Random(story.seed), 5)
        expected = tell(story.threads, first)
        for order in others:
            compared += 1
            outcome = tell(story.threads, order)
            assert not differences(expected, outcome, receipts=False), story.seed
    assert compared > 2 * len(SEEDS)


def test_an_order_that_depends_on_the_bus_is_not_called_free(stories: list[Story]) -> None:
    with_outage = [each for each in stories if any(isinstance(s, BusDown) for s in each.steps)]
    assert with_outage
    assert not any(order_free(each) for each in with_outage)


# The invariants find what is wrong

THREAD = Thread("t")
QUESTIONS = deliver(
    "d",
    BEGINS,
    [Message("m1", "t", "ann", None, BEGINS), Message("m2", "t", "ann", None, BEGINS)],
)
LATER = deliver("later", BEGINS + 60 * SECOND, [Message("m3", "t", "ann", None, BEGINS)])
ORDER = (QUESTIONS, Reply("r", "m1", "answer", BEGINS + 30 * SECOND, "words"), LATER)


def _wrong(outcome: Outcome) -> str:
    return "; ".join(violations(outcome, [THREAD], ORDER))


def test_a_right_outcome_has_no_violation() -> None:
    assert not _wrong(tell([THREAD], ORDER))


def test_a_message_that_is_lost_or_doubled_is_found() -> None:
    right = tell([THREAD], ORDER)
    assert "m3 is in 0 inquiries" in _wrong(Outcome(right.inquiries[:1]))
    doubled = Outcome([*right.inquiries, right.inquiries[0]])
    assert "m1 is in 2 inquiries" in _wrong(doubled)


def test_an_end_that_could_not_see_what_it_ends_is_found() -> None:
    answered, _ = tell([THREAD], ORDER).inquiries
    everything = frozenset({"m1", "m2", "m3"})
    swallowed = replace(answered, messages=everything)
    assert "no end covers m3" in _wrong(Outcome([swallowed]))
    ends = (replace(answered.ends[0], covers=everything),)
    assert "could not see m3" in _wrong(Outcome([replace(swallowed, ends=ends)]))


def test_a_clock_that_is_missing_or_starts_late_or_runs_on_is_found() -> None:
    answered, waits = tell([THREAD], ORDER).inquiries
    assert "has no clock" in _wrong(Outcome([answered, replace(waits, clock=None)]))
    late = replace(waits, clock=ClockOutcome(LATER.at + SECOND))
    assert "its clock starts at" in _wrong(Outcome([answered, late]))
    runs_on = replace(answered, clock=ClockOutcome(BEGINS))
    assert "its clock ended at None" in _wrong(Outcome([runs_on, waits]))


def test_an_answer_that_is_not_the_earliest_is_found() -> None:
    answered, waits = tell([THREAD], ORDER).inquiries
    assert "is answered at" in _wrong(Outcome([replace(answered, answered_at=LATER.at), waits]))


def test_differences_name_what_differs() -> None:
    right = tell([THREAD], ORDER)
    answered, waits = right.inquiries
    other = Outcome([replace(answered, state="closed"), replace(waits, messages=frozenset({"m4"}))])
    found = " ".join(differences(right, other))
    assert "state is answered" in found
    assert "only the other has ['m4']" in found


def test_a_repeat_inside_a_list_is_told_once() -> None:
    twice = deliver("twice", BEGINS + 90 * SECOND, [*QUESTIONS.items, *LATER.items])
    assert without_repeats((*ORDER, twice)) == ORDER
    assert isinstance(twice, Delivery)
    assert not differences(tell([THREAD], (*ORDER, twice)), tell([THREAD], ORDER))
