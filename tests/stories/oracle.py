"""How a story ends, by the rules of issue 9 alone: simple, slow, and apart from all other code.

`tell(threads, order)` reads the steps in their order of arrival. Where the rules depend on that
order ("an inquiry that has ended stays one") the oracle follows it. Where the issue is silent the
oracle reads it so:

1.  `answered_at` is set only while an answer decides: a dismissed inquiry with a later answer has
    none. What decides is the earliest standing end; at one moment an answer goes first.
2.  The messages that one end leaves uncovered stay together: the first of them decides for all
    whether they join the lane's newest open inquiry (only if that began before it was received;
    an older open one is not tried) or open one. Those that a known own post covers go to that post.
3.  An own post without a parent covers the earlier messages of the inquiry that it meets: once it
    has met a person's inquiry in a public thread it covers no other person's messages. One that met
    several, and so became a question, covers nothing that comes later.
4.  A holding or asking post that was kept because nothing was there finds its question like an
    answer does: the first open inquiry that gets a message it covers is held, or told.
5.  A holding post that covers only later messages of an open inquiry, not its first, holds it.
6.  Of a post's chain of own parents the first customer's message names the author. The post covers
    that author's earlier messages; "always" is only said of its own parent.
7.  When a kept post's parent comes, the post first does what it does to the inquiries that are
    there, then its parent finds its place: it joins the inquiry that the post has just ended.
8.  Posts that name a parent are ends of each inquiry whose first message they cover, also when
    that message comes after them. A post without a parent is an end of what it met only.
9.  "Stored as a later end": an end like others if it is not earlier than the deciding one and
    covers the first message; else it is only kept there and never decides.
10. An echo that is one with a recorded reply is no own post of its own and covers nothing that
    comes later. Within ten minutes: between the reply's moment and the post's, each `sent_at` or,
    without it, the recording or the receipt.
11. A reply that is recorded after its echo does nothing if the echo answers that inquiry. If it
    does not (`ask`, another inquiry, a holding reply), the rules are silent: left out.
12. After an end was taken back, an inquiry that stays ended by others loses the messages that none
    of those covers: they leave as in 2.
13. A reclassification to `answer` ends the inquiry in which the person said so and no other; one of
    a post that ended several inquiries, to `holding` in an ended inquiry, or of any reply to one
    dismissed as netiquette is left out.
14. Complete and dismiss need a ToDo that is not done as far as the router knows; reopen needs a
    desk end that stands as far as it knows; close needs an open inquiry.
15. A message that leaves for an inquiry ended by a post does so only if it was received after that
    one's first message, which stays the first for life; else it opens one of its own.
16. Where a post has answered several inquiries of a lane, a message that it covers joins the
    newest of them, as further messages do.
17. A holding post that is heard when all that it covers has ended held the one inquiry (its
    parent's, if it has one) that awaited an answer when it was written: that shows if the end is
    taken back.
18. Where an end is taken back, a later message of the inquiry that opens again stays with it,
    though a post that covers just that message was heard meanwhile.
19. A withdrawn message needs no answer: it does not leave what has ended. One that was withdrawn
    before it came is in no inquiry, but a post may name it as its parent.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.stories.arrivals import Arrivals, one
from tests.stories.events import (
    Again,
    BusDown,
    BusUp,
    Close,
    Complete,
    Delivery,
    Dismiss,
    LeftOut,
    Message,
    Outcome,
    Reclassify,
    Reopen,
    Reply,
    RouterAct,
    Step,
    Thread,
    Withdraw,
)
from tests.stories.ledger import (
    End,
    Inquiry,
    Place,
    Post,
    Recorded,
    Todo,
    by_receipt,
)


def tell(threads: Iterable[Thread], order: Iterable[Step]) -> Outcome:
    """How the steps end that arrive in this order."""
    oracle = Oracle(threads)
    for step in order:
        oracle.hear(step)
    return oracle.outcome()


class Oracle(Arrivals):
    """Hears one step after the other. A `BusDown` needs its `BusUp` before the outcome is asked."""

    def __init__(self, threads: Iterable[Thread]) -> None:
        super().__init__(threads)
        self.todos: list[Todo] | None = None
        self._unheard: list[tuple[Inquiry, RouterAct, Place | None]] = []
        self._left_out: dict[str, LeftOut] = {}
        self._covers_until: dict[str, str] = {}

    def outcome(self) -> Outcome:
        inquiries = [each.outcome() for each in self.inquiries]
        return Outcome(inquiries, dict(self._left_out), dict(self._covers_until))

    def hear(self, step: Step) -> LeftOut | None:
        """Take the step in; the answer says why an act has no effect here."""
        refused: LeftOut | None = None
        match step:
            case Delivery():
                self._delivery(step)
            case Reply():
                refused = self._reply(step)
            case Close():
                refused = self._close(step)
            case Complete() | Dismiss() | Reopen():
                refused = self._at_router(step)
            case Reclassify():
                refused = self._reclassify(step)
            case BusDown() | BusUp():
                self._bus(step)
            case Withdraw():
                self.withdrawn.setdefault(step.of, step.at)
            case Again():
                refused = self._left_out.get(step.of)  # what was done is done, once
        if refused:
            self._left_out[step.id] = refused
        self._end_withdrawn()
        return refused

    def _end_withdrawn(self) -> None:
        """What has nothing but withdrawn messages ended when the last of them was withdrawn."""
        for inquiry in self.inquiries:
            moments = {self.withdrawn.get(each.id): each.id for each in inquiry.messages}
            known = {at: name for at, name in moments.items() if at is not None}
            if not known or len(known) < len(moments):
                continue
            at, standing = max(known), inquiry.standing()
            later = all(each < at for each in inquiry.reopened)
            if later and (not standing or at < standing[0].at):
                covers = {each.id for each in inquiry.messages}
                inquiry.ends = [each for each in inquiry.ends if each.by != known[at]]
                inquiry.ends.append(End("close", known[at], at, covers))

    # Ends that are given to one inquiry

    def _reply(self, step: Reply) -> LeftOut | None:
        inquiry = self.inquiry_of(step.inquiry_of)
        if inquiry is None:
            return LeftOut.NOBODY
        echo = self._echo_of(step, inquiry)
        if echo:
            answers = any(end.by == echo.item.id for end in inquiry.standing())
            return None if answers and step.kind == "answer" else LeftOut.NOBODY
        refused = self._reply_refused(step, inquiry)
        if refused:
            return refused
        covers = {inquiry.first.id} | {
            each.id
            for each in inquiry.messages
            if step.read_until or not step.sent_at or each.received_at <= step.sent_at
        }
        self.replies[step.id] = Recorded(step, inquiry, step.kind, covers)
        if step.kind == "holding":
            inquiry.holds.add(step.id)
        else:
            self._end(inquiry, End("reply", step.id, step.moment, covers))
        return None

    def _reply_refused(self, step: Reply, inquiry: Inquiry) -> LeftOut | None:
        first = inquiry.first
        begins = min(first.moment, first.received_at)
        if inquiry.netiquette:
            return LeftOut.NETIQUETTE
        if step.sent_at and not begins <= step.sent_at <= step.at:
            return LeftOut.SENT_AT
        if step.kind == "holding" and not inquiry.open:
            return LeftOut.ENDED
        return self._not_read(step.read_until, inquiry.messages)

    def _not_read(self, read_until: str | None, messages: list[Message]) -> LeftOut | None:
        if read_until is None:
            return None
        if read_until not in {each.id for each in messages}:
            return LeftOut.NOBODY
        newest = max(messages, key=by_receipt)
        return None if newest.id == read_until else LeftOut.NEWER_MESSAGE

    def _close(self, step: Close) -> LeftOut | None:
        inquiry = self.inquiry_of(step.inquiry_of)
        if inquiry is None or not inquiry.open:
            return LeftOut.NOBODY
        refused = self._not_read(step.read_until, inquiry.messages)
        if refused:
            return refused
        covers = {each.id for each in inquiry.messages}
        self._end(inquiry, End("close", step.id, step.at, covers))
        return None

    def _end(self, inquiry: Inquiry, end: End) -> None:
        """Store the end; if it is the one that ends the inquiry, what it does not cover leaves."""
        was_open = inquiry.open
        inquiry.ends.append(end)
        if was_open and not inquiry.open:
            self._leave(inquiry, inquiry.uncovered())

    # The router, and the bus between

    def known_todos(self) -> list[Todo]:
        """The inquiries as the router knows them."""
        return [Todo.of(each) for each in self.inquiries] if self.todos is None else self.todos

    def _at_router(self, step: RouterAct) -> LeftOut | None:
        found = [
            todo
            for todo in self.known_todos()
            for each in todo.messages
            if each.id == step.inquiry_of
        ]
        if not found:
            return LeftOut.NOBODY
        todo, cut = found[0], None
        if isinstance(step, Reopen):
            if not todo.ended_at_desk:
                return LeftOut.NOBODY
        else:
            if todo.answered or todo.ended_at_desk:
                return LeftOut.NOBODY
            refused = self._not_read(step.read_until, todo.messages)
            if refused:
                return refused
            last = max(todo.messages, key=by_receipt)
            self._covers_until[step.id] = last.id
            cut = by_receipt(last)
        todo.ended_at_desk = not isinstance(step, Reopen)
        if self.todos is None:
            self._heard_of_todo(todo.inquiry, step, cut)
        else:
            self._unheard.append((todo.inquiry, step, cut))
        return None

    def _bus(self, step: BusDown | BusUp) -> None:
        if isinstance(step, BusDown):
            self.todos = self.known_todos()
            return
        for inquiry, act, cut in self._unheard:
            self._heard_of_todo(inquiry, act, cut)
        self._unheard, self.todos = [], None

    def _heard_of_todo(self, inquiry: Inquiry, step: RouterAct, cut: Place | None) -> None:
        if isinstance(step, Reopen) or cut is None:
            inquiry.reopened.append(step.at)
            self._taken_back(inquiry)
            return
        covers = {each.id for each in inquiry.messages if by_receipt(each) <= cut}
        covers.add(inquiry.first.id)
        if isinstance(step, Dismiss):
            end = End("dismiss", step.id, step.at, covers, step.reason)
        else:
            end = End("complete", step.id, step.at, covers)
        self._end(inquiry, end)

    def _taken_back(self, inquiry: Inquiry) -> None:
        if not inquiry.open:
            self._leave(inquiry, inquiry.uncovered())

    def _echo_of(self, step: Reply, inquiry: Inquiry) -> Post | None:
        heard = (each for each in self.posts.values() if each.item.thread == inquiry.thread.id)
        return next((each for each in heard if one(step, each.item)), None)

    # Said again by a person

    def _reclassify(self, step: Reclassify) -> LeftOut | None:
        inquiry = self.inquiry_of(step.inquiry_of)
        if inquiry is None or inquiry.netiquette:
            return LeftOut.NOBODY
        others = [end for end in inquiry.standing() if end.by != step.of]
        if step.kind == "holding" and others:
            return LeftOut.NOBODY
        reply, post = self.replies.get(step.of), self.posts.get(step.of)
        if reply and reply.inquiry is inquiry and reply.kind != step.kind:
            reply.kind = step.kind
            self._withdraw(inquiry, step)
            if step.kind == "answer":
                self._end(inquiry, End("reply", step.of, reply.step.moment, reply.covers))
            return None
        if post and inquiry in post.met and post.kind != step.kind:
            return self._post_reclassified(step, post, inquiry)
        return LeftOut.NOBODY

    def _withdraw(self, inquiry: Inquiry, step: Reclassify) -> None:
        """The reply or post counts no longer as what it was, but perhaps as a holding reply."""
        inquiry.holds.discard(step.of)
        inquiry.ends = [each for each in inquiry.ends if each.by != step.of]
        if step.kind == "holding":
            inquiry.holds.add(step.of)
        self._taken_back(inquiry)

    def _post_reclassified(self, step: Reclassify, post: Post, inquiry: Inquiry) -> LeftOut | None:
        _, author = self._scope(post.item)
        if step.kind != "answer":
            if post.kind == "answer" and len(post.met) > 1:
                return LeftOut.NOBODY
            post.kind = step.kind
            for each in self.inquiries:
                each.holds.discard(step.of)
            self._withdraw(inquiry, step)
            return None
        covers = self._covered(post, inquiry)
        ended_before_it = not inquiry.open and inquiry.first not in covers
        if (author is not None and len(post.met) > 1) or not covers or ended_before_it:
            return LeftOut.NOBODY
        post.kind, post.met = "answer", []
        for each in self.inquiries:
            each.holds.discard(step.of)
        if inquiry.open:
            self._end_by_post(post, [inquiry])
        else:
            self._add_end(post, inquiry)
        return None
