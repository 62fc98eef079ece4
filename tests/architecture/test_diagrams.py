"""The state diagrams in docs/architecture.md show exactly the transitions that the code makes.

Each is compared with what the domain does in every short history, both ways: a transition that is
missing on the page fails, and so does one that the code never makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import get_args
from uuid import UUID

from services.router.todos.domain import todo as moves
from services.router.todos.domain.ends import End, EndKind, outcome, reopenable, status_after
from services.router.todos.domain.todo import (
    SYSTEM,
    Action,
    Actor,
    DismissReason,
    IllegalTransition,
    Role,
    TodoState,
    TodoStatus,
)
from services.sla.businesstime.counting import Counting
from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    CancelReason,
    ClockEvent,
    Held,
    Left,
    Paused,
    Reopened,
    ResumeCause,
    Resumed,
    TakenOver,
    WindowSet,
    Withdrawn,
)
from services.sla.clocks.target import Phase
from tests.architecture.source import section
from tests.unit.sla.builders import HOUR, at, berlin, evolve, move, promise, start

Transition = tuple[str, str, str]
"""From, what happens, to."""
RECEIVED = at("2026-03-02 10:00")


def test_the_diagram_of_a_todo_is_what_its_moves_and_ends_do() -> None:
    drawn = _drawn("ToDo")
    made = set(_todo_transitions())
    assert drawn - made == set(), "the code never does this"
    assert made - drawn == set(), "the code does this: draw it in docs/architecture.md"


def test_the_diagram_of_a_clock_is_what_its_events_do() -> None:
    drawn = _drawn("Clock")
    made = set(_clock_transitions())
    assert drawn - made == set(), "the code never does this"
    assert made - drawn == set(), "the code does this: draw it in docs/architecture.md"


def test_the_page_names_every_phase_and_every_event_of_a_clock() -> None:
    text = section("docs/architecture.md", "States").lower()
    drawn = {each for start, _, end in _drawn("Clock") for each in (start, end)}
    assert {phase.value for phase in Phase} == drawn - {TAKEN_BACK}
    assert [each for kind in get_args(ClockEvent) if (each := _name(kind)) not in text] == []


def _drawn(heading: str) -> set[Transition]:
    _, _, rest = section("docs/architecture.md", "States").partition(f"\n### {heading}\n")
    block = rest.partition("```mermaid\n")[2].partition("```")[0]
    found = re.findall(r"^ +(\S+) --> (\S+): (.+)$", block, re.MULTILINE)
    assert found, f"no diagram under `### {heading}`"
    return {
        (source.replace("[*]", "not_started"), label, target)
        for source, target, labels in found
        for label in labels.split(", ")
        if source != "[*]" or heading == "Clock"
    }


# --- ToDo

NEW = TodoStatus("technical")


@dataclass(frozen=True)
class Todo:
    """As router/todos/usecases keep one: the status, its ends, and who claimed it last."""

    status: TodoStatus = NEW
    ends: tuple[End, ...] = ()
    reopened_at: datetime | None = None
    claimed: bool = False

    def stands(self) -> Todo:
        decided = outcome(self.ends, reopened_at=self.reopened_at)
        return replace(self, status=status_after(self.status, decided, claimed=self.claimed))

    def ended(self, end: End) -> Todo:
        return replace(self, ends=(*self.ends, end)).stands()


Step = Callable[[Todo, int], Todo]


def _todo_transitions() -> Iterator[Transition]:
    """Of all histories of three steps."""
    seen = {Todo(): 0}
    for depth in range(1, 4):
        for before in [each for each, found in seen.items() if found == depth - 1]:
            for label, step in _todo_steps():
                try:
                    after = step(before, depth)
                except IllegalTransition:
                    continue
                if _place(after) != _place(before):
                    yield before.status.state, label, after.status.state
                seen.setdefault(after, depth)


def _place(todo: Todo) -> tuple[TodoState, str]:
    return todo.status.state, todo.status.desk


def _todo_steps() -> Iterator[tuple[str, Step]]:
    for actor in (Actor("Anna"), Actor("Bernd"), Actor("Carla", Role.SUPERVISOR), SYSTEM):
        for action in Action:
            yield action.value, _move(action, actor)
    yield "answered", _reply(EndKind.ANSWERED, 0)
    # The answer was given before all that was heard of until now.
    yield "answered", _reply(EndKind.ANSWERED, -10)
    yield "withdrawn", _withdraw
    yield "closed", lambda todo, n: todo.ended(_end(EndKind.CLOSED, n))
    yield "closed", lambda todo, n: todo.ended(_end(EndKind.CLOSED, n - 10))


def _move(action: Action, actor: Actor) -> Step:
    def step(todo: Todo, n: int) -> Todo:
        match action:
            case Action.CLAIM:
                return replace(todo, status=moves.claim(todo.status, actor), claimed=True)
            case Action.RELEASE:
                return replace(todo, status=moves.release(todo.status, actor), claimed=False)
            case Action.REROUTE:
                other = "inbound" if todo.status.desk == "technical" else "technical"
                after = moves.reroute(todo.status, actor, desk=other)
                return replace(todo, status=after, claimed=False)
            case Action.COMPLETE:
                moves.complete(todo.status, actor)
                return todo.ended(_end(EndKind.COMPLETED, n))
            case Action.DISMISS:
                moves.dismiss(todo.status, actor, reason=DismissReason.SPAM)
                return todo.ended(_end(EndKind.DISMISSED, n))
            case Action.REOPEN:
                return _reopened(todo, actor, n)

    return step


def _reopened(todo: Todo, actor: Actor, n: int) -> Todo:
    decisions = reopenable(todo.ends, reopened_at=todo.reopened_at)
    moves.check_reopen(todo.status, actor, decisions=len(decisions), merged=False)
    after = replace(todo, reopened_at=RECEIVED + n * HOUR).stands()
    if after.status.state in (TodoState.DONE, TodoState.DISMISSED):
        return after
    return replace(todo, reopened_at=RECEIVED + n * HOUR, claimed=False).stands()


def _end(kind: EndKind, n: int, *, key: int | None = None, revision: int = 0) -> End:
    reason = DismissReason.SPAM if kind in (EndKind.DISMISSED, EndKind.CLOSED) else None
    name = 100 + n if key is None else key
    return End(UUID(int=name), kind, RECEIVED + n * HOUR, "Anna", reason, revision=revision)


def _reply(kind: EndKind, earlier: int) -> Step:
    return lambda todo, n: todo.ended(_end(kind, n + earlier, key=1000 + n))


def _withdraw(todo: Todo, n: int) -> Todo:
    replies = [end for end in todo.ends if end.kind is EndKind.ANSWERED]
    if not replies:
        return todo
    gone = replies[-1]
    return todo.ended(replace(gone, kind=EndKind.WITHDRAWN, revision=gone.revision + n))


# --- clock

TAKEN_BACK = "as_if_never"
"""Where the diagram stands after an event that takes others back."""
TAKES_BACK = (Withdrawn, Reopened, Left)
HOURS = (2, 4, 30, 32)
BOUND = 29 * HOUR
CALENDAR = berlin()
SHORT, KEPT, LONG = (promise(Counting.WALL_CLOCK, each * HOUR) for each in (2, 10, 50))


def _clock_transitions() -> Iterator[Transition]:
    """Of all histories of four events after the start."""
    yield Phase.NOT_STARTED, "started", Phase.RUNNING
    yield from _from((start(KEPT, CALENDAR, RECEIVED),), 0, HOURS)


def _from(
    history: tuple[ClockEvent, ...], hour: int, hours: tuple[int, ...]
) -> Iterator[Transition]:
    if not hours:
        return
    yield from _as_time_passes(history, hour, hours[0])
    now = RECEIVED + hours[0] * HOUR
    for event in _possible(history, hours[0]):
        longer = (*history, event)
        yield from _at_event(history, longer, now)
        yield from _from(longer, hours[0], hours[1:])


def _at_event(
    history: tuple[ClockEvent, ...], longer: tuple[ClockEvent, ...], now: datetime
) -> Iterator[Transition]:
    before, after, event = _position(history, now), _position(longer, now), longer[-1]
    if before == after:
        return
    if isinstance(event, TAKES_BACK):
        yield before[0], _name(type(event)), TAKEN_BACK
        yield TAKEN_BACK, "(the other events)", after[0]
    else:
        yield before[0], _name(type(event)), after[0]


def _as_time_passes(
    history: tuple[ClockEvent, ...], since: int, until: int
) -> Iterator[Transition]:
    phases = [_position(history, RECEIVED + hour * HOUR)[0] for hour in range(since, until + 1)]
    for before, after in pairwise(phases):
        if before != after:
            why = "(deadline passes)" if after is Phase.BREACHED else "(pause reaches its bound)"
            yield before, why, after


def _position(history: tuple[ClockEvent, ...], now: datetime) -> tuple[Phase, int, datetime | None]:
    """The phase, and while an answer is owed, which target is awaited, and until when."""
    clock = evolve(history, now)
    return (
        (clock.phase, len(clock.targets), clock.due_at) if clock.is_open else (clock.phase, 0, None)
    )


def _possible(before: tuple[ClockEvent, ...], hour: int) -> Iterator[ClockEvent]:
    """What may happen at that hour after the receipt, given what happened before it."""
    now = RECEIVED + hour * HOUR
    reply, message = UUID(int=hour), UUID(int=1000 + hour)
    yield Paused(now, now + BOUND)
    yield Resumed(now, ResumeCause.CUSTOMER_WROTE, message)
    yield Held(now, now + 27 * HOUR, reply)
    yield Answered(now, reply)
    yield Answered(now, by_hand=True)
    yield Cancelled(now, CancelReason.CLOSED)
    yield Reopened(now)
    if any(isinstance(event, Cancelled) for event in before):
        yield Reopened(now, time_left=True)
    for promised in (SHORT, LONG):
        moved = move(before, promised, calendar=CALENDAR, at=now)
        if moved is not None:
            yield moved
    yield from _withdrawn(before, now)
    yield from _left(before)
    if len(before) < 3:
        yield from (Assigned(now, "technical"), TakenOver(now), WindowSet(now, now + HOUR, message))


def _withdrawn(before: Iterable[ClockEvent], now: datetime) -> Iterator[ClockEvent]:
    """A reply is withdrawn."""
    for event in before:
        if isinstance(event, Answered | Held) and event.message_id:
            yield Withdrawn(now, event.message_id, 1)


def _left(before: Iterable[ClockEvent]) -> Iterator[ClockEvent]:
    """The message that ended a pause turns out to be another inquiry's."""
    for event in before:
        if isinstance(event, Resumed) and event.message_id:
            yield Left(event.at, event.message_id)


def _name(kind: type[ClockEvent]) -> str:
    return re.sub("(?<=[a-z])([A-Z])", r" \1", kind.__name__).lower()
