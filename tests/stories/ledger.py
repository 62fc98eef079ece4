"""What the oracle writes down: inquiries with their ends, own posts, replies. No decisions here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.stories.events import (
    ClockOutcome,
    DismissReason,
    EndKind,
    EndOutcome,
    InquiryOutcome,
    Message,
    OwnPost,
    PostKind,
    Reply,
    State,
    Thread,
)

Lane = tuple[str, str | None]
Place = tuple[datetime, str]

ANSWERS = ("reply", "own_post", "complete")
AT_THE_DESK = ("complete", "dismiss", "close")
STATES: dict[EndKind, State] = {
    "reply": "answered",
    "own_post": "answered",
    "complete": "answered",
    "close": "closed",
    "dismiss": "no_answer",
}


def by_receipt(message: Message) -> Place:
    return message.received_at, message.id


def earlier(message: Message, post: OwnPost) -> bool:
    """By the platform's own times; at equal moments the customer's message is the earlier one."""
    if message.sent_at and post.sent_at:
        return message.sent_at <= post.sent_at
    return message.received_at <= post.received_at


@dataclass(eq=False)
class End:
    """`covers` are the ids of messages that its author could have seen."""

    kind: EndKind
    by: str
    at: datetime
    covers: set[str]
    reason: DismissReason | None = None


@dataclass(eq=False)
class Inquiry:
    thread: Thread
    lane: Lane
    messages: list[Message]
    ends: list[End] = field(default_factory=list)
    reopened: list[datetime] = field(default_factory=list)
    holds: set[str] = field(default_factory=set)
    """Replies and posts that are holding replies to it."""
    asked: set[str] = field(default_factory=set)

    @property
    def first(self) -> Message:
        return min(self.messages, key=by_receipt)

    @property
    def began(self) -> Place:
        return by_receipt(self.first)

    def has(self, message_id: str) -> bool:
        return any(each.id == message_id for each in self.messages)

    def standing(self) -> list[End]:
        """The ends that nobody has taken back, the one that decides first."""
        found = [end for end in self.ends if not self._taken_back(end)]
        return sorted(found, key=lambda end: (end.at, end.kind not in ANSWERS))

    def _taken_back(self, end: End) -> bool:
        return end.kind in AT_THE_DESK and any(at >= end.at for at in self.reopened)

    @property
    def open(self) -> bool:
        return not self.standing()

    @property
    def netiquette(self) -> bool:
        return not self.open and self.standing()[0].reason == "netiquette"

    def uncovered(self) -> list[Message]:
        """Its messages that no standing end covers."""
        seen = {each for end in self.standing() for each in end.covers}
        return [each for each in self.messages if each.id not in seen]

    def outcome(self) -> InquiryOutcome:
        ids = frozenset(each.id for each in self.messages)
        standing = self.standing()
        decides = standing[0] if standing else None
        if decides is None:
            state: State = "held" if self.holds else "open"
        else:
            state = STATES[decides.kind]
        return InquiryOutcome(
            messages=ids,
            state=state,
            received_at=self.first.received_at,
            answered_at=decides.at if decides and state == "answered" else None,
            ends=tuple(
                EndOutcome(each.kind, each.at, ids & each.covers, each.by) for each in standing
            ),
            clock=self._clock(decides) if self.thread.promised else None,
            asked=frozenset(self.asked),
        )

    def _clock(self, decides: End | None) -> ClockOutcome:
        start = self.first.received_at
        if decides is None:
            return ClockOutcome(start)
        end = max(start, decides.at)
        return ClockOutcome(start, end, "met" if decides.kind in ANSWERS else "cancelled")


@dataclass(eq=False)
class Post:
    """An own post that is not the echo of a recorded reply.

    `met` are the inquiries that it was told to, as an end, a holding reply, a question to a person,
    or only to have a place.
    """

    item: OwnPost
    kind: PostKind
    waits: bool = True
    """For its parent: until that comes it does nothing."""
    met: list[Inquiry] = field(default_factory=list)

    @property
    def lanes(self) -> set[Lane]:
        return {each.lane for each in self.met}


@dataclass(eq=False)
class Recorded:
    """A reply given over REST, and the messages that it could have covered at that moment."""

    step: Reply
    inquiry: Inquiry
    kind: PostKind
    covers: set[str]


@dataclass
class Todo:
    """An inquiry as the router knows it: while the bus is away that is not how it is."""

    inquiry: Inquiry
    messages: list[Message]
    answered: bool
    ended_at_desk: bool

    @classmethod
    def of(cls, inquiry: Inquiry) -> Todo:
        kinds = {end.kind for end in inquiry.standing()}
        return cls(
            inquiry,
            list(inquiry.messages),
            answered=bool(kinds & {"reply", "own_post"}),
            ended_at_desk=bool(kinds & set(AT_THE_DESK)),
        )
