"""Random clocks against one that is watched minute by minute."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.sla.clocks.target import Phase
from tests.unit.sla.builders import clock_explanations, evolve
from tests.unit.sla.clock_reference import WATCHED, History, histories, instant


@given(histories(appeals=True), st.lists(st.integers(0, WATCHED - 1), min_size=20, max_size=40))
def test_every_clock_agrees_with_the_watched_one(history: History, offsets: list[int]) -> None:
    watched, events = history.watch(set(offsets)), history.all_facts()
    for offset in offsets:
        phase, targets = watched[offset]
        clock = evolve(events, instant(history.received + offset))
        assert clock.phase is phase
        assert [each.breached_at for each in clock.targets] == [
            None if each.breached is None else instant(each.breached) for each in targets
        ]
        if phase is Phase.RUNNING:
            assert clock.due_at == instant(targets[-1].due)


@given(histories(appeals=True), st.randoms(use_true_random=False), st.integers(0, WATCHED))
def test_the_order_of_arrival_does_not_matter(history: History, dice: Random, offset: int) -> None:
    events = history.all_facts()
    moment = instant(history.received + offset)
    wanted = evolve(events, moment)
    dice.shuffle(events)
    assert evolve(events, moment) == wanted


@given(histories(), st.integers(0, WATCHED // 2), st.integers(0, WATCHED // 2))
def test_what_was_stated_is_never_unstated(history: History, first: int, more: int) -> None:
    events, begin = history.all_facts(), history.received
    early = evolve(events, instant(begin + first))
    late = evolve(events, instant(begin + first + more))
    for before, after in zip(early.targets, late.targets, strict=False):
        assert before.breached_at in {None, after.breached_at}
        assert before.ended_at in {None, after.ended_at}
    assert len(early.targets) <= len(late.targets)


@given(histories(appeals=True), st.integers(0, WATCHED))
def test_every_explanation_adds_up(history: History, offset: int) -> None:
    moment = instant(history.received + offset)
    clock = evolve(history.all_facts(), moment)
    told = clock_explanations(history.all_facts(), moment)
    assert len(told) == len(clock.targets)
    for explained, target in zip(told, clock.targets, strict=True):
        assert explained.counted == explained.target
        assert explained.due_at == target.due_at
        assert all(a.end == b.start for a, b in pairwise(explained.spans))
