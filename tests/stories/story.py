"""Random stories, and the orders in which reality may tell each of them.

`generate(seed)` writes one; `orders(story, rng, count)` answers it in several orders of arrival.
The values of a story and of its outcome are those of `events`, and may be imported from here.

A story is written with the oracle at hand, so that people do what they can do at that moment (a
reply needs an inquiry), and now and then what they are refused. In another order of arrival some
acts are no longer possible: the oracle names them in `Outcome.left_out`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.stories.events import (
    Act,
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
    Message,
    Order,
    Outcome,
    OwnPost,
    Reclassify,
    Reopen,
    Reply,
    Step,
    Story,
    Thread,
    Withdraw,
    deliver,
    items_of,
    messages_of,
)
from tests.stories.invariants import without_repeats
from tests.stories.writer import LONGEST, SECOND, Writer

__all__ = [
    "Act",
    "Again",
    "BusDown",
    "BusUp",
    "ClockOutcome",
    "Close",
    "Complete",
    "Delivery",
    "Dismiss",
    "EndOutcome",
    "InquiryOutcome",
    "LeftOut",
    "Message",
    "Order",
    "Outcome",
    "OwnPost",
    "Reclassify",
    "Reopen",
    "Reply",
    "Step",
    "Story",
    "Thread",
    "Withdraw",
    "deliver",
    "generate",
    "generate_order_free",
    "generate_withdrawn",
    "items_of",
    "messages_of",
    "order_free",
    "orders",
    "without_repeats",
]


def generate(seed: int) -> Story:
    """The story of this seed: 3 to 25 steps in 1 to 3 threads, always the same."""
    rng = random.Random(seed)
    writer = Writer(rng)
    wanted = rng.randint(3, LONGEST - 6)
    while writer.length < wanted:
        writer.write_one()
    return Story(seed, writer.threads, writer.finish())


def generate_order_free(seed: int) -> Story:
    """A story whose end the rules promise to be the same in every order: see `order_free`."""
    rng = random.Random(seed)
    writer = Writer(rng, calm=True)
    wanted = rng.randint(3, LONGEST - 6)
    while writer.length < wanted:
        writer.write_calmly()
    return Story(seed, writer.threads, writer.finish())


def generate_withdrawn(seed: int) -> Story:
    """The story of this seed, in which customers take some of their messages back, also before
    these come.
    """
    story, rng = generate(seed), random.Random(f"withdrawn {seed}")
    steps = list(story.steps)
    messages = list(messages_of(steps).values())
    for number in range(rng.randint(1, 4) if messages else 0):
        message = rng.choice(messages)
        place = rng.randint(1, len(steps))
        at = steps[place - 1].at + rng.choice((0.1, 0.2)) * SECOND
        steps.insert(place, Withdraw(f"w{number}", message.id, message.thread, at))
    return Story(seed, story.threads, tuple(sorted(steps, key=lambda each: each.at)))


def orders(story: Story, rng: random.Random, count: int) -> list[Order]:
    """The story as it was written, and in up to `count - 1` other orders, each once.

    Deliveries change places, and some lists are turned round. Each takes the receipt of its new
    place; none arrives before it was sent. Acts keep their moments, and come after what they name.
    """
    found = [story.steps]
    for _ in range(4 * count):
        if len(found) >= count:
            break
        order = _shuffled(story.steps, rng)
        if order not in found:
            found.append(order)
    return found[:count]


def order_free(story: Story) -> bool:
    """Whether the rules promise the same partition, states and answers in any order of arrival.

    That is so when nobody acts here, the platform names all moments, and in each thread there is at
    most one own post, an answer, and only one person, or the post names its parent.
    """
    items = items_of(story.steps)
    deliveries_only = all(isinstance(each, Delivery | Again) for each in story.steps)
    if not deliveries_only or any(each.sent_at is None for each in items):
        return False
    for thread in story.threads:
        here = [each for each in items if each.thread == thread.id]
        posts = [each for each in here if isinstance(each, OwnPost)]
        people = {each.person for each in here if isinstance(each, Message)}
        alone = len(people) <= 1
        apart = thread.audience == "public" and all(each.parent for each in posts)
        if posts and (len(posts) > 1 or thread.own_posts != "answer" or not (alone or apart)):
            return False
        if len(people) > 1 and thread.audience == "private":
            return False
    return True


def _shuffled(steps: Order, rng: random.Random) -> Order:
    order = list(steps)
    places = [place for place, step in enumerate(order) if isinstance(step, Delivery)]
    for place in places:
        turned = _moved(order, {place: _turned(order[place])}) if rng.random() < 0.3 else None
        order = turned or order
    for _ in range(rng.randint(1, 8)):
        one, other = rng.choice(places), rng.choice(places)
        order = _moved(order, {one: order[other], other: order[one]}) or order
    return tuple(order)


def _turned(step: Step) -> Step:
    if not isinstance(step, Delivery):
        return step
    return deliver(step.id, step.at, step.items[::-1])


def _moved(order: Sequence[Step], changes: dict[int, Step]) -> list[Step] | None:
    """The order with deliveries put in these places, or None if that can not happen."""
    moved = list(order)
    for place, step in changes.items():
        if isinstance(step, Delivery):
            moved[place] = deliver(step.id, order[place].at, step.items)
    return moved if _possible(moved) else None


def _possible(order: Sequence[Step]) -> bool:
    told: set[str] = set()
    for step in order:
        if isinstance(step, Delivery):
            if any(each.sent_at and each.sent_at > each.received_at for each in step.items):
                return False
            told.update(each.id for each in step.items)
        elif not isinstance(step, Withdraw) and not _named_by(step) <= told:
            return False
        told.add(step.id)
    return True


def _named_by(step: Step) -> set[str | None]:
    """The ids of what must have come before this step."""
    fields = ("of", "inquiry_of", "read_until")
    return {getattr(step, each, None) for each in fields} - {None}
