"""Writes the steps of one random story, one after the other."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.stories.events import (
    Again,
    BusDown,
    BusUp,
    Close,
    Complete,
    Delivery,
    Dismiss,
    DismissReason,
    Item,
    Message,
    NewKind,
    Order,
    OwnPost,
    Reclassify,
    Reopen,
    Reply,
    Step,
    Thread,
    deliver,
    items_of,
)
from tests.stories.ledger import Inquiry, by_receipt
from tests.stories.oracle import Oracle

LONGEST = 25
BEGINS = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NATIVE = "written there"
"""How a post begins that is nobody's echo."""


class Writer:
    """Steps happen at even seconds, what the platform names is at odd ones: no moment is two's.

    But for a message that was sent at the very moment of an own post, which happens on purpose.
    """

    def __init__(self, rng: random.Random, *, calm: bool = False) -> None:
        """`calm`: nothing that makes the end depend on the order of arrival, see `order_free`."""
        self.rng = rng
        self.calm = calm
        self.threads = tuple(
            self._thread(f"t{place}") for place in range(rng.choice((1, 1, 1, 2, 3)))
        )
        self.people = {each.id: self._people(each) for each in self.threads}
        self.oracle = Oracle(self.threads)
        self.steps: list[Step] = []
        self.now = BEGINS
        self.down = False
        self._late: list[Item] = []
        self._taken: set[datetime] = set()
        self._count = 0

    @property
    def length(self) -> int:
        """Steps written or owed: what is on its way arrives, and the bus comes back."""
        return len(self.steps) + len({each.thread for each in self._late}) + self.down

    def finish(self) -> Order:
        """Everything that is late arrives, the bus is up: the whole story."""
        for thread in sorted({each.thread for each in self._late}):
            self._deliver([each for each in self._late if each.thread == thread])
        if self.down:
            self._bus()
        return tuple(self.steps)

    def write_one(self) -> None:
        """One more thing happens, or a few that belong together."""
        ways: list[tuple[int, Callable[[], None]]] = [
            (22, self._items),
            (10, self._arrives_late),
            (9, self._reply),
            (2, self._close),
            (5, self._complete),
            (3, self._dismiss),
            (5, self._reopen),
            (5, self._reclassify),
            (3, self._again),
            (3, self._bus),
            (3, self._race),
        ]
        self.rng.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()

    def write_calmly(self) -> None:
        """A delivery of messages and perhaps the thread's only own post, or a repeat."""
        (self._items if self.rng.random() < 0.85 else self._again)()

    # People and moments

    def _thread(self, name: str) -> Thread:
        return Thread(
            name,
            self.rng.choice(("public", "private")),
            "answer" if self.calm else self.rng.choices(("answer", "holding", "ask"), (8, 1, 1))[0],
            self.rng.random() < 0.85,
        )

    def _people(self, thread: Thread) -> list[str]:
        many = self.rng.choice((1, 2, 2, 3)) if thread.audience == "public" else 1
        if thread.audience == "private" and self.rng.random() < 0.15 and not self.calm:
            many = 2
        return [f"{thread.id}-p{place}" for place in range(many)]

    def _id(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count:02}"

    def _tick(self) -> datetime:
        self.now += 2 * SECOND * self.rng.choice((1, 3, 15, 60, 240, 900, 3600))
        return self.now

    def _named(self, latest: datetime, seconds: int) -> datetime:
        """A free odd second, about that long before."""
        moment = latest - SECOND * (1 + 2 * (seconds // 2))
        while moment in self._taken:
            moment -= 2 * SECOND
        self._taken.add(moment)
        return moment

    def _sent_at(self) -> datetime | None:
        """Of what arrives next or later: before the present moment, mostly just before."""
        if self.rng.random() < 0.2 and not self.calm:
            return None
        return self._named(self.now, self.rng.choice((0, 0, 0, 10, 60, 600, 3000, 9000)))

    # Webhooks

    def _items(self) -> None:
        """A delivery of what just happened in one thread."""
        thread = self.rng.choice(self.threads)
        self._tick()
        items: list[Item] = []
        for _ in range(self.rng.choice((1, 1, 1, 1, 2, 3, 4))):
            post = self.rng.random() < 0.35 and self._may_post(thread, items)
            items.append(self._post(thread, items) if post else self._message(thread, items))
        late = [each for each in self._late if each.thread == thread.id]
        if late and self.rng.random() < 0.3:
            items.append(self.rng.choice(late))
        if self.rng.random() < 0.8:
            items.sort(key=lambda each: each.moment, reverse=self.rng.random() < 0.5)
        self._deliver(items)

    def _arrives_late(self) -> None:
        """Something was written and is on its way; or something of that kind arrives."""
        if self._late and self.rng.random() < 0.6:
            self._tick()
            self._deliver([self.rng.choice(self._late)])
            return
        thread = self.rng.choice(self.threads)
        self._late.append(self._message(thread, []))

    def _deliver(self, items: list[Item]) -> None:
        self._late = [each for each in self._late if each not in items]
        self._tell(deliver(self._id("d"), self._tick(), items))

    def _message(self, thread: Thread, beside: list[Item]) -> Message:
        person = self.rng.choice(self.people[thread.id])
        sent_at = self._sent_at()
        posts = [each for each in self._known(thread, beside) if isinstance(each, OwnPost)]
        if posts and sent_at and self.rng.random() < 0.08:
            sent_at = self.rng.choice(posts).sent_at
        parent = self._any([each.id for each in posts], 0.3)
        return Message(self._id("m"), thread.id, person, sent_at, self.now, parent)

    def _post(self, thread: Thread, beside: list[Item]) -> OwnPost:
        """Its parent may be known, on its way, or an own post, but no echo of a reply."""
        known = self._known(thread, beside)
        late = [each for each in self._late if each.thread == thread.id]
        parents: list[Item] = [each for each in known + late if isinstance(each, Message)]
        if self.rng.random() < 0.15 and not self.calm:
            posts = [each for each in known if isinstance(each, OwnPost)]
            parents = [each for each in posts if each.text.startswith(NATIVE)]
        likely = 0.75 if thread.audience == "public" else 0.4
        if self.calm and thread.audience == "public":
            likely = 1
        parent = self._any([each.id for each in parents], likely)
        name = self._id("o")
        return OwnPost(name, thread.id, self._sent_at(), self.now, f"{NATIVE} {name}", parent)

    def _may_post(self, thread: Thread, beside: list[Item]) -> bool:
        known = self._known(thread, beside)
        if not self.calm:
            return True
        parents = [each for each in known if isinstance(each, Message)]
        return len(parents) == len(known) and bool(parents)

    def _known(self, thread: Thread, beside: list[Item]) -> list[Item]:
        told = [each for each in items_of(self.steps) if each.thread == thread.id]
        return [*told, *beside]

    # Acts

    def _reply(self) -> None:
        """A reply, mostly to an open inquiry; its echo may come, or was there first."""
        inquiry = self._some_inquiry(ended=0.25)
        if inquiry is None:
            return
        name, at = self._id("r"), self._tick()
        sent_at = self._named(at, self.rng.choice((0, 20, 300, 4000)))
        holding = self.rng.random() < 0.3
        reply = Reply(
            name,
            self.rng.choice(inquiry.messages).id,
            "holding" if holding else "answer",
            at,
            f"words of {name}",
            sent_at if self.rng.random() < 0.4 else None,
            self._read_until(inquiry.messages),
        )
        self._with_echo(reply, inquiry)

    def _with_echo(self, reply: Reply, inquiry: Inquiry) -> None:
        echoed = self.rng.random()
        if echoed > 0.4:
            self._tell(reply)
            return
        thread = inquiry.thread
        parent = self._any([each.id for each in inquiry.messages], 0.5)
        sent_at = self._named(reply.moment, 2) if self.rng.random() < 0.8 else None
        name = self._id("o")
        post = OwnPost(name, thread.id, sent_at, self.now, f" {reply.text}  ", parent)
        if echoed < 0.25:
            reply = replace(reply, external_id=name)
        if self.rng.random() < 0.4:
            self._tell(deliver(self._id("d"), reply.at - SECOND / 2, [post]))
            self._tell(reply)
            return
        self._tell(reply)
        self._late.append(post)

    def _close(self) -> None:
        inquiry = self._some_inquiry(ended=0)
        if inquiry:
            first = self.rng.choice(inquiry.messages).id
            read_until = self._read_until(inquiry.messages)
            self._tell(Close(self._id("c"), first, self._tick(), read_until))

    def _complete(self) -> None:
        todo = self._some_todo()
        if todo:
            name, at = self._id("k"), self._tick()
            named = self.rng.choice(todo).id
            self._tell(Complete(name, named, at, self._read_until(todo)))

    def _dismiss(self) -> None:
        todo = self._some_todo()
        if todo:
            name, at = self._id("x"), self._tick()
            named, rude = self.rng.choice(todo).id, self.rng.random() < 0.6
            reason: DismissReason = "netiquette" if rude else "no_answer_needed"
            self._tell(Dismiss(name, named, at, reason, self._read_until(todo)))

    def _reopen(self) -> None:
        """Of a ToDo that the desk has ended, as far as the router knows."""
        todos = self.oracle.known_todos()
        ended = [each.messages for each in todos if each.ended_at_desk]
        if ended:
            named = self.rng.choice(self.rng.choice(ended)).id
            self._tell(Reopen(self._id("z"), named, self._tick()))

    def _reclassify(self) -> None:
        oracle = self.oracle
        found = [(name, each.kind, each.inquiry) for name, each in oracle.replies.items()]
        found += [
            (name, post.kind, each) for name, post in oracle.posts.items() for each in post.met
        ]
        if found:
            of, before, inquiry = self.rng.choice(found)
            kinds: tuple[NewKind, ...] = ("answer", "holding", "none")
            kind = self.rng.choice([each for each in kinds if each != before])
            named = self.rng.choice(inquiry.messages).id
            self._tell(Reclassify(self._id("y"), of, named, kind, self._tick()))

    def _read_until(self, messages: list[Message]) -> str | None:
        if self.rng.random() < 0.7:
            return None
        newest = max(messages, key=by_receipt)
        return newest.id if self.rng.random() < 0.8 else self.rng.choice(messages).id

    def _some_inquiry(self, *, ended: float) -> Inquiry | None:
        want_open = self.rng.random() >= ended
        found = [each for each in self.oracle.inquiries if each.open == want_open]
        found += [each for each in found if each.netiquette] * 3  # else hardly ever refused
        return self.rng.choice(found) if found else None

    def _some_todo(self) -> list[Message] | None:
        """The messages of a ToDo that is not done, as the router knows it."""
        todos = self.oracle.known_todos()
        found = [each.messages for each in todos if not each.answered and not each.ended_at_desk]
        return self.rng.choice(found) if found else None

    # Repeats, and the bus

    def _again(self) -> None:
        """An older delivery once more, or the last act, at once."""
        old = [each for each in self.steps if isinstance(each, Delivery)]
        last = self.steps[-1] if self.steps else None
        if last and not isinstance(last, BusDown | BusUp | Again | Delivery):
            self._tell(Again(self._id("a"), last.id, self._tick()))
        elif old:
            self._tell(Again(self._id("a"), self.rng.choice(old).id, self._tick()))

    def _bus(self) -> None:
        name, at = self._id("b"), self._tick()
        self._tell(BusUp(name, at) if self.down else BusDown(name, at))
        self.down = not self.down

    def _race(self) -> None:
        """A message while its ToDo is being completed or dismissed; perhaps it is reopened then."""
        inquiry = self._some_inquiry(ended=0)
        if self.down or inquiry is None:
            return
        self._bus()
        person = self.rng.choice(inquiry.messages).person
        thread, sent_at = inquiry.thread, self._sent_at()
        message = Message(self._id("m"), thread.id, person, sent_at, self.now)
        named, at = inquiry.first.id, self._tick()
        race: list[Step] = [deliver(self._id("d"), at, [message])]
        done: Step = Complete(self._id("k"), named, at)
        if self.rng.random() < 0.3:
            done = Dismiss(self._id("x"), named, at)
        race.append(done)
        self.rng.shuffle(race)
        if self.rng.random() < 0.2:
            race.append(Reopen(self._id("z"), named, at))
        for step in race:
            at = self._tick()
            if isinstance(step, Delivery):
                self._tell(deliver(step.id, at, step.items))
            else:
                self._tell(replace(step, at=at))
        self._bus()

    def _any(self, ids: list[str], likely: float) -> str | None:
        return self.rng.choice(ids) if ids and self.rng.random() < likely else None

    def _tell(self, step: Step) -> None:
        self.oracle.hear(step)
        self.steps.append(step)
