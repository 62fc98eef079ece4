"""Which moves a ToDo allows, and to whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.todos.domain.todo import (
    POLICY,
    SYSTEM,
    Action,
    Actor,
    DismissReason,
    IllegalTransition,
    Role,
    TodoState,
    TodoStatus,
    allowed_actions,
    assign,
    check_reopen,
    claim,
    complete,
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


def test_what_is_open_is_given_to_anybody_and_what_somebody_has_by_who_may_release_it() -> None:
    assert assign(OPEN, BOSS, assignee="ben") == TodoStatus("technical", TodoState.CLAIMED, "ben")
    assert assign(CLAIMED, BOSS, assignee="ben").assignee == "ben"
    assert assign(CLAIMED, ANNA, assignee="ben").assignee == "ben"
    assert assign(CLAIMED, BEN, assignee="anna") == CLAIMED
    with pytest.raises(IllegalTransition) as refused:
        assign(CLAIMED, BEN, assignee="ben")
    assert str(refused.value).startswith("assign is not possible while the ToDo is claimed by anna")
    assert (refused.value.code, refused.value.claimed_by) == ("todo_claimed", "anna")


@pytest.mark.parametrize("actor", [ANNA, BOSS])
@pytest.mark.parametrize("todo", [DONE, DISMISSED])
def test_what_has_ended_is_given_to_nobody(todo: TodoStatus, actor: Actor) -> None:
    with pytest.raises(IllegalTransition) as refused:
        assign(todo, actor, assignee="anna")
    assert refused.value.code == "todo_closed"


@pytest.mark.parametrize("todo", [OPEN, CLAIMED])
def test_the_system_gives_nothing_to_anybody(todo: TodoStatus) -> None:
    with pytest.raises(IllegalTransition) as refused:
        assign(todo, SYSTEM, assignee="ben")
    assert refused.value.code == "person_required"


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


def test_the_policy_dismisses_what_is_open_and_needs_no_answer_and_does_nothing_else() -> None:
    thanks = DismissReason.NO_ANSWER_NEEDED
    assert dismiss(OPEN, POLICY, reason=thanks).assignee == "policy"
    for reason in set(DismissReason) - {thanks}:
        with pytest.raises(IllegalTransition) as refused:
            dismiss(OPEN, POLICY, reason=reason)
        assert refused.value.code == "person_required"
    with pytest.raises(IllegalTransition):
        dismiss(CLAIMED, POLICY, reason=thanks)
    assert allowed_actions(OPEN, POLICY) == (Action.DISMISS,)


@pytest.mark.parametrize("todo", [DONE, DISMISSED])
@pytest.mark.parametrize("actor", [ANNA, BEN, BOSS])
def test_only_reopening_leads_out_of_an_end(todo: TodoStatus, actor: Actor) -> None:
    assert allowed_actions(todo, actor) == (Action.REOPEN,)
    with pytest.raises(IllegalTransition) as refused:
        claim(todo, actor)
    assert refused.value.code == "todo_closed"
    assert refused.value.state is todo.state
    assert "possible now: reopen" in str(refused.value)


@pytest.mark.parametrize(
    ("todo", "actor", "expected"),
    [
        (OPEN, ANNA, (Action.CLAIM, Action.COMPLETE, Action.REROUTE, Action.DISMISS)),
        (OPEN, SYSTEM, (Action.COMPLETE,)),
        (CLAIMED, ANNA, tuple(each for each in Action if each is not Action.REOPEN)),
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


@pytest.mark.parametrize(
    ("todo", "decisions", "merged", "code"),
    [
        (OPEN, 0, False, "todo_not_ended"),
        (CLAIMED, 0, False, "todo_not_ended"),
        (DONE, 0, False, "todo_answered"),
        (DISMISSED, 1, True, "todo_merged"),
    ],
)
def test_what_cannot_be_reopened(
    todo: TodoStatus, decisions: int, code: str, *, merged: bool
) -> None:
    with pytest.raises(IllegalTransition) as refused:
        check_reopen(todo, ANNA, decisions=decisions, merged=merged)
    assert refused.value.code == code


def test_anybody_at_the_desk_may_reopen_but_not_the_system() -> None:
    check_reopen(DONE, BEN, decisions=1, merged=False)
    with pytest.raises(IllegalTransition) as refused:
        check_reopen(DONE, SYSTEM, decisions=1, merged=False)
    assert refused.value.code == "person_required"


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
        case Action.REOPEN:
            check_reopen(todo, actor, decisions=1, merged=False)
            return TodoStatus(todo.desk)


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
