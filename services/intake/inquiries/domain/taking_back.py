"""Taking back an end: a ToDo is reopened, or a person says what a reply or a post counts as.

It is as if the end had never been: what else has answered the person since decides then, and what
no end covers leaves. A message that is not the inquiry's first stays with it, also where a post
had answered just that one: a person looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.intake.inquiries.domain.covering import add_answers, answer, end, meets, shed
from services.intake.inquiries.domain.ends import End, EndKind
from services.intake.inquiries.domain.thread import Asked, Inquiry, Post, PostKind, Thread


def reopen(thread: Thread, inquiry: Inquiry, at: datetime) -> None:
    """Take back what a desk or a person decided until then; other ends stand."""
    thread.reopen(inquiry, at)
    _without_it(thread, [inquiry])


def classify_post(
    thread: Thread,
    inquiry: Inquiry,
    post: Post,
    kind: PostKind,
    *,
    revision: int,
    by: str,
    key_name: str | None = None,
) -> bool:
    """A person says what the post counts as for this inquiry; it covers what it could have covered.

    What a person said of it for another inquiry stands. False, with nothing changed, when that is
    no message of the inquiry. `revision` is the next.
    """
    if kind is not PostKind.NONE:
        if thread.public and not post.named:
            post.contact_id = inquiry.contact_id
        if not meets(post, inquiry):
            return False
    stays = post.by_hand and _counts_elsewhere(thread, post, inquiry)
    # What it was no more, before messages leave: none of them may be placed by it.
    if not (stays and kind is PostKind.NONE):
        post.kind = kind
    post.attached = post.by_hand = True
    losing = [inquiry] if stays else list(thread.inquiries.values())
    _withdraw(thread, losing, post.id, revision=revision, by=by, key_name=key_name)
    if kind is PostKind.HOLDING:
        thread.add(inquiry, post.end(EndKind.HOLDING, revision + 1))
    elif kind is PostKind.NONE and inquiry.end_named(post.id) is None:
        # It ended nothing, but the desk was told of it: now it hears that it counts as nothing.
        never = post.end(EndKind.ANSWER)
        thread.take_back(inquiry, never, revision=revision, by=by, key_name=key_name)
    elif kind is PostKind.ANSWER:
        given = post.end(EndKind.ANSWER, revision + 1)
        if inquiry.awaits_answer:
            answer(thread, inquiry, post, given)
        elif post.covers(inquiry.first):
            thread.add(inquiry, given)
    return True


def classify_reply(
    thread: Thread,
    inquiry: Inquiry,
    reply: End,
    kind: EndKind | None,
    *,
    revision: int,
    by: str,
    key_name: str | None = None,
) -> None:
    """A person says what a recorded reply counts as; None: as nothing. `revision` is the next."""
    losing = list(thread.inquiries.values())
    _withdraw(thread, losing, reply.id, revision=revision, by=by, key_name=key_name)
    if kind is not None:
        again = replace(reply, kind=kind, taken_back=False, revision=revision + 1)
        end(thread, inquiry, again)


def _counts_elsewhere(thread: Thread, post: Post, inquiry: Inquiry) -> bool:
    others = (each for each in thread.inquiries.values() if each.id != inquiry.id)
    found = (each.end_named(post.id) for each in others)
    return any(end is not None and not end.taken_back for end in found)


def _withdraw(
    thread: Thread,
    losing: Sequence[Inquiry],
    end_id: UUID,
    *,
    revision: int,
    by: str,
    key_name: str | None,
) -> None:
    lost = []
    for inquiry in losing:
        found = inquiry.end_named(end_id)
        if found is not None and not found.taken_back:
            thread.take_back(inquiry, found, revision=revision, by=by, key_name=key_name)
            lost.append(inquiry)
    _without_it(thread, lost)


def _without_it(thread: Thread, lost: Sequence[Inquiry]) -> None:
    """As if the end that these inquiries lost had never been."""
    there = sorted((each for each in lost if each.messages), key=lambda each: each.begun)
    for inquiry in there:
        add_answers(thread, inquiry)
    for inquiry in there:
        shed(thread, inquiry)
    for inquiry in there:
        if inquiry.awaits_answer:
            _ask(thread, inquiry)


def _ask(thread: Thread, inquiry: Inquiry) -> None:
    """Of what nobody has classified a person has to say what it counts as."""
    for post in thread.posts:
        if post.kind is PostKind.ASK and not post.waits and meets(post, inquiry):
            thread.effects.append(Asked(inquiry, post))
