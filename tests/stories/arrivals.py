"""The half of the oracle that hears the platform: messages and own posts find their inquiries.

How the oracle reads the rules is told in `oracle`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.stories.events import Delivery, Message, OwnPost, Reply, Thread
from tests.stories.ledger import End, Inquiry, Lane, Post, Recorded, by_receipt, earlier

ONE_WITHIN = timedelta(minutes=10)


class Arrivals:
    """Everything that the desk knows, and what a delivery does to it."""

    def __init__(self, threads: Iterable[Thread]) -> None:
        self.threads = {each.id: each for each in threads}
        self.messages: dict[str, Message] = {}
        self.posts: dict[str, Post] = {}
        self.echoes: dict[str, OwnPost] = {}
        self.replies: dict[str, Recorded] = {}
        self.inquiries: list[Inquiry] = []
        self.withdrawn: dict[str, datetime] = {}

    def inquiry_of(self, message_id: str) -> Inquiry | None:
        return next((each for each in self.inquiries if each.has(message_id)), None)

    # What arrives

    def _delivery(self, delivery: Delivery) -> None:
        for item in delivery.items:
            if item.id in self.messages or item.id in self.posts or item.id in self.echoes:
                continue
            if isinstance(item, Message):
                self.messages[item.id] = item
                self._wake()
                if item.id not in self.withdrawn:
                    self._arrives(item)
            elif self._is_echo(item):
                self.echoes[item.id] = item
            else:
                self.posts[item.id] = Post(item, self.threads[item.thread].own_posts)
                self._wake()

    def _arrives(self, message: Message) -> None:
        taker = self._taker(message)
        if taker:
            self._to_taker(message, taker)
            return
        inquiry = self._newest_open(self._lane(message))
        if inquiry:
            inquiry.messages.append(message)
        else:
            inquiry = self._new([message])
        for post in self._by_moment():
            waiting_for_it = post.kind in ("holding", "ask") and not post.waits and not post.met
            if waiting_for_it and self._covers(post, message):
                (inquiry.holds if post.kind == "holding" else inquiry.asked).add(post.item.id)
                post.met.append(inquiry)

    def _taker(self, message: Message) -> Post | None:
        """The earliest own post that answers this message, which is not in any inquiry yet."""
        return next((each for each in self._by_moment() if self._takes(each, message)), None)

    def _takes(self, post: Post, message: Message) -> bool:
        if post.waits or post.kind != "answer" or not self._covers(post, message):
            return False
        _, author = self._scope(post.item)
        return author is not None or not post.met or self._lane(message) in post.lanes

    def _to_taker(self, message: Message, taker: Post) -> None:
        answered = []
        for inquiry in self.inquiries:
            decides = inquiry.standing()[:1]
            same = inquiry.lane == self._lane(message) and inquiry.began <= by_receipt(message)
            if same and decides and decides[0].by == taker.item.id:
                answered.append(inquiry)
        if not answered:
            self._answered_by(taker, [message])
            return
        newest = max(answered, key=lambda each: each.began)
        newest.messages.append(message)
        for end in newest.ends:
            if end.kind == "own_post" and self._covers(self.posts[end.by], message):
                end.covers.add(message.id)

    def _answered_by(self, post: Post, messages: list[Message]) -> None:
        """Open an inquiry for these messages that is answered by the post from the beginning."""
        inquiry = self._new(messages)
        self._add_end(post, inquiry)
        for other in self._by_moment():
            _, author = self._scope(other.item)
            if author is not None and self._takes(other, inquiry.first):
                self._add_end(other, inquiry)

    # Own posts

    def _wake(self) -> None:
        """Own posts whose parent is known by now do what they have waited to do."""
        for post in self._by_moment():
            if post.waits and self._scope(post.item)[0]:
                post.waits = False
                self._apply(post)

    def _scope(self, post: OwnPost) -> tuple[bool, str | None]:
        """Whether it is known whom the post speaks to, and the person if it is one."""
        if post.parent is None:
            return True, None
        if post.parent in self.messages:
            return True, self.messages[post.parent].person
        if post.parent in self.posts:
            return self._scope(self.posts[post.parent].item)
        for each in self.replies.values():
            echo = self.echoes.get(post.parent)
            if post.parent == each.step.external_id or (echo and one(each.step, echo)):
                inquiry = self.inquiry_of(each.step.inquiry_of)
                return True, inquiry.first.person if inquiry else None
        return False, None

    def _covers(self, post: Post, message: Message) -> bool:
        """Whether the author of the post could have seen the message and spoke to its person."""
        item = post.item
        if item.thread != message.thread:
            return False
        _, author = self._scope(item)
        return message.id == item.parent or (
            author in (None, message.person) and earlier(message, item)
        )

    def _apply(self, post: Post) -> None:
        _, author = self._scope(post.item)
        scope = [
            inquiry
            for inquiry in self._in_thread(post.item.thread)
            if author is None or any(each.person == author for each in inquiry.messages)
        ]
        ended = [each for each in scope if not each.open]
        meets = [each for each in scope if each.open and self._covered(post, each)]
        if author is None and len(meets) > 1:
            post.kind = "ask"
        if post.kind == "ask":
            post.met.extend(meets)
            for inquiry in meets:
                inquiry.asked.add(post.item.id)
        elif post.kind == "holding":
            post.met.extend(meets)
            for inquiry in meets or self._held_before_its_end(post, ended):
                inquiry.holds.add(post.item.id)
        else:
            self._end_by_post(post, meets)
            if author is not None:
                for inquiry in ended:
                    if self._covers(post, inquiry.first):
                        self._add_end(post, inquiry)
            elif not meets:
                self._store_with_ended(post, ended)

    def _held_before_its_end(self, post: Post, ended: list[Inquiry]) -> list[Inquiry]:
        item = post.item
        then_open = [
            each
            for each in ended
            if self._covers(post, each.first) and each.standing()[0].at > item.moment
        ]
        if item.parent in self.messages:
            then_open = [each for each in then_open if each.has(item.parent)]
        elif item.parent is not None:
            then_open = []
        return then_open if len(then_open) == 1 else []

    def _covered(self, post: Post, inquiry: Inquiry) -> list[Message]:
        return [each for each in inquiry.messages if self._covers(post, each)]

    def _end_by_post(self, post: Post, meets: list[Inquiry]) -> None:
        """End these open inquiries, or part from them what the post covers."""
        leaving = []
        for inquiry in meets:
            covered = self._covered(post, inquiry)
            rest = [each for each in inquiry.messages if each not in covered]
            if inquiry.first in covered:
                self._add_end(post, inquiry)
                leaving.append((inquiry, rest))
            else:
                inquiry.messages = rest
                self._answered_by(post, covered)
        for inquiry, rest in leaving:
            self._leave(inquiry, rest)

    def _store_with_ended(self, post: Post, ended: list[Inquiry]) -> None:
        item = post.item
        may_be_its = [
            each
            for each in ended
            if self._covers(post, each.first) and each.standing()[0].at > item.moment
        ]
        if len(may_be_its) == 1:
            self._add_end(post, may_be_its[0])
            return
        beside = [each for each in ended if self._covered(post, each)]
        if beside:
            newest = max(beside, key=lambda each: each.began)
            if self._covers(post, newest.first) and newest.standing()[0].at <= item.moment:
                self._add_end(post, newest)
            else:
                post.met.append(newest)

    def _add_end(self, post: Post, inquiry: Inquiry) -> None:
        if inquiry not in post.met:
            post.met.append(inquiry)
        covers = {each.id for each in self._covered(post, inquiry)}
        for end in inquiry.ends:
            if end.by == post.item.id:
                end.covers = covers
                return
        inquiry.ends.append(End("own_post", post.item.id, post.item.moment, covers))

    # What leaves

    def _leave(self, inquiry: Inquiry, messages: list[Message]) -> None:
        """These messages leave the ended inquiry together, but for those that own posts answer."""
        rest = []
        messages = [each for each in messages if each.id not in self.withdrawn]
        inquiry.messages = [each for each in inquiry.messages if each not in messages]
        for message in sorted(messages, key=by_receipt):
            taker = self._taker(message)
            if taker:
                self._to_taker(message, taker)
            else:
                rest.append(message)
        if not rest:
            return
        newest = self._newest_open(inquiry.lane)
        if newest and newest.began < by_receipt(rest[0]):
            newest.messages.extend(rest)
        else:
            self._new(rest)

    # Small things

    def _is_echo(self, item: OwnPost) -> bool:
        return any(
            one(each.step, item) and each.inquiry.thread.id == item.thread
            for each in self.replies.values()
        )

    def _lane(self, message: Message) -> Lane:
        public = self.threads[message.thread].audience == "public"
        return message.thread, message.person if public else None

    def _in_thread(self, thread: str) -> list[Inquiry]:
        return [each for each in self.inquiries if each.thread.id == thread]

    def _newest_open(self, lane: Lane) -> Inquiry | None:
        found = [each for each in self.inquiries if each.lane == lane and each.open]
        return max(found, key=lambda each: each.began, default=None)

    def _new(self, messages: list[Message]) -> Inquiry:
        thread = self.threads[messages[0].thread]
        inquiry = Inquiry(thread, self._lane(messages[0]), list(messages))
        self.inquiries.append(inquiry)
        return inquiry

    def _by_moment(self) -> list[Post]:
        return sorted(self.posts.values(), key=lambda each: (each.item.moment, each.item.id))


def one(step: Reply, item: OwnPost) -> bool:
    """Whether the post is the echo of this reply."""
    if step.external_id is not None:
        return step.external_id == item.id
    same = step.text.split() == item.text.split()
    return same and abs(step.moment - item.moment) <= ONE_WITHIN
