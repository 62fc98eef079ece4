"""What happens in a story, and how a story ends: plain values, without any rule.

Moments are aware and in UTC. Every step has an id and the moment `at` which it happens; the steps
of an order have rising moments, so that a context can set its clock to each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

Audience = Literal["public", "private"]
OwnPosts = Literal["answer", "holding", "ask"]
ReplyKind = Literal["answer", "holding"]
PostKind = Literal["answer", "holding", "ask", "none"]
NewKind = Literal["answer", "holding", "none"]
DismissReason = Literal["no_answer_needed", "netiquette"]
State = Literal["open", "held", "answered", "closed", "no_answer"]
EndKind = Literal["reply", "own_post", "complete", "dismiss", "close"]

APART = timedelta(microseconds=1)
"""Between the receipts of two neighbours in one delivery."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation, and what the policy says of the channel that it is on."""

    id: str
    audience: Audience = "private"
    own_posts: OwnPosts = "answer"
    promised: bool = True

    @property
    def channel(self) -> str:
        """A channel name that all threads with the same policy share."""
        level = "promised" if self.promised else "best-effort"
        return f"{self.audience}-{self.own_posts}-{level}"


@dataclass(frozen=True, slots=True)
class Message:
    """A customer's message. `place` is its place in the list of its delivery."""

    id: str
    thread: str
    person: str
    sent_at: datetime | None
    received_at: datetime
    parent: str | None = None
    place: int = 0

    @property
    def moment(self) -> datetime:
        return self.sent_at or self.received_at


@dataclass(frozen=True, slots=True)
class OwnPost:
    """A message of one of our own accounts, seen on the platform (an echo)."""

    id: str
    thread: str
    sent_at: datetime | None
    received_at: datetime
    text: str
    parent: str | None = None
    place: int = 0

    @property
    def moment(self) -> datetime:
        return self.sent_at or self.received_at


Item = Message | OwnPost


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook with a list of items. A repeat has the same id."""

    id: str
    at: datetime
    items: tuple[Item, ...]


def deliver(name: str, at: datetime, items: Iterable[Item]) -> Delivery:
    """A delivery received at this moment: its items get their places and receipts from it."""
    stamped = [
        replace(item, received_at=at + place * APART, place=place)
        for place, item in enumerate(items)
    ]
    return Delivery(name, at, tuple(stamped))


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply recorded over REST, given to the inquiry that has the message `inquiry_of`.

    `external_id` is the id of the own post that is its echo. An echo without it has the same text,
    but for white space.
    """

    id: str
    inquiry_of: str
    kind: ReplyKind
    at: datetime
    text: str
    sent_at: datetime | None = None
    read_until: str | None = None
    external_id: str | None = None

    @property
    def moment(self) -> datetime:
        return self.sent_at or self.at


@dataclass(frozen=True, slots=True)
class Close:
    """Closed without an answer, over intake's REST."""

    id: str
    inquiry_of: str
    at: datetime
    read_until: str | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """The router's ToDo is done. What it covers is in `Outcome.covers_until`."""

    id: str
    inquiry_of: str
    at: datetime
    read_until: str | None = None


@dataclass(frozen=True, slots=True)
class Dismiss:
    """The router's ToDo gets no answer. What it covers is in `Outcome.covers_until`."""

    id: str
    inquiry_of: str
    at: datetime
    reason: DismissReason = "no_answer_needed"
    read_until: str | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    id: str
    inquiry_of: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reclassify:
    """`of` is a Reply's or an OwnPost's id; `inquiry_of` says in which inquiry a person did it."""

    id: str
    of: str
    inquiry_of: str
    kind: NewKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The customer takes the message `of` back; it may not have come yet."""

    id: str
    of: str
    thread: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Again:
    """The step `of` is told once more: the same bytes, or the same call with the same key."""

    id: str
    of: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BusDown:
    """From here to the next BusUp intake and router hear nothing of each other.

    A message between the two and then a completion of the ToDo that has not heard of it are a race.
    """

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BusUp:
    """Everything that was told meanwhile is heard, each service's facts in their order."""

    id: str
    at: datetime


RouterAct = Complete | Dismiss | Reopen
Act = Reply | Close | RouterAct | Reclassify
Step = Delivery | Act | Withdraw | Again | BusDown | BusUp
Order = tuple[Step, ...]
"""The steps of a story in an order of arrival; their moments rise."""


@dataclass(frozen=True, slots=True)
class Story:
    seed: int
    threads: tuple[Thread, ...]
    steps: Order


def messages_of(steps: Iterable[Step]) -> dict[str, Message]:
    """The customers' messages that an order delivers, by id."""
    return {item.id: item for item in items_of(steps) if isinstance(item, Message)}


def never_arrived(steps: Iterable[Step]) -> set[str]:
    """The messages that were withdrawn before they came: they make no inquiry."""
    withdrawn: set[str] = set()
    known: set[str] = set()
    for step in steps:
        match step:
            case Delivery():
                known |= {item.id for item in step.items}
            case Withdraw(of=of) if of not in known:
                withdrawn.add(of)
            case _:
                pass
    return withdrawn


def items_of(steps: Iterable[Step]) -> list[Item]:
    return [item for step in steps if isinstance(step, Delivery) for item in step.items]


class LeftOut(StrEnum):
    """Why an act has no effect where it stands in this order.

    All but the first are refusals that the rules name: a context may try them and expect a 4xx.
    """

    NOBODY = "nobody could or would do it here, or the rules do not say what it means: do not try"
    NEWER_MESSAGE = "409: there are messages later than `read_until` in the inquiry"
    ENDED = "409: a holding reply to an inquiry that has ended"
    NETIQUETTE = "a reply to an inquiry that was dismissed as netiquette"
    SENT_AT = "422: `sent_at` before the inquiry's first message, or in the future"


@dataclass(frozen=True, slots=True)
class EndOutcome:
    """An end that stands. `by`: a step or own post. `covers`: those messages of its inquiry."""

    kind: EndKind
    at: datetime
    covers: frozenset[str]
    by: str = ""


@dataclass(frozen=True, slots=True)
class ClockOutcome:
    """A promise's clock; `ended_at` is when it was met, or cancelled, and None while it runs.

    `met` does not say whether that was in time: how long a promise is depends on the policy.
    """

    started_at: datetime
    ended_at: datetime | None = None
    how: Literal["running", "met", "cancelled"] = "running"


@dataclass(frozen=True, slots=True)
class InquiryOutcome:
    """`received_at` is its earliest message's receipt; `asked` are own posts that ended nothing
    and that its ToDo's history tells of, for a person to say what they are.
    """

    messages: frozenset[str]
    state: State
    received_at: datetime
    answered_at: datetime | None = None
    ends: tuple[EndOutcome, ...] = ()
    clock: ClockOutcome | None = None
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a story ended, as the oracle or as an implementation says it.

    Only the oracle fills the last two: the acts that have no effect in this order, with the
    reason, and `covers_until` of the router's fact for each Complete and Dismiss.
    """

    inquiries: Sequence[InquiryOutcome]
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    covers_until: Mapping[str, str] = field(default_factory=dict)

    def inquiry_of(self, message: str) -> InquiryOutcome:
        """The inquiry that has the message. Raises StopIteration when none has it."""
        return next(each for each in self.inquiries if message in each.messages)
