"""Whatever order the facts of a clock are heard in: one row, one story, and copies that follow."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import permutations
from random import Random
from uuid import UUID

import pytest

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
    Started,
    TakenOver,
    Withdrawn,
)
from services.sla.clocks.notices import NoticeKey, NoticeKind, breach_key
from services.sla.deadlines.project import Before, project
from services.sla.deadlines.store.deadlines import DeadlineRow
from services.sla.deadlines.store.hand_overs import HandOverRow
from services.sla.promises.policy_version import PolicyVersion, policy_version_of
from services.sla.promises.promise import Promise
from shared.events.deadlines import DeadlineBreached, DeadlineFact, DeadlineMet
from shared.policy import load_policy
from tests.unit.sla.builders import DAY, HOUR, at, evolve, promise, start, terms_of

INQUIRY, CONVERSATION, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
REPLIES = [UUID(int=n) for n in range(10, 14)]
MESSAGES = [UUID(int=n) for n in range(20, 23)]
RECEIVED, END = at("2026-03-02 10:00"), at("2026-03-20 12:00")
MON, TUE, WED = "2026-03-02", "2026-03-03", "2026-03-04"


@cache
def policy_version() -> PolicyVersion:
    return policy_version_of(load_policy(), now=RECEIVED)


@dataclass
class Desk:
    """One clock as the service keeps it: facts heard one by one, and timers."""

    begun: Started
    row: DeadlineRow = field(init=False)
    hand_over: HandOverRow | None = None
    events: list[ClockEvent] = field(init=False)
    sent: set[NoticeKey] = field(default_factory=set)
    published: list[DeadlineFact] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events = [self.begun]
        awaited = DeadlineRow(INQUIRY, CONVERSATION, "awaited", received_at=self.begun.at)
        self.row = replace(awaited, channel="email")
        self._project(self.begun.at)

    def hear(self, event: ClockEvent, now: datetime) -> None:
        self.events.append(event)
        self._project(now)

    def tick(self, until: datetime) -> None:
        """As the timers do, when all that was recorded until then is known."""
        for _ in range(50):
            if self.row.next_action_at is None or self.row.next_action_at > until:
                return
            self._project(until, publish_until=until)
        pytest.fail(f"the timers turn in a circle at {self.row.next_action_at}")

    def _project(self, now: datetime, *, publish_until: datetime | None = None) -> None:
        outcome = project(
            Before(self.row, self.hand_over, self.sent),
            self.events,
            policy_version=policy_version(),
            terms_of=terms_of,
            now=now,
            publish_until=publish_until,
        )
        keys = {each.key for each in outcome.sent}
        assert len(keys) == len(outcome.sent)
        assert not keys & self.sent
        self.sent |= keys
        self.published += outcome.publish
        self.row = replace(self.row, **outcome.columns)
        self.hand_over = outcome.hand_over

    def copy(self, target: str) -> tuple[str, str, datetime] | None:
        """As somebody has it who keeps what was told last."""
        mine = [each for each in self.published if (each.target == "hand_over") == (target != "")]
        return (mine[-1].state, mine[-1].target, mine[-1].due_at) if mine else None

    def breaches(self) -> set[NoticeKey]:
        return {each for each in self.sent if each.kind is NoticeKind.BREACH}

    def check(self) -> None:
        """What holds once the timers have told everything."""
        row = self.row
        assert row.published is None
        assert self.copy("") == (row.state, row.target, row.due_at)
        copy, second = self.copy("hand_over"), self.hand_over
        if second is None or second.state == "cancelled":
            assert copy is None or copy[0] == "cancelled"
        else:
            assert copy == (second.state, "hand_over", second.due_at)
        assert second is None or second.published is None
        assert self.true_breaches() <= self.breaches()

    def true_breaches(self) -> set[NoticeKey]:
        """By all that is known; an inquiry that is part of another tells none."""
        clock = evolve(self.events, END)
        shown = clock.shown if clock.merged_into is None else ()
        return {breach_key(each) for each in shown if each.breached_at is not None}


def heard(begun: Started, order: Iterable[ClockEvent]) -> Desk:
    """Everything is heard at the end, before the timers look."""
    desk = Desk(begun)
    for event in order:
        desk.hear(event, END)
    desk.tick(END)
    desk.check()
    assert desk.breaches() == desk.true_breaches()
    return desk


def same_in_every_order(begun: Started, orders: Iterator[Sequence[ClockEvent]]) -> Desk:
    first = heard(begun, next(orders))
    for order in orders:
        desk = heard(begun, order)
        assert (desk.row, desk.hand_over) == (first.row, first.hand_over)
        assert desk.sent == first.sent
        assert desk.copy("") == first.copy("")
    return first


def begin(kept: Promise | None = None) -> Started:
    return start(kept or promise(), policy_version().calendar, RECEIVED)


def test_a_holding_reply_prevents_the_breach_of_a_late_completion() -> None:
    events: list[ClockEvent] = [
        Answered(at(f"{WED} 11:00"), by_hand=True),
        Held(at(f"{MON} 11:00"), at(f"{WED} 12:00"), REPLIES[0]),
    ]
    for order in permutations(events):
        desk = heard(begin(), order)
        assert desk.breaches() == set()
        assert [each.state for each in desk.published if isinstance(each, DeadlineMet)] == ["met"]
        assert not any(isinstance(each, DeadlineBreached) for each in desk.published)


def test_a_clock_that_ended_late_gets_its_breach_told_by_the_timers() -> None:
    desk = Desk(begin())
    desk.hear(Answered(at(f"{WED} 11:00"), REPLIES[0]), at(f"{WED} 11:00"))
    assert [each.TYPE for each in desk.published] == ["deadline.started"]
    assert desk.row.state == "met_late"
    assert desk.row.next_action_at == at(f"{TUE} 10:00")
    desk.tick(at(f"{TUE} 10:00:01"))
    types = ["deadline.started", "deadline.breached", "deadline.met"]
    assert [each.TYPE for each in desk.published] == types
    desk.tick(END)
    assert [each.TYPE for each in desk.published] == types


@pytest.mark.parametrize(
    "events",
    [
        [
            Answered(at(f"{MON} 12:00"), REPLIES[0]),
            Withdrawn(at(f"{MON} 13:00"), REPLIES[0], 1),
            Held(at(f"{MON} 12:00"), at(f"{WED} 12:00"), REPLIES[0], 2),
            Answered(at(f"{WED} 13:00"), by_hand=True),
            Reopened(at(f"{WED} 14:00")),
        ],
        [
            Cancelled(at(f"{MON} 12:00"), CancelReason.SPAM),
            Reopened(at(f"{WED} 12:00")),
            Cancelled(at(f"{WED} 13:00"), CancelReason.NO_ANSWER_NEEDED),
            Reopened(at(f"{WED} 14:00")),
            Answered(at(f"{WED} 15:00"), REPLIES[0]),
        ],
        [
            Paused(at(f"{MON} 11:00"), until=at("2026-03-06 11:00")),
            Resumed(at(f"{MON} 12:00"), ResumeCause.CUSTOMER_WROTE, MESSAGES[0]),
            Left(at(f"{MON} 12:00"), MESSAGES[0]),
            Answered(at(f"{WED} 12:00"), REPLIES[0]),
            Cancelled(at(f"{MON} 13:00"), CancelReason.DUPLICATE, OTHER),
        ],
    ],
)
def test_every_order_of_these_ends_in_one_row(events: list[ClockEvent]) -> None:
    same_in_every_order(begin(), permutations(events))


def random_facts(dice: Random) -> list[ClockEvent]:
    """A life of a few days in which replies, desks and messages change their minds."""
    events: list[ClockEvent] = []
    for reply in dice.sample(REPLIES, dice.randrange(4)):
        given, until = _moment(dice), dice.choice([None, HOUR, DAY, 3 * DAY])
        events += (
            _word(dice, reply, revision, given, until)
            for revision in range(dice.choice([1, 1, 2, 3, 5]))
        )
    events += (_decision(dice) for _ in range(dice.choice([0, 1, 1, 2])))
    events += (Reopened(_moment(dice)) for _ in range(dice.choice([0, 0, 1, 2])))
    events += _pauses(dice)
    desks = ["technical", "inbound"]
    events += (Assigned(_moment(dice), dice.choice(desks)) for _ in range(dice.choice([0, 1, 3])))
    events += (TakenOver(_moment(dice)) for _ in range(dice.choice([0, 0, 1])))
    if dice.random() < 0.1:
        events.append(Cancelled(_moment(dice), CancelReason.DUPLICATE, OTHER))
    return dice.sample(events, len(events))


def _pauses(dice: Random) -> Iterator[ClockEvent]:
    """Some, and messages that end them, of which some belong to another inquiry."""
    for _ in range(dice.choice([0, 0, 1])):
        begun = _moment(dice)
        yield Paused(begun, until=begun + dice.choice([HOUR, DAY, 5 * DAY]))
    for message in dice.sample(MESSAGES, dice.randrange(3)):
        wrote = _moment(dice)
        yield Resumed(wrote, ResumeCause.CUSTOMER_WROTE, message)
        if dice.random() < 0.5:
            yield Left(wrote, message)


def _moment(dice: Random) -> datetime:
    # Often the same moment, and now and then before the question.
    return RECEIVED + timedelta(hours=dice.choice([-1, 0, 1, 2, 5, 23, 24, 25, 30, 49, 73, 100]))


def _word(
    dice: Random, reply: UUID, revision: int, given: datetime, until: timedelta | None
) -> ClockEvent:
    match dice.randrange(3):
        case 0:
            return Answered(given, reply, revision)
        case 1:
            return Held(given, None if until is None else given + until, reply, revision)
        case _:
            return Withdrawn(given + dice.choice([HOUR, 2 * DAY]), reply, revision)


def _decision(dice: Random) -> ClockEvent:
    if dice.random() < 0.5:
        return Answered(_moment(dice), by_hand=True)
    return Cancelled(_moment(dice), dice.choice(list(CancelReason)))


@pytest.mark.parametrize("seed", range(60))
def test_random_lives_end_in_one_row(seed: int) -> None:
    dice = Random(seed)
    kept = promise() if seed % 2 else Promise("p", DAY, hand_over=4 * HOUR)
    events = random_facts(dice)
    orders = (dice.sample(events, len(events)) for _ in range(12))
    same_in_every_order(begin(kept), orders)


@pytest.mark.parametrize("seed", range(300))
def test_copies_follow_and_no_breach_is_lost_while_timers_look(seed: int) -> None:
    """The timers look in between, at what others have said is all that they know until then."""
    dice = Random(1000 + seed)
    kept = promise() if seed % 2 else Promise("p", DAY, hand_over=4 * HOUR)
    desk, now = Desk(begin(kept)), RECEIVED
    for event in random_facts(dice):
        now = max(now, RECEIVED + timedelta(hours=dice.randrange(200)))
        desk.hear(event, now)
        if dice.random() < 0.5:
            desk.tick(now - timedelta(hours=dice.choice([0, 0, 1, 40])))
    desk.tick(END)
    desk.check()
