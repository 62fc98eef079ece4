"""Which end covers which message, and where a message belongs then.

- An end given to an inquiry (a reply, a close, a ToDo's end) covers its first message, and the
  others up to the last one that its author could have seen.
- A post on the platform covers by the platform's own times; it comes with no inquiry named, often
  late, and sometimes before its question.
- What an end does not cover leaves the inquiry and has one of its own. An inquiry that has ended
  stays one: an end that is heard later parts it no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.intake.inquiries.domain.ends import End, EndKind, verdict
from services.intake.inquiries.domain.thread import (
    Asked,
    Inquiry,
    Message,
    Post,
    PostKind,
    Restated,
    Shown,
    Thread,
)

SIDE_BY_SIDE = timedelta(seconds=10)
"""Two instances may commit messages of one person in another order than they received them."""


def place(thread: Thread, message: Message, *, inquiry_id: UUID | None = None) -> Inquiry:
    """Where a message that has just come belongs; `inquiry_id` is for an inquiry that it opens.

    A post that covers it was heard before it: the question then opens its inquiry and is answered
    by the earliest such post at once, or joins what that post has answered.
    """
    inquiry = _with_its_answer(thread, message, inquiry_id=inquiry_id)
    if inquiry is not None:
        return inquiry
    # What is open and younger, as after a time in quarantine, has a clock that began too late.
    latest = message.received_at + SIDE_BY_SIDE
    inquiry = thread.newest_open(message.contact_id, begun_until=latest)
    if inquiry is None:
        inquiry = thread.open(message, inquiry_id=inquiry_id)
    else:
        thread.join(inquiry, message)
    for post in thread.posts:
        if not post.attached and not post.waits and post.covers(message):
            take_up(thread, inquiry, post)
    return inquiry


def add_post(thread: Thread, post: Post) -> None:
    """A post of ours on the platform: it ends what it covers, holds it, or a person is asked."""
    thread.posts.append(post)
    if post.waits:
        return
    met = sorted(
        (each for each in thread.inquiries.values() if meets(post, each)),
        key=lambda each: each.begun,
    )
    waiting = [each for each in met if each.awaits_answer]
    ended = [each for each in met if not each.awaits_answer and each.merged_into is None]
    if not post.named and len(waiting) > 1:
        post.kind = PostKind.ASK
    _take_up_all(thread, waiting, post)
    if post.kind is PostKind.ANSWER and post.named:
        also = [each for each in ended if ends_also(post, each)]
        for inquiry in also:
            _attach(thread, inquiry, post)
            thread.add(inquiry, post.end(EndKind.ANSWER))
        if ended and not waiting and not also:
            _show_at_newest(thread, post, ended)
    elif not waiting and ended:
        _hear_late(thread, post, ended)


def _take_up_all(thread: Thread, waiting: Sequence[Inquiry], post: Post) -> None:
    """All are ended before messages leave: none goes where the next step would end it."""
    ended = []
    for inquiry in waiting:
        if post.kind is PostKind.ANSWER and post.covers(inquiry.first):
            _attach(thread, inquiry, post)
            thread.add(inquiry, post.end(EndKind.ANSWER))
            ended.append(inquiry)
        else:
            take_up(thread, inquiry, post)
    for inquiry in ended:
        shed(thread, inquiry)


def end(thread: Thread, inquiry: Inquiry, given: End) -> None:
    """An end given to this inquiry; it ends no other. What it does not cover leaves."""
    was_open = inquiry.awaits_answer
    thread.add(inquiry, given)
    if was_open:
        shed(thread, inquiry)


def later_than(inquiry: Inquiry, read_until: Message) -> list[Message]:
    """The messages of the inquiry that came after that one, by receipt."""
    return [each for each in inquiry.messages if each.place > read_until.place]


def could_be_answered_by(inquiry: Inquiry, post: Post) -> bool:
    """Whether a person may record this post as a reply to the inquiry: it is no older."""
    seen = replace(post, waits=False)
    return bool(inquiry.messages) and seen.covers(inquiry.first)


def _has(inquiry: Inquiry, external_id: str) -> bool:
    return any(message.external_id == external_id for message in inquiry.messages)


def _decided_by(post: Post, inquiry: Inquiry) -> bool:
    deciding = inquiry.verdict.deciding
    return deciding is not None and deciding.id == post.id


def meets(post: Post, inquiry: Inquiry) -> bool:
    return any(post.covers(message) for message in inquiry.messages)


def ends_also(post: Post, inquiry: Inquiry) -> bool:
    """Whether the post is an end of an inquiry that others have ended.

    Where it would decide nothing, it is one only of what holds its parent: each answer of a long
    conversation covers all that the person wrote before. When an end is taken back, the others are
    added.
    """
    if not post.covers(inquiry.first):
        return False
    held = post.parent is not None and _has(inquiry, post.parent)
    return held or _would_decide(inquiry, post)


def take_up(thread: Thread, inquiry: Inquiry, post: Post) -> None:
    match post.kind:
        case PostKind.ANSWER:
            answer(thread, inquiry, post, post.end(EndKind.ANSWER))
        case PostKind.HOLDING:
            _attach(thread, inquiry, post)
            thread.add(inquiry, post.end(EndKind.HOLDING))
        case PostKind.ASK:
            post.attached = True
            thread.effects.append(Asked(inquiry, post))
        case PostKind.NONE:
            pass


def answer(thread: Thread, inquiry: Inquiry, post: Post, given: End) -> None:
    _attach(thread, inquiry, post)
    if post.covers(inquiry.first):
        end(thread, inquiry, given)
        return
    # The first message is younger than the post: it keeps its inquiry, the others were answered.
    covered = [each for each in inquiry.messages if post.covers(each)]
    inquiry.messages = [each for each in inquiry.messages if not post.covers(each)]
    opened = open_for(thread, inquiry, covered)
    thread.add(opened, given)
    add_answers(thread, opened)


def add_answers(thread: Thread, inquiry: Inquiry) -> None:
    """What else has answered this person may decide now, or cover what nothing else does.

    The earliest first; more than that is not kept, see `ends_also`.
    """
    uncovered = _uncovered(thread, inquiry)
    for post in sorted(thread.posts, key=lambda each: (each.moment, each.id)):
        if post.by_hand or not (post.named and _answers(post, inquiry.first)):
            continue
        helps = any(post.covers(message) for message in uncovered)
        if inquiry.end_named(post.id) is None and (helps or _would_decide(inquiry, post)):
            _attach(thread, inquiry, post)
            thread.add(inquiry, post.end(EndKind.ANSWER))
            uncovered = [each for each in uncovered if not post.covers(each)]


def _uncovered(thread: Thread, inquiry: Inquiry) -> list[Message]:
    """What was withdrawn needs no answer."""
    covers = thread.covering(inquiry, inquiry.standing)
    left = (each for each in inquiry.messages if each.withdrawn_at is None)
    return [each for each in left if not covers(each)]


def _answers(post: Post, message: Message) -> bool:
    return post.kind is PostKind.ANSWER and not post.waits and post.covers(message)


def _attach(thread: Thread, inquiry: Inquiry, post: Post) -> None:
    post.attached = True
    if thread.public and post.contact_id is None:
        post.contact_id = inquiry.contact_id


def _hear_late(thread: Thread, post: Post, ended: Sequence[Inquiry]) -> None:
    """All that it covers has ended: it may have been the earlier end, or it is one more."""
    covered = [each for each in ended if post.covers(each.first)]
    match post.kind:
        case PostKind.HOLDING:
            held = [each for each in covered if _ended_after(each, post)]
            if post.parent is not None:
                held = [each for each in held if _has(each, post.parent)]
            if len(held) == 1:
                # Not attached: a question that comes late may be what it holds.
                thread.add(held[0], post.end(EndKind.HOLDING))
        case PostKind.ANSWER:
            earlier = [each for each in covered if _would_decide(each, post)]
            if len(earlier) == 1:
                _attach(thread, earlier[0], post)
                thread.add(earlier[0], post.end(EndKind.ANSWER))
            else:
                _show_at_newest(thread, post, ended)
        case PostKind.ASK:
            # Nobody has to say until an end is taken back.
            post.attached = True
            thread.effects.append(Shown(max(ended, key=lambda each: each.begun), post))
        case PostKind.NONE:
            pass


def _show_at_newest(thread: Thread, post: Post, ended: Sequence[Inquiry]) -> None:
    """It answers what has been answered: one more end of the newest, where it covers that."""
    newest = max(ended, key=lambda each: each.begun)
    _attach(thread, newest, post)
    if post.covers(newest.first) and not _would_decide(newest, post):
        thread.add(newest, post.end(EndKind.ANSWER))
    else:
        thread.effects.append(Shown(newest, post))


def _would_decide(inquiry: Inquiry, post: Post) -> bool:
    given = post.end(EndKind.ANSWER)
    deciding = verdict([*inquiry.ends, given], reopened_at=inquiry.reopened_at).deciding
    return deciding is not None and deciding.id == given.id


def _ended_after(inquiry: Inquiry, post: Post) -> bool:
    ended_at = inquiry.verdict.ended_at
    return ended_at is not None and ended_at > post.moment


def _with_its_answer(
    thread: Thread,
    message: Message,
    *,
    inquiry_id: UUID | None = None,
    moved_from: UUID | None = None,
) -> Inquiry | None:
    """With the earliest post that covers the message, where there is one."""
    answers = [each for each in thread.posts if _answers(each, message)]
    post = min(answers, key=lambda each: (each.moment, each.id), default=None)
    if post is None:
        return None
    answered = [
        each
        for each in thread.of(message.contact_id)
        if _decided_by(post, each) and each.first.place <= message.place
    ]
    if answered:
        newest = max(answered, key=lambda each: each.begun)
        thread.join(newest, message, moved_from=moved_from)
        return newest
    inquiry = thread.open(message, inquiry_id=inquiry_id, moved_from=moved_from)
    _attach(thread, inquiry, post)
    thread.add(inquiry, post.end(EndKind.ANSWER))
    return inquiry


def shed(thread: Thread, inquiry: Inquiry) -> None:
    """Of what has ended the messages leave that none of its ends covers.

    Each goes to the answer that covers it. The others stay together: with the inquiry that awaited
    an answer before they came, else with one of their own.
    """
    if inquiry.awaits_answer or not inquiry.messages:
        return
    leaving = _uncovered(thread, inquiry)
    left = {each.id for each in leaving}
    inquiry.messages = [each for each in inquiry.messages if each.id not in left]
    rest = [
        each for each in leaving if _with_its_answer(thread, each, moved_from=inquiry.id) is None
    ]
    if rest:
        _leave_together(thread, inquiry, rest)
    part_restated(thread, inquiry)


def _leave_together(thread: Thread, inquiry: Inquiry, rest: Sequence[Message]) -> None:
    other = thread.newest_open(rest[0].contact_id)
    if other is None or other.first.place > rest[0].place:
        open_for(thread, inquiry, rest)
        return
    for message in rest:
        thread.join(other, message, moved_from=inquiry.id)


def part_restated(thread: Thread, inquiry: Inquiry) -> None:
    """What was edited after each end of an inquiry that has ended has its words for a message of
    their own, which finds its place like any other.
    """
    ends = [each.saw_until for each in inquiry.standing]
    for message in tuple(inquiry.messages):
        at = message.restated_at
        if at is None or message.withdrawn_at is not None or not ends or max(ends) >= at:
            continue
        message.restated_at = None
        name = thread.new_id()
        later = Message(name, message.contact_id, f"edit:{name}", at, at)
        thread.effects.append(Restated(message, later))
        place(thread, later)


def open_for(thread: Thread, left: Inquiry, messages: Sequence[Message]) -> Inquiry:
    opened = thread.open(messages[0], moved_from=left.id)
    for message in messages[1:]:
        thread.join(opened, message, moved_from=left.id)
    return opened
