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
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.ends import End, EndKind
from services.intake.domain.thread import (
    Asked,
    Inquiry,
    Message,
    Post,
    PostKind,
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


def hear(thread: Thread, post: Post) -> None:
    """A post of ours on the platform: it ends what it covers, holds it, or a person is asked."""
    thread.posts.append(post)
    if post.waits:
        return
    met = [each for each in thread.inquiries.values() if meets(post, each)]
    waiting = [each for each in met if each.awaits_answer]
    ended = [each for each in met if not each.awaits_answer and each.merged_into is None]
    if not post.named and len(waiting) > 1:
        post.kind = PostKind.ASK
    for inquiry in waiting:
        take_up(thread, inquiry, post)
    if post.kind is PostKind.ANSWER and post.named:
        also = [each for each in ended if ends_also(post, each)]
        for inquiry in also:
            _attach(thread, inquiry, post)
            thread.add(inquiry, post.end(EndKind.ANSWER))
        if ended and not waiting and not also:
            _show_at_newest(thread, post, ended)
    elif not waiting and ended:
        _hear_late(thread, post, ended)


def end(thread: Thread, inquiry: Inquiry, given: End) -> None:
    """An end given to this inquiry; it ends no other. What it does not cover leaves."""
    was_open = inquiry.awaits_answer
    thread.add(inquiry, given)
    if was_open:
        _shed(thread, inquiry)


def reopen(thread: Thread, inquiry: Inquiry, at: datetime) -> None:
    """Take back what a desk or a person decided until then; other ends stand."""
    thread.reopen(inquiry, at)
    _add_answers(thread, inquiry)
    _shed(thread, inquiry)


def later_than(inquiry: Inquiry, read_until: Message) -> list[Message]:
    """The messages of the inquiry that came after that one, by receipt."""
    return [each for each in inquiry.messages if each.place > read_until.place]


def classify_post(
    thread: Thread, inquiry: Inquiry, post: Post, kind: PostKind, *, revision: int, by: str
) -> bool:
    """A person says what the post counts as for this inquiry; it covers what it could have covered.

    False, with nothing changed, when that is no message of the inquiry. `revision` is the next.
    """
    if thread.public and not post.named:
        post.contact_id = inquiry.contact_id
    if kind is not PostKind.NONE and not meets(post, inquiry):
        return False
    # What it was no more, before messages leave: none of them may be placed by it.
    post.kind, post.attached = kind, True
    _withdraw(thread, post.id, revision=revision, by=by)
    if kind is PostKind.HOLDING:
        thread.add(inquiry, post.end(EndKind.HOLDING, revision + 1))
    elif kind is PostKind.NONE and inquiry.end_named(post.id) is None:
        # It ended nothing, but the desk was told of it: now it hears that it counts as nothing.
        thread.take_back(inquiry, post.end(EndKind.ANSWER), revision=revision, by=by)
    elif kind is PostKind.ANSWER:
        given = post.end(EndKind.ANSWER, revision + 1)
        if inquiry.awaits_answer:
            _answer(thread, inquiry, post, given)
        elif post.covers(inquiry.first):
            thread.add(inquiry, given)
    return True


def classify_reply(
    thread: Thread, inquiry: Inquiry, reply: End, kind: EndKind | None, *, revision: int, by: str
) -> None:
    """A person says what a recorded reply counts as; None: as nothing. `revision` is the next."""
    _withdraw(thread, reply.id, revision=revision, by=by)
    if kind is not None:
        again = replace(reply, kind=kind, taken_back=False, revision=revision + 1)
        end(thread, inquiry, again)


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
    return _ended_after(inquiry, post) or (post.parent is not None and _has(inquiry, post.parent))


def take_up(thread: Thread, inquiry: Inquiry, post: Post) -> None:
    match post.kind:
        case PostKind.ANSWER:
            _answer(thread, inquiry, post, post.end(EndKind.ANSWER))
        case PostKind.HOLDING:
            _attach(thread, inquiry, post)
            thread.add(inquiry, post.end(EndKind.HOLDING))
        case PostKind.ASK:
            post.attached = True
            thread.effects.append(Asked(inquiry, post))
        case PostKind.NONE:
            pass


def _answer(thread: Thread, inquiry: Inquiry, post: Post, given: End) -> None:
    _attach(thread, inquiry, post)
    if post.covers(inquiry.first):
        end(thread, inquiry, given)
        return
    # The first message is younger than the post: it keeps its inquiry, the others were answered.
    covered = [each for each in inquiry.messages if post.covers(each)]
    inquiry.messages = [each for each in inquiry.messages if not post.covers(each)]
    thread.add(open_for(thread, inquiry, covered), given)


def _add_answers(thread: Thread, inquiry: Inquiry) -> None:
    """An end was taken back: what else has answered this person since may decide now."""
    if not inquiry.messages:
        return
    first = inquiry.first
    for post in thread.posts:
        if post.named and _answers(post, first) and inquiry.end_named(post.id) is None:
            _attach(thread, inquiry, post)
            thread.add(inquiry, post.end(EndKind.ANSWER))


def _answers(post: Post, message: Message) -> bool:
    return post.kind is PostKind.ANSWER and not post.waits and post.covers(message)


def _attach(thread: Thread, inquiry: Inquiry, post: Post) -> None:
    post.attached = True
    if thread.public and post.contact_id is None:
        post.contact_id = inquiry.contact_id


def _hear_late(thread: Thread, post: Post, ended: Sequence[Inquiry]) -> None:
    """All that it covers has ended: it may have been the earlier end, or it is one more."""
    overlapping = [e for e in ended if post.covers(e.first) and _ended_after(e, post)]
    if post.kind is PostKind.HOLDING and post.parent is not None:
        overlapping = [e for e in overlapping if _has(e, post.parent)]
    if len(overlapping) == 1 and post.kind is PostKind.HOLDING:
        # Not attached: a question that comes late may be what it holds.
        thread.add(overlapping[0], post.end(EndKind.HOLDING))
    elif len(overlapping) == 1 and post.kind is PostKind.ANSWER:
        _attach(thread, overlapping[0], post)
        thread.add(overlapping[0], post.end(EndKind.ANSWER))
    elif post.kind is PostKind.ANSWER:
        _show_at_newest(thread, post, ended)


def _show_at_newest(thread: Thread, post: Post, ended: Sequence[Inquiry]) -> None:
    """It answers what has been answered: one more end of the newest, where it covers that."""
    newest = max(ended, key=lambda each: each.begun)
    _attach(thread, newest, post)
    if post.covers(newest.first) and not _ended_after(newest, post):
        thread.add(newest, post.end(EndKind.ANSWER))
    else:
        thread.effects.append(Shown(newest, post))


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


def _shed(thread: Thread, inquiry: Inquiry) -> None:
    """Of what has ended the messages leave that none of its ends covers.

    Each goes to the answer that covers it. The others stay together: with the inquiry that awaited
    an answer before they came, else with one of their own.
    """
    if inquiry.awaits_answer or not inquiry.messages:
        return
    covers = thread.covering(inquiry, inquiry.standing)
    leaving = [each for each in inquiry.messages if not covers(each)]
    inquiry.messages = [each for each in inquiry.messages if covers(each)]
    rest = [
        each for each in leaving if _with_its_answer(thread, each, moved_from=inquiry.id) is None
    ]
    if not rest:
        return
    other = thread.newest_open(rest[0].contact_id)
    if other is None or other.first.place > rest[0].place:
        open_for(thread, inquiry, rest)
        return
    for message in rest:
        thread.join(other, message, moved_from=inquiry.id)


def open_for(thread: Thread, left: Inquiry, messages: Sequence[Message]) -> Inquiry:
    opened = thread.open(messages[0], moved_from=left.id)
    for message in messages[1:]:
        thread.join(opened, message, moved_from=left.id)
    return opened


def _withdraw(thread: Thread, end_id: UUID, *, revision: int, by: str) -> None:
    for inquiry in tuple(thread.inquiries.values()):
        found = inquiry.end_named(end_id)
        if found is not None and not found.taken_back:
            thread.take_back(inquiry, found, revision=revision, by=by)
            _add_answers(thread, inquiry)
            _shed(thread, inquiry)
