"""What a conversation holds, as far as a decision needs it: messages, inquiries, own posts.

Values that change while a verb runs. What changed is noted in `effects`, in order, so that the verb
stores it and tells the others.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.intake.inquiries.domain.ends import End, EndKind, Verdict, stands, verdict
from services.intake.inquiries.domain.inquiry import AWAITS_ANSWER


class PostKind(StrEnum):
    """What an own post counts as. `ask`: a person has to say. `none`: a person said, as nothing."""

    ANSWER = "answer"
    HOLDING = "holding"
    ASK = "ask"
    NONE = "none"


@dataclass(slots=True)
class Message:
    """A customer's message. `sent_at` is the platform's moment, `received_at` ours (UTC).

    `restated_at` is when an edit made it say something else; None where that is a message of its
    own. `withdrawn_at` is when its author took it back.
    """

    id: UUID
    contact_id: UUID
    external_id: str
    received_at: datetime
    sent_at: datetime | None = None
    restated_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def place(self) -> tuple[datetime, UUID]:
        """Its place in the order of receipt."""
        return self.received_at, self.id


@dataclass(slots=True)
class Post:
    """A message of ours that was seen on the platform.

    `parent` is the external id of the message under which it was written. `waits` says that a
    message has to come before it is known whom it answers. `contact_id` is that person; `named`
    says that the parent tells, else it is whose inquiry it met. `by_hand`: a person said what it
    counts as, and for which inquiry; it is no end of another by itself.
    """

    id: UUID
    kind: PostKind
    author: str
    received_at: datetime
    sent_at: datetime | None = None
    parent: str | None = None
    waits: bool = False
    named: bool = False
    contact_id: UUID | None = None
    attached: bool = False
    by_hand: bool = False

    @property
    def moment(self) -> datetime:
        """When it was written, as far as that is known; never later than its receipt."""
        return self.received_at if self.sent_at is None else min(self.sent_at, self.received_at)

    def covers(self, message: Message) -> bool:
        """The message that it answers, always; else what that person had written before it.

        Earlier is by the platform's times of both, else by the receipts of both. At the same moment
        the customer's message is the earlier one.
        """
        if self.parent is not None and self.parent == message.external_id:
            return True
        if self.waits or (self.contact_id is not None and self.contact_id != message.contact_id):
            return False
        if self.sent_at is not None and message.sent_at is not None:
            return message.sent_at <= self.sent_at
        return message.received_at <= self.received_at

    def end(self, kind: EndKind, revision: int = 0) -> End:
        return End(self.id, kind, self.moment, self.author, revision=revision)


@dataclass(slots=True)
class Inquiry:
    """What awaits one answer. It keeps its earliest message, so its clock never starts anew.

    `messages` are in the order of receipt. The first is the one that opened it, or came up to
    `covering.SIDE_BY_SIDE` before that.
    """

    id: UUID
    contact_id: UUID
    messages: list[Message] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    merged_into: UUID | None = None
    reopened_at: datetime | None = None

    @property
    def verdict(self) -> Verdict:
        return verdict(self.ends, reopened_at=self.reopened_at)

    @property
    def awaits_answer(self) -> bool:
        return self.merged_into is None and self.verdict.state in AWAITS_ANSWER

    @property
    def first(self) -> Message:
        return self.messages[0]

    @property
    def begun(self) -> tuple[datetime, UUID]:
        """The order of inquiries: by their first messages."""
        return self.first.received_at, self.id

    @property
    def standing(self) -> list[End]:
        """The ends that nobody has taken back; a holding reply is none."""
        return [
            each
            for each in self.ends
            if each.kind is not EndKind.HOLDING and stands(each, self.reopened_at)
        ]

    def end_named(self, end_id: UUID) -> End | None:
        return next((each for each in self.ends if each.id == end_id), None)


@dataclass(frozen=True, slots=True)
class Opened:
    """The message opened the inquiry; `moved_from` is the one that it left."""

    inquiry: Inquiry
    message: Message
    moved_from: UUID | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    inquiry: Inquiry
    message: Message
    moved_from: UUID | None = None


@dataclass(frozen=True, slots=True)
class Restated:
    """What a message was edited to, after all that covers it, is a message of its own: `later`."""

    message: Message
    later: Message


@dataclass(frozen=True, slots=True)
class Added:
    """The inquiry has this end now, or has it anew with another revision."""

    inquiry: Inquiry
    end: End


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The end counts no more: `by` whom that was said, and through which API key."""

    inquiry: Inquiry
    end: End
    by: str
    key_name: str | None = None


@dataclass(frozen=True, slots=True)
class Reopened:
    inquiry: Inquiry


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody of ours wrote; what it counts as, a person has to say."""

    inquiry: Inquiry
    post: Post


@dataclass(frozen=True, slots=True)
class Shown:
    """The post is shown with the inquiry, and counts as nothing there."""

    inquiry: Inquiry
    post: Post


@dataclass(frozen=True, slots=True)
class Merged:
    """The younger inquiry has no message left: the older one has them all."""

    younger: Inquiry
    older: Inquiry


Effect = Opened | Joined | Restated | Added | TakenBack | Reopened | Asked | Shown | Merged


@dataclass(slots=True)
class Thread:
    """A conversation. In a public one each person has an inquiry of their own."""

    public: bool
    new_id: Callable[[], UUID]
    inquiries: dict[UUID, Inquiry] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def of(self, contact_id: UUID) -> Iterator[Inquiry]:
        """The inquiries of that person, in a private thread all of them."""
        for inquiry in self.inquiries.values():
            if inquiry.messages and (not self.public or inquiry.contact_id == contact_id):
                yield inquiry

    def covering(self, inquiry: Inquiry, ends: Sequence[End]) -> Callable[[Message], bool]:
        """Whether one of these ends of the inquiry covers a message of it.

        An end that was given to it covers its first message, whatever its cut. Raises LookupError
        for the end of a post that the thread does not have: taken for one that covers nothing, it
        would send answered messages away.
        """
        first = inquiry.first
        cuts = [end.cut for end in ends if end.cut is not None]
        by_id = {post.id: post for post in self.posts}
        posts = [by_id[end.id] for end in ends if end.cut is None]

        def covers(message: Message) -> bool:
            if cuts and message is first:
                return True
            by_cut = any(cut.covers(*message.place) for cut in cuts)
            return by_cut or any(post.covers(message) for post in posts)

        return covers

    def newest_open(
        self, contact_id: UUID, *, begun_until: datetime | None = None
    ) -> Inquiry | None:
        waiting = [
            each
            for each in self.of(contact_id)
            if each.awaits_answer and (begun_until is None or each.first.received_at <= begun_until)
        ]
        return max(waiting, key=lambda each: each.begun, default=None)

    def open(
        self, message: Message, *, inquiry_id: UUID | None = None, moved_from: UUID | None = None
    ) -> Inquiry:
        inquiry = Inquiry(inquiry_id or self.new_id(), message.contact_id, [message])
        self.inquiries[inquiry.id] = inquiry
        self.effects.append(Opened(inquiry, message, moved_from))
        return inquiry

    def join(self, inquiry: Inquiry, message: Message, *, moved_from: UUID | None = None) -> None:
        insort(inquiry.messages, message, key=lambda each: each.place)
        self.effects.append(Joined(inquiry, message, moved_from))

    def add(self, inquiry: Inquiry, end: End) -> None:
        """Keep the end; one that is known by its id is replaced."""
        inquiry.ends = [each for each in inquiry.ends if each.id != end.id] + [end]
        self.effects.append(Added(inquiry, end))

    def take_back(
        self, inquiry: Inquiry, end: End, *, revision: int, by: str, key_name: str | None = None
    ) -> None:
        gone = replace(end, taken_back=True, revision=revision)
        inquiry.ends = [gone if each.id == end.id else each for each in inquiry.ends]
        self.effects.append(TakenBack(inquiry, gone, by, key_name))

    def reopen(self, inquiry: Inquiry, at: datetime) -> None:
        """Take back what a desk or a person decided until then, also what is heard later."""
        inquiry.reopened_at = max(at, inquiry.reopened_at or at)
        self.effects.append(Reopened(inquiry))
