"""Two conversations turn out to be one: whose inquiries are whose, and what answers what."""

from __future__ import annotations

from uuid import UUID

from services.intake.inquiries.domain.covering import ends_also, meets, open_for, take_up
from services.intake.inquiries.domain.ends import EndKind
from services.intake.inquiries.domain.thread import (
    Asked,
    Inquiry,
    Merged,
    Message,
    Post,
    PostKind,
    Thread,
)


def part_by_person(thread: Thread) -> None:
    """A thread that was taken for private is part of a public one: each person's own inquiry."""
    for inquiry in tuple(thread.inquiries.values()):
        if not (thread.public and inquiry.messages and inquiry.awaits_answer):
            continue
        others: dict[UUID, list[Message]] = {}
        for message in inquiry.messages:
            if message.contact_id != inquiry.contact_id:
                others.setdefault(message.contact_id, []).append(message)
        own = inquiry.contact_id
        inquiry.messages = [each for each in inquiry.messages if each.contact_id == own]
        for messages in others.values():
            open_for(thread, inquiry, messages)


def reconsider_posts(thread: Thread) -> None:
    """Two threads became one: a post of one may answer what waited in the other."""
    for post in sorted(thread.posts, key=lambda each: (each.moment, each.id)):
        counts = post.kind in (PostKind.ANSWER, PostKind.HOLDING) and not post.waits
        if not counts or (thread.public and not post.named):
            continue
        for inquiry in tuple(thread.inquiries.values()):
            if inquiry.end_named(post.id) is None and meets(post, inquiry):
                _meet_again(thread, inquiry, post)


def _meet_again(thread: Thread, inquiry: Inquiry, post: Post) -> None:
    if inquiry.awaits_answer:
        take_up(thread, inquiry, post)
    elif post.kind is PostKind.ANSWER and ends_also(post, inquiry):
        thread.add(inquiry, post.end(EndKind.ANSWER))


def merge(thread: Thread, older: Inquiry, younger: Inquiry) -> None:
    """Two inquiries turned out to be one: the older takes the messages of the younger.

    It is held, too, where the younger was, and asked what the younger was asked.
    """
    asked = [each for each in thread.posts if each.kind is PostKind.ASK and meets(each, younger)]
    for message in younger.messages:
        thread.join(older, message, moved_from=younger.id)
    younger.messages, younger.merged_into = [], older.id
    thread.effects.append(Merged(younger, older))
    thread.effects += [Asked(older, each) for each in asked]
    for end in younger.ends:
        holds = end.kind is EndKind.HOLDING and not end.taken_back
        if holds and older.end_named(end.id) is None:
            thread.add(older, end)


def merge_open(thread: Thread) -> None:
    """Of one person's inquiries that await their answer the oldest takes the others' messages."""
    oldest: dict[UUID, Inquiry] = {}
    waiting = [each for each in thread.inquiries.values() if each.messages and each.awaits_answer]
    for inquiry in sorted(waiting, key=lambda each: each.begun):
        first = oldest.setdefault(inquiry.contact_id, inquiry)
        if first is not inquiry:
            merge(thread, first, inquiry)
