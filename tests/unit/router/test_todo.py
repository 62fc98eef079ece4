"""Which moves a ToDo allows, and to whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain import (
    SYSTEM,
    Action,
    Actor,
    DismissReason,
    IllegalTransition,
    Role,
    TodoState,
    TodoStatus,
    allowed_actions,
    claim,
    complete,
    complete_by_answer,
    dismiss,
    release,
    reroute,
)

ANNA, BEN = Actor("anna"), Actor("ben")
BOSS = Actor("boss", Role.SUPERVISOR)
OPEN = TodoStatus("technical")
CLAIMED = claim(OPEN, ANNA)
DONE = complete(CLAIMED, ANNA)
DISMISSED = dismiss(OPEN, ANNA, reason=DismissReason.NETIQUETTE)


def test_the_plain_way() -> None:
    assert TodoStatus("technical", TodoState.CLAIMED, "anna") == CLAIMED
    assert TodoStatus("technical", TodoState.DONE, "anna") == DONE
    assert release(CLAIMED, ANNA) == OPEN
    assert claim(CLAIMED, ANNA) == CLAIMED


def test_completing_what_is_open_names_who_did_it() -> None:
    assert complete(OPEN, BEN).assignee == "ben"
    assert complete(OPEN, SYSTEM).assignee is None


def test_rerouting_opens_it_at_the_other_desk() -> None:
    assert reroute(CLAIMED, ANNA, desk="inbound") == TodoStatus("inbound")
    assert reroute(OPEN, BEN, desk="inbound") == TodoStatus("inbound")
    with pytest.raises(IllegalTransition) as refused:
        reroute(OPEN, BEN, desk="technical")
    assert refused.value.code == "same_desk"


def test_a_dismissal_keeps_its_reason_and_who_decided() -> None:
    assert DISMISSED.dismissal is DismissReason.NETIQUETTE
    assert DISMISSED.assignee == "anna"


@pytest.mark.parametrize("todo", [DONE, DISMISSED])
@pytest.mark.parametrize("actor", [ANNA, BEN, BOSS, SYSTEM])
def test_nothing_leads_out_of_an_end(todo: TodoStatus, actor: Actor) -> None:
    assert allowed_actions(todo, actor) == ()
    with pytest.raises(IllegalTransition) as refused:
        claim(todo, actor)
    assert refused.value.code == "todo_closed"
    assert refused.value.state is todo.state
    assert "possible: nothing" in str(refused.value)


@pytest.mark.parametrize(
    ("todo", "actor", "expected"),
    [
        (OPEN, ANNA, (Action.CLAIM, Action.COMPLETE, Action.REROUTE, Action.DISMISS)),
        (OPEN, SYSTEM, (Action.COMPLETE,)),
        (CLAIMED, ANNA, tuple(Action)),
        (CLAIMED, BEN, ()),
        (CLAIMED, BOSS, (Action.RELEASE, Action.COMPLETE, Action.REROUTE, Action.DISMISS)),
        (CLAIMED, SYSTEM, (Action.COMPLETE,)),
    ],
)
def test_who_may_do_what(todo: TodoStatus, actor: Actor, expected: tuple[Action, ...]) -> None:
    assert allowed_actions(todo, actor) == expected


def test_somebody_elses_claim_is_respected() -> None:
    with pytest.raises(IllegalTransition) as refused:
        complete(CLAIMED, BEN)
    assert (refused.value.code, refused.value.action) == ("todo_claimed", Action.COMPLETE)


def test_what_is_open_cannot_be_released() -> None:
    with pytest.raises(IllegalTransition) as refused:
        release(OPEN, ANNA)
    assert refused.value.code == "todo_not_claimed"
    assert refused.value.allowed == allowed_actions(OPEN, ANNA)


def test_only_a_person_dismisses() -> None:
    with pytest.raises(IllegalTransition) as refused:
        dismiss(OPEN, SYSTEM, reason=DismissReason.SPAM)
    assert refused.value.code == "person_required"


def test_an_answer_completes_and_repeats_quietly_but_not_what_was_dismissed() -> None:
    assert complete_by_answer(CLAIMED) == DONE
    assert complete_by_answer(DONE) == DONE
    with pytest.raises(IllegalTransition) as refused:
        complete_by_answer(DISMISSED)
    assert refused.value.code == "todo_closed"


_ACTORS = st.sampled_from([ANNA, BEN, BOSS, SYSTEM])


def _apply(todo: TodoStatus, action: Action, actor: Actor) -> TodoStatus:
    match action:
        case Action.CLAIM:
            return claim(todo, actor)
        case Action.RELEASE:
            return release(todo, actor)
        case Action.COMPLETE:
            return complete(todo, actor)
        case Action.REROUTE:
            return reroute(todo, actor, desk="inbound" if todo.desk == "technical" else "technical")
        case Action.DISMISS:
            return dismiss(todo, actor, reason=DismissReason.DUPLICATE)


@given(st.lists(st.tuples(st.sampled_from(list(Action)), _ACTORS), max_size=20))
def test_any_sequence_of_moves_keeps_the_ToDo_coherent(moves: list[tuple[Action, Actor]]) -> None:  # noqa: N802 - the product's word
    todo = OPEN
    for action, actor in moves:
        if action in allowed_actions(todo, actor):
            todo = _apply(todo, action, actor)
        else:
            with pytest.raises(IllegalTransition) as refused:
                _apply(todo, action, actor)
            assert action not in refused.value.allowed
        assert (todo.state is TodoState.DISMISSED) == (todo.dismissal is not None)
        assert todo.state is not TodoState.CLAIMED or todo.assignee is not None
        assert todo.state is not TodoState.OPEN or todo.assignee is None
