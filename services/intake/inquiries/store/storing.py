"""What a decision changed, stored and told in one transaction, in the order in which it changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from services.intake.inquiries.domain.ends import End, EndKind
from services.intake.inquiries.domain.message import EXCERPT
from services.intake.inquiries.domain.thread import (
    Added,
    Asked,
    Effect,
    Inquiry,
    Joined,
    Merged,
    Opened,
    Post,
    PostKind,
    Reopened,
    Restated,
    Shown,
    TakenBack,
)
from services.intake.inquiries.domain.withdrawing import end_withdrawn
from services.intake.inquiries.store import facts, versions
from services.intake.inquiries.store.loading import Loaded
from services.intake.tables import conversations, ends, hashtags, inquiries, messages, own_posts
from shared.db import Read, Write
from shared.db.upsert import insert_into
from shared.events import Envelope
from shared.events.inquiries import InquiryFact
from shared.messaging import outbox
from shared.policy import KnownHashtags, extract_hashtags
from shared.runtime.ids import new_id
from shared.text.references import reference_of


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What storing needs beside the transaction: the known hashtags, and now (UTC)."""

    known: KnownHashtags
    now: datetime


def store(tx: Write, loaded: Loaded, context: WriteContext) -> None:
    """Write every effect and tell it, and end what has nothing but withdrawn messages left; the
    conversation is locked.
    """
    if loaded.whole:
        end_withdrawn(loaded.thread)
    changes: list[tuple[UUID, InquiryFact]] = []
    left: set[UUID] = set()
    for effect in loaded.thread.effects:
        match effect:
            case Opened(inquiry, message, moved_from):
                content = content_of(tx, message.id)
                _insert_inquiry(tx, loaded, effect, content)
                changes.append(_message(tx, loaded, effect, content, context))
                left |= {moved_from} if moved_from else set()
            case Joined(inquiry, message, moved_from):
                changes.append(_message(tx, loaded, effect, content_of(tx, message.id), context))
                left |= {moved_from} if moved_from else set()
            case Restated(message, later):
                versions.insert_restated(tx, content_of(tx, message.id), later)
            case Added(inquiry, given) | TakenBack(inquiry, given):
                _put_end(tx, inquiry, given)
                text = answer_text(tx, given)
                ids = ids_of(loaded, inquiry)
                changes += _keyed(loaded, facts.end_facts(effect, ids, context.now, text=text))
            case Asked(inquiry, post):
                changes += _keyed(loaded, [facts.asked(post, ids_of(loaded, inquiry))])
            case Merged(younger, older):
                fact = facts.merged(older.id, ids_of(loaded, younger), context.now)
                changes += _keyed(loaded, [fact])
            case Reopened() | Shown():
                pass
    _update_inquiries(tx, loaded, context)
    _update_posts(tx, loaded)
    retag(tx, loaded.conversation.id, left, context)
    _update_pointer(tx, loaded)
    outbox.record(tx, [Envelope(new_id(), str(key), context.now, fact) for key, fact in changes])
    loaded.thread.effects.clear()


def answer_text(tx: Read, end: End) -> str | None:
    """What the answer says, as a message or as a post that is none yet; None for another end."""
    if end.kind is not EndKind.ANSWER:
        return None
    m, p = messages.c, own_posts.c
    said: str | None = tx.execute(select(m.text).where(m.id == end.id)).scalar()
    return said or tx.execute(select(p.text).where(p.id == end.id)).scalar()


def ids_of(loaded: Loaded, inquiry: Inquiry) -> facts.Ids:
    """The conversation that is told is the key of the inquiry's facts, also after a merge: the
    others take it for the key of their own.
    """
    return {"inquiry_id": inquiry.id, "conversation_id": loaded.keys[inquiry.id]}


def _keyed(loaded: Loaded, facts: Iterable[InquiryFact]) -> list[tuple[UUID, InquiryFact]]:
    return [(loaded.keys[fact.inquiry_id], fact) for fact in facts]


def content_of(tx: Read, message_id: UUID) -> Mapping[str, Any]:
    """The message's row."""
    return tx.rows(select(messages).where(messages.c.id == message_id))[0]


def _insert_inquiry(tx: Write, loaded: Loaded, opened: Opened, content: Mapping[str, Any]) -> None:
    inquiry, conversation = opened.inquiry, loaded.conversation
    # With the key of the inquiry that its message left: the two facts of that keep their order.
    key = conversation.id if opened.moved_from is None else loaded.keys[opened.moved_from]
    loaded.keys[inquiry.id] = key
    tx.execute(
        insert(inquiries).values(
            id=inquiry.id,
            reference=reference_of(inquiry.id),
            conversation_id=conversation.id,
            fact_key=None if key == conversation.id else key,
            contact_id=inquiry.contact_id,
            channel=conversation.channel,
            state="open",
            subject=content["subject"],
            excerpt=content["text"][:EXCERPT],
            received_at=content["received_at"],
        )
    )


def _message(
    tx: Write,
    loaded: Loaded,
    effect: Opened | Joined,
    content: Mapping[str, Any],
    context: WriteContext,
) -> tuple[UUID, InquiryFact]:
    """Move or tag the stored message; what is to be told of it."""
    inquiry, message = effect.inquiry, effect.message
    opened = isinstance(effect, Opened)
    m = messages.c
    tx.execute(
        update(messages)
        .where(m.id == message.id)
        .values(inquiry_id=inquiry.id, opened=opened, conversation_id=loaded.conversation.id)
    )
    tags = tags_of(content, context.known)
    _add_tags(tx, inquiry.id, tags, content["received_at"])
    fact = facts.message(effect, content, tags, ids_of(loaded, inquiry))
    return loaded.keys[inquiry.id], fact


Tags = list[tuple[str, int | None]]


def tags_of(content: Mapping[str, Any], known: KnownHashtags) -> Tags:
    """The known hashtags of a stored message, with the year where the tag carries one."""
    text = content["text"]
    whole = f"{content['subject']}\n{text}" if content["subject"] else text
    return [(tag.tag, tag.year) for tag in extract_hashtags(whole, known)]


def _add_tags(tx: Write, inquiry_id: UUID, tags: Tags, received_at: datetime) -> None:
    rows = [
        {"inquiry_id": inquiry_id, "tag": tag, "year": year or 0, "received_at": received_at}
        for tag, year in tags
    ]
    if rows:
        tx.execute(insert_into(tx, hashtags).on_conflict_do_nothing(), rows)


def retag(
    tx: Write, conversation_id: UUID, inquiry_ids: Iterable[UUID], context: WriteContext
) -> None:
    """Messages left these inquiries, or say something else, and their hashtags follow."""
    for inquiry_id in sorted(inquiry_ids):
        tx.execute(delete(hashtags).where(hashtags.c.inquiry_id == inquiry_id))
        m = messages.c
        here = select(messages).where(
            m.conversation_id == conversation_id,
            m.inquiry_id == inquiry_id,
            m.kind == "inbound",
        )
        for content in tx.rows(here.order_by(m.received_at, m.id)):
            tags = tags_of(content, context.known)
            _add_tags(tx, inquiry_id, tags, content["received_at"])


def _put_end(tx: Write, inquiry: Inquiry, end: End) -> None:
    values: dict[str, Any] = {
        "kind": end.kind.value,
        "at": end.at,
        "by": end.by,
        "key_name": end.key_name,
        "reason": end.reason,
        "follow_up_at": end.follow_up_at,
        "covers_until": end.cut and end.cut.received_at,
        "covers_message_id": end.cut and end.cut.message_id,
        "edits_until": end.edits_until,
        "taken_back": end.taken_back,
        "revision": end.revision,
    }
    row = insert_into(tx, ends).values(inquiry_id=inquiry.id, id=end.id, **values)
    tx.execute(row.on_conflict_do_update(index_elements=["inquiry_id", "id"], set_=values))


def _update_inquiries(tx: Write, loaded: Loaded, context: WriteContext) -> None:
    touched = {each.id: each for effect in loaded.thread.effects for each in _touched(effect)}
    for inquiry in touched.values():
        values = _columns(inquiry, context.now)
        tx.execute(update(inquiries).where(inquiries.c.id == inquiry.id).values(**values))


def _touched(effect: Effect) -> list[Inquiry]:
    if isinstance(effect, Restated):
        return []  # what became of the words is an effect of its own
    return [effect.younger, effect.older] if isinstance(effect, Merged) else [effect.inquiry]


def _columns(inquiry: Inquiry, now: datetime) -> dict[str, Any]:
    if inquiry.merged_into is not None:
        return {
            "state": "closed",
            "reason": "duplicate",
            "closed_at": now,
            "ended_at": now,
            "merged_into": inquiry.merged_into,
        }
    verdict = inquiry.verdict
    return {
        "state": verdict.state.value,
        "answered_at": verdict.answered_at,
        "follow_up_at": verdict.follow_up_at,
        "closed_at": verdict.closed_at,
        "reason": verdict.reason,
        "ended_at": verdict.ended_at,
        "reopened_at": inquiry.reopened_at,
    }


def _update_posts(tx: Write, loaded: Loaded) -> None:
    shown_at = _inquiry_of_posts(loaded)
    for post in loaded.thread.posts:
        row = loaded.posts[post.id]
        now: dict[str, Any] = {
            "kind": post.kind.value,
            "contact_id": post.contact_id,
            "named": post.named,
            "attached": post.attached,
            "by_hand": post.by_hand,
            "conversation_id": loaded.conversation.id,
        }
        if post.id not in shown_at and {name: row[name] for name in now} == now:
            continue
        tx.execute(update(own_posts).where(own_posts.c.id == post.id).values(**now))
        if post.id in shown_at:
            _show_post(tx, loaded, post, inquiry_id=shown_at[post.id])
        row.update(now)


def _inquiry_of_posts(loaded: Loaded) -> dict[UUID, UUID]:
    """At which inquiry each post is shown first."""
    found: dict[UUID, UUID] = {}
    for effect in loaded.thread.effects:
        match effect:
            case Added(inquiry, end):
                found.setdefault(end.id, inquiry.id)
            case Asked(inquiry, post) | Shown(inquiry, post):
                found.setdefault(post.id, inquiry.id)
            case _:
                pass
    return found


def _show_post(tx: Write, loaded: Loaded, post: Post, *, inquiry_id: UUID) -> None:
    """A post that belongs to an inquiry is a message of the conversation."""
    row = loaded.posts[post.id]
    shown = insert_into(tx, messages).values(
        id=post.id,
        conversation_id=loaded.conversation.id,
        inquiry_id=inquiry_id,
        channel=loaded.conversation.channel,
        external_id=row["external_id"],
        kind=message_kind(post.kind),
        opened=False,
        author_name=row["author_name"],
        text=row["text"],
        sent_at=post.moment,
        received_at=post.received_at,
    )
    tx.execute(shown.on_conflict_do_nothing())


def message_kind(kind: PostKind) -> str:
    """What the conversation calls it; `post` counts as neither answer nor holding reply."""
    return kind.value if kind in (PostKind.ANSWER, PostKind.HOLDING) else "post"


def _update_pointer(tx: Write, loaded: Loaded) -> None:
    """In a private thread the next message joins the newest open inquiry."""
    conversation = loaded.conversation
    if conversation.public:
        return
    waiting = [e for e in loaded.thread.inquiries.values() if e.messages and e.awaits_answer]
    newest = max(waiting, key=lambda each: each.begun, default=None)
    tx.execute(
        update(conversations)
        .where(conversations.c.id == conversation.id)
        .values(open_inquiry_id=newest and newest.id)
    )
