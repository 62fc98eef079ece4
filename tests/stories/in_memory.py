"""Tells a story to intake's pure domain, with dictionaries in place of the database.

What the verbs decide before the domain is asked (is it known, whose is the parent, is this reply
that post) is written here a second time, in the shortest form.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from services.intake.inquiries.domain import covering, taking_back
from services.intake.inquiries.domain.ends import Cut, End, EndKind
from services.intake.inquiries.domain.inquiry import InquiryState
from services.intake.inquiries.domain.text import alike
from services.intake.inquiries.domain.thread import Inquiry, Message, Post, PostKind, Thread
from services.intake.inquiries.domain.withdrawing import end_withdrawn
from tests.stories import events
from tests.stories.events import (
    Again,
    BusDown,
    BusUp,
    ClockOutcome,
    Close,
    Complete,
    Delivery,
    Dismiss,
    EndOutcome,
    InquiryOutcome,
    LeftOut,
    Order,
    Outcome,
    OwnPost,
    Reclassify,
    Reopen,
    Reply,
    RouterAct,
    Story,
    Withdraw,
)

ONE_WITHIN = timedelta(minutes=10)
NAMES = {
    EndKind.ANSWER: "reply",
    EndKind.CLOSE: "close",
    EndKind.COMPLETE: "complete",
    EndKind.DISMISS: "dismiss",
}


class InMemory:
    def __init__(self, story: Story, expected: Outcome) -> None:
        """`expected` only says which acts nobody could do, and what the router's facts covered."""
        self._threads = {
            each.id: Thread(each.audience == "public", self._new_id) for each in story.threads
        }
        self._policy = {each.id: each for each in story.threads}
        self._expected = expected
        self._numbers = count(1)
        self._ids: dict[str, UUID] = {}
        self._names: dict[UUID, str] = {}
        self._messages: dict[str, Message] = {}
        self._posts: dict[str, tuple[OwnPost, Post]] = {}
        self._waits_for: dict[str, str | None] = {}
        self._echoes: dict[str, str] = {}
        self._replies: dict[str, Reply] = {}
        self._revisions: dict[UUID, int] = {}
        self._known: dict[str, tuple[Thread, Inquiry]] = {}
        self._unheard: list[tuple[RouterAct, Thread, Inquiry]] | None = None
        self._withdrawn: set[str] = set()

    def tell(self, order: Order) -> Outcome:
        for step in order:
            if self._expected.left_out.get(step.id) is LeftOut.NOBODY:
                continue
            self._hear(step)
            for thread in self._threads.values():
                end_withdrawn(thread)
        return Outcome([each for name in self._threads for each in self._outcomes(name)])

    def _new_id(self) -> UUID:
        return UUID(int=next(self._numbers))

    def _id(self, name: str) -> UUID:
        if name not in self._ids:
            self._ids[name] = self._new_id()
            self._names[self._ids[name]] = name
        return self._ids[name]

    def _hear(self, step: events.Step) -> None:
        match step:
            case Delivery():
                for item in step.items:
                    self._item(item)
            case Complete() | Dismiss() | Reopen() if self._unheard is not None:
                if not self._refused(step):
                    self._unheard.append((step, *self._known[step.inquiry_of]))
            case BusDown():
                self._unheard = []
                here = [name for name in self._messages if name not in self._withdrawn]
                self._known = {name: self._find(name) for name in here}
            case BusUp():
                heard, self._unheard = self._unheard or [], None
                for act, thread, inquiry in heard:
                    self._router(act, thread, inquiry)
            case Withdraw():
                self._withdraw(step)
            case Again():
                pass
            case _:
                self._act(step)

    def _withdraw(self, step: Withdraw) -> None:
        if step.of not in self._messages:
            self._withdrawn.add(step.of)
            return
        message = self._messages[step.of]
        message.withdrawn_at = message.withdrawn_at or step.at

    def _act(self, step: events.Act) -> None:
        match step:
            case Reclassify():
                self._reclassify(step)
            case _ if self._refused(step):
                pass
            case Reply():
                self._reply(step)
            case Close():
                thread, inquiry = self._find(step.inquiry_of)
                given = End(self._id(step.id), EndKind.CLOSE, step.at, "", _last(inquiry))
                covering.end(thread, inquiry, given)
            case _:
                self._router(step, *self._find(step.inquiry_of))

    def _item(self, item: events.Item) -> None:
        if item.id in self._messages or item.id in self._posts or item.id in self._echoes:
            return
        thread = self._threads[item.thread]
        if isinstance(item, events.Message):
            message = Message(
                self._id(item.id), self._id(item.person), item.id, item.received_at, item.sent_at
            )
            self._messages[item.id] = message
            self._settle(item.id)
            if item.id not in self._withdrawn:
                covering.place(thread, message)
            return
        recorded = self._recorded(item)
        if recorded is not None:
            self._echoes[item.id] = recorded
            return
        post = Post(
            self._id(item.id),
            PostKind(self._policy[item.thread].own_posts),
            "",
            item.received_at,
            item.sent_at,
        )
        self._posts[item.id] = item, post
        self._waits_for[item.id] = item.id
        self._settle(item.id)

    def _let_count(self, item: OwnPost, post: Post) -> None:
        post.parent = item.parent
        post.contact_id, self._waits_for[item.id] = self._addressee(item.parent)
        post.waits, post.named = self._waits_for[item.id] is not None, post.contact_id is not None
        thread = self._threads[item.thread]
        thread.posts = [each for each in thread.posts if each is not post]
        covering.add_post(thread, post)

    def _settle(self, external_id: str) -> None:
        waiting = [
            (item, post)
            for item, post in self._posts.values()
            if self._waits_for[item.id] == external_id
        ]
        for item, _ in waiting:
            self._waits_for[item.id] = None
        for item, post in sorted(waiting, key=lambda each: each[1].moment):
            self._let_count(item, post)

    def _addressee(self, parent: str | None) -> tuple[UUID | None, str | None]:
        """Whom a post under this parent answers, or which message has to tell."""
        if parent is None:
            return None, None
        if parent in self._messages:
            return self._messages[parent].contact_id, None
        if parent in self._posts:
            return self._addressee(self._posts[parent][0].parent)
        replies = [self._echoes[parent]] if parent in self._echoes else []
        replies += [each.id for each in self._replies.values() if each.external_id == parent]
        if not replies:
            return None, parent
        _, inquiry = self._find(self._replies[replies[0]].inquiry_of)
        return inquiry.contact_id, None

    def _recorded(self, item: OwnPost) -> str | None:
        taken = set(self._echoes.values())
        for reply in self._replies.values():
            if reply.external_id == item.id:
                return reply.id
            same = reply.external_id is None and reply.id not in taken
            near = abs(reply.moment - item.moment) <= ONE_WITHIN
            here = self._thread_of(reply.inquiry_of) == item.thread
            if same and near and here and alike(reply.text, item.text):
                return reply.id
        return None

    def _reply(self, step: Reply) -> None:
        thread, inquiry = self._find(step.inquiry_of)
        if self._echo_of(step) is not None:
            return  # what this means where it does not answer already, the rules leave open
        cut = _last(inquiry)
        if step.sent_at is not None and step.read_until is None:
            cut = Cut(step.sent_at)
        self._replies[step.id] = step
        kind = EndKind(step.kind)
        covering.end(thread, inquiry, End(self._id(step.id), kind, step.moment, "", cut))

    def _echo_of(self, step: Reply) -> Post | None:
        for item, post in self._posts.values():
            if item.thread != self._thread_of(step.inquiry_of):
                continue
            same = step.external_id is None and alike(item.text, step.text)
            if item.id == step.external_id or (
                same and abs(item.moment - step.moment) <= ONE_WITHIN
            ):
                return post
        return None

    def _router(self, step: RouterAct, thread: Thread, inquiry: Inquiry) -> None:
        if isinstance(step, Reopen):
            taking_back.reopen(thread, inquiry, step.at)
            return
        last = self._messages[self._expected.covers_until[step.id]]
        kind = EndKind.COMPLETE if isinstance(step, Complete) else EndKind.DISMISS
        reason = step.reason if isinstance(step, Dismiss) else None
        cut = Cut(last.received_at, last.id)
        covering.end(thread, inquiry, End(self._id(step.id), kind, step.at, "", cut, reason))

    def _reclassify(self, step: Reclassify) -> None:
        thread, inquiry = self._find(step.inquiry_of)
        name = self._echoes.get(step.of, step.of)
        end_id = self._id(name)
        revision = self._revisions.get(end_id, 0) + 1
        self._revisions[end_id] = revision + 1
        if name in self._posts:
            post, kind = self._posts[name][1], PostKind(step.kind)
            taking_back.classify_post(thread, inquiry, post, kind, revision=revision, by="")
            return
        kind_ = None if step.kind == "none" else EndKind(step.kind)
        known = inquiry.end_named(end_id)
        assert known is not None, step
        taking_back.classify_reply(thread, inquiry, known, kind_, revision=revision, by="")

    def _refused(self, step: events.Step) -> bool:
        return step.id in self._expected.left_out

    def _thread_of(self, message: str) -> str:
        """The thread that has the inquiry in which this message is."""
        contact = self._messages[message].id
        return next(
            name
            for name, thread in self._threads.items()
            for inquiry in thread.inquiries.values()
            if any(each.id == contact for each in inquiry.messages)
        )

    def _find(self, message: str) -> tuple[Thread, Inquiry]:
        thread = self._threads[self._thread_of(message)]
        wanted = self._messages[message]
        inquiry = next(each for each in thread.inquiries.values() if wanted in each.messages)
        return thread, inquiry

    def _outcomes(self, name: str) -> list[InquiryOutcome]:
        thread, promised = self._threads[name], self._policy[name].promised
        return [
            self._outcome(thread, each, promised=promised) for each in thread.inquiries.values()
        ]

    def _outcome(self, thread: Thread, inquiry: Inquiry, *, promised: bool) -> InquiryOutcome:
        verdict, received_at = inquiry.verdict, inquiry.first.received_at
        ends = [self._end(thread, inquiry, each) for each in inquiry.standing]
        clock = clock_of(verdict.state, received_at, verdict.ended_at) if promised else None
        return InquiryOutcome(
            frozenset(self._names[each.id] for each in inquiry.messages),
            verdict.state.value,
            received_at,
            verdict.answered_at,
            tuple(ends),
            clock,
        )

    def _end(self, thread: Thread, inquiry: Inquiry, end: End) -> EndOutcome:
        covered = thread.covering(inquiry, [end])
        seen = [each for each in inquiry.messages if covered(each)]
        by = self._names[end.id]
        kind = "own_post" if by in self._posts else NAMES[end.kind]
        covers = frozenset(self._names[each.id] for each in seen)
        return EndOutcome(kind, end.at, covers, by)  # type: ignore[arg-type]


def clock_of(state: InquiryState, received_at: datetime, ended_at: datetime | None) -> ClockOutcome:
    """The clock that belongs to an inquiry that ended so."""
    if ended_at is None:
        return ClockOutcome(received_at)
    how = "met" if state is InquiryState.ANSWERED else "cancelled"
    return ClockOutcome(received_at, max(ended_at, received_at), how)  # type: ignore[arg-type]


def _last(inquiry: Inquiry) -> Cut:
    last = max(inquiry.messages, key=lambda each: each.place)
    return Cut(last.received_at, last.id)
