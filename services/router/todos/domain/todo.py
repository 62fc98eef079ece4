"""The life of a ToDo, as a value and the moves that are allowed from it.

        claim            complete
  open ───────▶ claimed ──────────▶ done ──────┐
   ▲  ◀───────     │                           │ reopen
   │   release     │ dismiss (reason)          │
   ├── reroute ────┴──────────────▶ dismissed ─┤
   └───────────────────────────────────────────┘

From open, complete and dismiss are allowed too. Rerouting makes it open again at another desk.
Every end is kept (`ends`), and the earliest that stands decides. So done and dismissed are not
final: an earlier end may arrive late, an answer may be withdrawn, and reopening takes back what a
desk or a person decided. An answer that was recorded stands, and the ToDo then stays done by it.

Who may do what:

- Anybody at the desk may claim what is open, complete or dismiss what is open, and reroute it.
- What somebody has claimed only that person, or a supervisor, may release, complete, dismiss or
  reroute. A supervisor may also give it, or what is open, to another person.
- Anybody at the desk may reopen what has ended, with a reason; it is then open for its whole desk,
  whoever had claimed it.
- The system completes a ToDo when an answer was recorded, whoever has claimed it. It moves one that
  no person has claimed or moved when the customer edits the message that decided. It never claims
  and never dismisses: a person decides which inquiry gets no answer. The policy may say in advance
  that thanks after an answer need none (`dismiss_thanks_above`); it then dismisses what is open,
  for that reason only. When a person closed the
  inquiry, that person is the actor of the dismissal. When a person withdraws the answer, the ToDo
  is its claimer's again, or open for its desk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class TodoState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"
    DISMISSED = "dismissed"


GOING_ON = (TodoState.OPEN, TodoState.CLAIMED)
ENDED = (TodoState.DONE, TodoState.DISMISSED)


class DismissReason(StrEnum):
    """Why an inquiry gets no answer."""

    NETIQUETTE = "netiquette"
    NO_ANSWER_NEEDED = "no_answer_needed"
    SPAM = "spam"
    DUPLICATE = "duplicate"


class Action(StrEnum):
    CLAIM = "claim"
    RELEASE = "release"
    COMPLETE = "complete"
    REROUTE = "reroute"
    DISMISS = "dismiss"
    REOPEN = "reopen"


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; `id` is what the key's owner is called, and stands as the assignee."""

    id: str
    role: Role = Role.AGENT


SYSTEM = Actor("system", Role.SYSTEM)
POLICY = Actor("policy", Role.POLICY)
"""Who acts when the policy file has decided in advance."""


@dataclass(frozen=True, slots=True)
class TodoStatus:
    """Where a ToDo stands. `assignee` is set while claimed and kept when done."""

    desk: str
    state: TodoState = TodoState.OPEN
    assignee: str | None = None
    dismissal: DismissReason | None = None


class IllegalTransition(Exception):  # noqa: N818 - it names the event, as the API reports it
    """The move is not allowed now. `code` is stable:

    `todo_closed` it is done or dismissed; `todo_claimed` it is claimed by somebody else;
    `todo_not_claimed` there is nothing to release; `same_desk` it is at that desk already;
    `person_required` only a person may do this; `todo_not_ended` there is no end to take back;
    `todo_answered` only an answer ended it, which intake can classify again; `todo_merged` it is
    part of another inquiry. `allowed` is what this actor may do instead.
    """

    def __init__(
        self,
        code: str,
        *,
        action: Action,
        todo: TodoStatus,
        allowed: tuple[Action, ...],
        verb: str | None = None,
    ) -> None:
        self.code = code
        self.action = action
        self.state = todo.state
        self.claimed_by = todo.assignee if code == "todo_claimed" else None
        self.allowed = allowed
        standing = f"is {todo.state}" + (f" by {self.claimed_by}" if self.claimed_by else "")
        usual = f"{verb or action} is not possible while the ToDo {standing}"
        because = _WHY_NOT.get(code, usual)
        super().__init__(f"{because}; possible now: {self.possible}" if self.possible else because)

    @property
    def possible(self) -> str:
        """What can be done now, and by whom."""
        if self.claimed_by is None:
            return ", ".join(self.allowed)
        can = ", ".join(_WHILE_CLAIMED)
        return f"{can} by {self.claimed_by}, or by a supervisor (as_supervisor)"


_WITHOUT_A_PERSON = {Role.SYSTEM: Action.COMPLETE, Role.POLICY: Action.DISMISS}
_WHILE_CLAIMED = (Action.RELEASE, Action.COMPLETE, Action.REROUTE, Action.DISMISS)
_WHY_NOT = {
    "same_desk": "the ToDo is at that desk already",
    "todo_not_ended": "the ToDo has not ended: there is no end to take back",
    "todo_answered": "only a recorded answer ended the ToDo: reclassify that reply at intake",
    "todo_merged": "the inquiry became part of another: go on with that one's ToDo",
}


def claim(todo: TodoStatus, actor: Actor) -> TodoStatus:
    """Take it; claiming again what one already has changes nothing."""
    _require(todo, Action.CLAIM, actor)
    return replace(todo, state=TodoState.CLAIMED, assignee=actor.id)


def release(todo: TodoStatus, actor: Actor) -> TodoStatus:
    """Give it back to the desk."""
    _require(todo, Action.RELEASE, actor)
    return replace(todo, state=TodoState.OPEN, assignee=None)


def assign(todo: TodoStatus, actor: Actor, *, assignee: str) -> TodoStatus:
    """Give it to somebody: what is open, and what one may release; giving what that person has
    changes nothing.
    """
    if todo.state is TodoState.CLAIMED and todo.assignee == assignee:
        return todo
    action = Action.RELEASE if todo.state is TodoState.CLAIMED else Action.CLAIM
    objection = _objection(todo, action, actor)
    if objection is not None:
        raise _illegal(objection, todo, action, actor, verb="assign")
    return replace(todo, state=TodoState.CLAIMED, assignee=assignee)


def complete(todo: TodoStatus, actor: Actor) -> TodoStatus:
    """The work is done; who completes an open ToDo becomes its assignee."""
    _require(todo, Action.COMPLETE, actor)
    done_by = todo.assignee or (None if actor.role is Role.SYSTEM else actor.id)
    return replace(todo, state=TodoState.DONE, assignee=done_by)


def reroute(todo: TodoStatus, actor: Actor, *, desk: str) -> TodoStatus:
    """Hand it to another desk, where it is open for everybody."""
    _require(todo, Action.REROUTE, actor)
    if desk == todo.desk:
        raise _illegal("same_desk", todo, Action.REROUTE, actor)
    return replace(todo, desk=desk, state=TodoState.OPEN, assignee=None)


def dismiss(todo: TodoStatus, actor: Actor, *, reason: DismissReason) -> TodoStatus:
    """Decide that the inquiry gets no answer, and why."""
    _require(todo, Action.DISMISS, actor)
    if actor.role is Role.POLICY and reason is not DismissReason.NO_ANSWER_NEEDED:
        raise _illegal("person_required", todo, Action.DISMISS, actor)
    return replace(
        todo,
        state=TodoState.DISMISSED,
        assignee=todo.assignee or actor.id,
        dismissal=reason,
    )


def check_reopen(todo: TodoStatus, actor: Actor, *, decisions: int, merged: bool) -> None:
    """Raises IllegalTransition when there is nothing to take back.

    `decisions` is how many ends of a desk or a person stand.
    """
    _require(todo, Action.REOPEN, actor)
    if merged:
        raise _illegal("todo_merged", todo, Action.REOPEN, actor)
    if decisions == 0:
        raise _illegal("todo_answered", todo, Action.REOPEN, actor)


def allowed_actions(todo: TodoStatus, actor: Actor) -> tuple[Action, ...]:
    """What this actor may do now, in a fixed order."""
    return tuple(action for action in Action if _objection(todo, action, actor) is None)


def _require(todo: TodoStatus, action: Action, actor: Actor) -> None:
    objection = _objection(todo, action, actor)
    if objection is not None:
        raise _illegal(objection, todo, action, actor)


def _illegal(
    code: str, todo: TodoStatus, action: Action, actor: Actor, *, verb: str | None = None
) -> IllegalTransition:
    allowed = tuple(each for each in allowed_actions(todo, actor) if each is not action)
    return IllegalTransition(code, action=action, todo=todo, allowed=allowed, verb=verb)


def _objection(todo: TodoStatus, action: Action, actor: Actor) -> str | None:
    """The code of what speaks against the move, or None."""
    ended = todo.state in ENDED
    if action is not _WITHOUT_A_PERSON.get(actor.role, action):
        return "person_required"
    if action is Action.REOPEN:
        return None if ended else "todo_not_ended"
    if ended:
        return "todo_closed"
    return None if actor.role is Role.SYSTEM else _objection_while_open(todo, action, actor)


def _objection_while_open(todo: TodoStatus, action: Action, actor: Actor) -> str | None:
    if todo.state is TodoState.OPEN:
        return "todo_not_claimed" if action is Action.RELEASE else None
    if todo.assignee == actor.id:
        return None
    if actor.role is Role.SUPERVISOR and action is not Action.CLAIM:
        return None
    return "todo_claimed"
