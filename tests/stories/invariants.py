"""What holds for any outcome, whoever says it. Each check answers what is wrong, in sentences.

They need no oracle: an implementation's outcome can be judged alone, and two of its services, or
two tellings of one story, against each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tests.stories.events import (
    Act,
    Again,
    Delivery,
    EndOutcome,
    InquiryOutcome,
    Message,
    Outcome,
    OwnPost,
    Reply,
    Step,
    Thread,
    Withdraw,
    items_of,
    messages_of,
    never_arrived,
)
from tests.stories.ledger import by_receipt, earlier


def violations(outcome: Outcome, threads: Iterable[Thread], order: Iterable[Step]) -> list[str]:
    """Everything that is wrong with the outcome of these steps, told in this order."""
    steps = list(order)
    gone = never_arrived(steps)
    messages = {name: each for name, each in messages_of(steps).items() if name not in gone}
    return [
        *covered_once(outcome, messages),
        *ended_by_who_saw_it(outcome, steps),
        *one_clock(outcome, threads, messages),
    ]


def covered_once(outcome: Outcome, messages: Mapping[str, Message]) -> list[str]:
    """Every customer message is in exactly one inquiry, and nothing else is in any."""
    found = Counter(each for inquiry in outcome.inquiries for each in inquiry.messages)
    wrong = [f"{each} is in {found[each]} inquiries" for each in messages if found[each] != 1]
    wrong += [f"{each} is no customer's message" for each in found if each not in messages]
    wrong += ["an inquiry without a message" for each in outcome.inquiries if not each.messages]
    return wrong


def ended_by_who_saw_it(outcome: Outcome, order: Iterable[Step]) -> list[str]:
    """What is ended has an end for each of its messages, and its first is seen by the earliest.

    An end must have been able to see what it covers. What is not ended has no end.
    """
    steps = list(order)
    messages = messages_of(steps)
    withdrawn = {each.of for each in steps if isinstance(each, Withdraw)}
    wrong = []
    for inquiry in outcome.inquiries:
        known = sorted(
            (messages[each] for each in inquiry.messages & set(messages)), key=by_receipt
        )
        if not known:
            continue
        name = f"the inquiry of {known[0].id}"
        seen = {each for end in inquiry.ends for each in end.covers}
        if inquiry.state in ("open", "held"):
            wrong += [f"{name} is {inquiry.state} with an end"] if inquiry.ends else []
            continue
        wrong += [
            f"{name}: no end covers {each.id}"
            for each in known
            if each.id not in seen and each.id not in withdrawn
        ]
        wrong += _of_the_first(name, inquiry, known[0])
        wrong += [
            f"{name}: {end.kind} {end.by} could not see {each.id}"
            for end in inquiry.ends
            for each in known
            if each.id in end.covers and not could_see(end, each, known[0], steps)
        ]
    return wrong


def _of_the_first(name: str, inquiry: InquiryOutcome, first: Message) -> list[str]:
    blind = [end.by for end in inquiry.ends if first.id not in end.covers]
    wrong = [f"{name}: {each} does not cover its first message" for each in blind]
    answers = [end.at for end in inquiry.ends if end.kind in ("reply", "own_post", "complete")]
    if inquiry.state == "answered" and inquiry.answered_at != min(answers, default=None):
        wrong.append(f"{name} is answered at {inquiry.answered_at}, its answers are of {answers}")
    return wrong


def could_see(end: EndOutcome, message: Message, first: Message, order: Iterable[Step]) -> bool:
    """Whether the author of the end could have seen the message.

    An act that is given to an inquiry has always seen the first message of that.
    """
    steps = list(order)
    if any(isinstance(each, Withdraw) and each.of == end.by for each in steps):
        return True
    post = next((each for each in items_of(steps) if each.id == end.by), None)
    if isinstance(post, OwnPost):
        return message.id == post.parent or earlier(message, post)
    act = next((each for each in steps if each.id == end.by), None)
    if act is None or not isinstance(act, Act) or message.id == first.id:
        return act is not None
    if isinstance(act, Reply) and act.sent_at and not act.read_until:
        return message.received_at <= act.sent_at
    return message.received_at <= act.at


def one_clock(
    outcome: Outcome, threads: Iterable[Thread], messages: Mapping[str, Message]
) -> list[str]:
    """On a promised channel each inquiry has a clock from its earliest message, else none."""
    promised = {each.id: each.promised for each in threads}
    wrong = []
    for inquiry in outcome.inquiries:
        known = [messages[each] for each in inquiry.messages if each in messages]
        if not known:
            continue
        first = min(known, key=by_receipt)
        name = f"the inquiry of {first.id}"
        if len({each.thread for each in known}) > 1:
            wrong.append(f"{name} is of several threads")
        if inquiry.received_at != first.received_at:
            wrong.append(f"{name}: received {inquiry.received_at}, not {first.received_at}")
        if not promised[first.thread]:
            wrong += [f"{name} has a clock without a promise"] if inquiry.clock else []
        elif inquiry.clock is None:
            wrong.append(f"{name} has no clock")
        else:
            wrong += _of_the_clock(name, inquiry, first)
    return wrong


def _of_the_clock(name: str, inquiry: InquiryOutcome, first: Message) -> list[str]:
    clock, ended = inquiry.clock, inquiry.state not in ("open", "held")
    if clock is None:
        return []
    wrong = []
    if clock.started_at != first.received_at:
        wrong.append(f"{name}: its clock starts at {clock.started_at}, not {first.received_at}")
    if ended != (clock.ended_at is not None):
        wrong.append(f"{name} is {inquiry.state}, and its clock ended at {clock.ended_at}")
    expected = {"answered": "met", "closed": "cancelled", "no_answer": "cancelled"}
    if clock.how != expected.get(inquiry.state, "running"):
        wrong.append(f"{name} is {inquiry.state}, its clock {clock.how}")
    met_at = max(inquiry.answered_at, first.received_at) if inquiry.answered_at else None
    if clock.how == "met" and clock.ended_at != met_at:
        wrong.append(f"{name}: its clock is met at {clock.ended_at}, not {met_at}")
    return wrong


def differences(one: Outcome, other: Outcome, *, receipts: bool = True) -> list[str]:
    """Where two outcomes differ in what the rules fix; ends that do not decide are not compared.

    Without `receipts`, for two orders of arrival, only in the partition, the states and answers.
    """
    left = {each.messages: each for each in one.inquiries}
    right = {each.messages: each for each in other.inquiries}
    wrong = [f"only the first has {sorted(each)}" for each in left.keys() - right.keys()]
    wrong += [f"only the other has {sorted(each)}" for each in right.keys() - left.keys()]
    names = ["state", "answered_at", *(("received_at", "clock") if receipts else ())]
    for messages in left.keys() & right.keys():
        for name in names:
            mine, theirs = (getattr(side[messages], name) for side in (left, right))
            if mine != theirs:
                wrong.append(f"{sorted(messages)}: {name} is {mine}, of the other {theirs}")
    return sorted(wrong)


def without_repeats(order: Iterable[Step]) -> tuple[Step, ...]:
    """The same order told once. Its outcome has no differences to the one with the repeats."""
    seen: set[str] = set()
    steps: list[Step] = []
    for step in order:
        if isinstance(step, Delivery):
            fresh = tuple(each for each in step.items if each.id not in seen)
            seen |= {each.id for each in fresh}
            if fresh:
                steps.append(Delivery(step.id, step.at, fresh))
        elif not isinstance(step, Again):
            steps.append(step)
    return tuple(steps)
