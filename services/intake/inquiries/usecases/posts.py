"""Posts of our own that were seen on the platform: an answer, a holding reply, or a question to us.

They come with no inquiry named, often late, twice, and sometimes before their question; so each is
kept, and finds its question when that comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, insert, select, update

from services.intake.inquiries.domain import covering
from services.intake.inquiries.domain.covering import could_be_answered_by
from services.intake.inquiries.domain.text import alike
from services.intake.inquiries.domain.thread import Inquiry, PostKind
from services.intake.inquiries.store import queries as rows
from services.intake.inquiries.store import receipts
from services.intake.inquiries.store.loading import Conversation, load, lock_conversation, post_of
from services.intake.inquiries.store.storing import WriteContext, store
from services.intake.inquiries.usecases import conversations
from services.intake.tables import (
    NEVER,
    contacts,
    ends,
    inquiries,
    messages,
    own_posts,
    withdrawn_messages,
)
from shared.db import Read, Write
from shared.runtime.ids import new_id

SAME_REPLY = timedelta(minutes=10)
"""A recorded reply and a post with the same words are one when they are no farther apart."""
FORGOTTEN_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class OwnPost:
    """A post as a connector hands it over. `thread` is None where only the parent is known.

    `kind` is what the channel's posts count as; moments in UTC. `by_receipt`: `sent_at` is a clock
    of ours, not the platform's, so receipts tell what it covers.
    """

    channel: str
    external_id: str
    author: str
    text: str
    kind: PostKind
    received_at: datetime
    sent_at: datetime | None = None
    thread: str | None = None
    parent: str | None = None
    audience: str = "private"
    by_receipt: bool = False


@dataclass(frozen=True, slots=True)
class _Addressee:
    """Whom a post answers; `waits_for` is the message that has to come before that is known."""

    contact_id: UUID | None = None
    waits_for: str | None = None

    def unless_it_waits_for(self, external_id: str) -> _Addressee:
        """A post that would wait for itself, through a circle of parents, has none."""
        return _Addressee() if self.waits_for == external_id else self

    @property
    def columns(self) -> dict[str, Any]:
        """As the post's row has it."""
        return {
            "contact_id": self.contact_id,
            "named": self.contact_id is not None,
            "waits_for": self.waits_for,
        }


def record_own_post(tx: Write, seen: OwnPost, *, context: WriteContext) -> bool:
    """Keep the post and let it end what it covers; False when it was known already."""
    if rows.message_removed(tx, channel=seen.channel, external_id=seen.external_id) is not None:
        return False
    conversation = _conversation(tx, seen, context)
    whom = _addressee(tx, seen.channel, seen.parent)
    if _known(tx, seen) or _withdrawn(tx, seen) or _recorded(tx, seen, conversation, whom):
        return False
    if seen.by_receipt:
        seen = _within_receipts(tx, seen, conversation.id)
    row = _row(seen, conversation, whom.unless_it_waits_for(seen.external_id))
    tx.execute(insert(own_posts).values(row))
    moments = [seen.received_at] if seen.sent_at is None else [seen.received_at, seen.sent_at]
    conversations.be_careful(tx, conversation, NEVER if row["waits_for"] else max(moments))
    settle(tx, conversation, external_id=seen.external_id, context=context, post=row)
    return True


def _within_receipts(tx: Read, seen: OwnPost, conversation_id: UUID) -> OwnPost:
    """Not before what it answers was here: the clock of a computer of ours may be wrong as well.

    What is not here yet was not here before now.
    """
    had_by = receipts.had_by(tx, conversation_id, seen.external_id, seen.received_at)
    if seen.parent is None or seen.sent_at is None:
        return replace(seen, received_at=had_by)
    parent_at = receipts.received(tx, seen.channel, seen.parent) or had_by
    sent_at = min(max(seen.sent_at, parent_at), had_by)
    return replace(seen, received_at=had_by, sent_at=sent_at)


def settle(
    tx: Write,
    conversation: Conversation,
    *,
    external_id: str,
    context: WriteContext,
    contact_id: UUID | None = None,
    post: dict[str, Any] | None = None,
) -> Conversation:
    """A message comes that others may wait for: threads that are named after it, and posts.

    `contact_id` is its author when it is a customer's, which is not stored yet: what the posts
    answer ends first, and then the message finds its place. `post` is its row when it is ours.
    Gives the conversation as it is then.
    """
    channel, counting = conversation.channel, [] if post is None else [post]
    if conversations.is_awaited(tx, channel=channel, external_id=external_id):
        conversation = conversations.join_guessed(
            tx, conversation, external_id=external_id, context=context
        )
        whom = _Addressee(contact_id)
        if contact_id is None:
            whom = _addressee(tx, channel, external_id)
        p = own_posts.c
        waiting = select(own_posts).where(p.channel == channel, p.waits_for == external_id)
        counting += [
            {**row, **whom.unless_it_waits_for(row["external_id"]).columns}
            for row in tx.rows(waiting)
        ]
        conversations.awaited_no_more(tx, channel=channel, external_id=external_id)
    for row in sorted(counting, key=lambda each: (post_of(each).moment, each["id"])):
        _let_it_count(tx, conversation, row, context)
    return conversation


def _let_it_count(
    tx: Write, conversation: Conversation, row: dict[str, Any], context: WriteContext
) -> None:
    """The post, whose row is stored, does to the thread what it does."""
    p, post = own_posts.c, post_of(row)
    whom = {name: row[name] for name in _Addressee().columns}
    tx.execute(update(own_posts).where(p.id == post.id).values(**whom))
    loaded = load(
        tx,
        conversation,
        since=post.moment,
        contact_id=post.contact_id,
        inquiry_ids=_holding(tx, conversation.channel, post.parent),
    )
    loaded.thread.posts = [each for each in loaded.thread.posts if each.id != post.id]
    loaded.posts[post.id] = row
    covering.add_post(loaded.thread, post)
    store(tx, loaded, context)
    if row["waits_for"] is not None:
        channel = conversation.channel
        conversations.wait_for(tx, channel=channel, external_id=row["waits_for"], now=context.now)


def _holding(tx: Read, channel: str, parent: str | None) -> list[UUID]:
    """The inquiry that holds the message under which a post was written, however old it is."""
    found = None
    if parent is not None:
        found = rows.message_named(tx, channel=channel, external_id=parent)
    return [] if found is None or found["inquiry_id"] is None else [found["inquiry_id"]]


def same_words(
    tx: Read, conversation_id: UUID, inquiry: Inquiry, *, text: str, at: datetime
) -> Mapping[str, Any] | None:
    """A post in that conversation which nobody recorded yet and that is this very reply.

    One that is older than the inquiry, answers somebody else, or has answered another inquiry is
    another reply with the same words.
    """
    p = own_posts.c
    near = tx.rows(
        select(own_posts)
        .where(
            p.conversation_id == conversation_id,
            p.recorded.is_(False),
            p.received_at >= at - SAME_REPLY,
        )
        .order_by(p.received_at, p.id)
    )
    return next(
        (
            row
            for row in near
            if abs(post_of(row).moment - at) <= SAME_REPLY
            and alike(row["text"], text)
            and could_be_answered_by(inquiry, post_of(row))
            and not counts_elsewhere(tx, row["id"], inquiry.id)
        ),
        None,
    )


def counts_elsewhere(tx: Read, post_id: UUID, inquiry_id: UUID) -> bool:
    """Whether the post answers or holds another inquiry; a showing alone counts for nothing."""
    e = ends.c
    found = select(e.id).where(e.id == post_id, e.inquiry_id != inquiry_id, e.taken_back.is_(False))
    return tx.execute(found.limit(1)).scalar() is not None


def forget(tx: Write, *, before: datetime) -> int:
    """Delete a batch of posts that answered nothing and came before that moment; how many."""
    p = own_posts.c
    old = (
        select(p.id)
        .where(
            p.received_at < before,
            p.attached.is_(False),
            ~exists().where(messages.c.id == p.id),
        )
        .order_by(p.received_at)
        .limit(FORGOTTEN_AT_ONCE)
    )
    return tx.execute(delete(own_posts).where(p.id.in_(old))).rowcount


def _conversation(tx: Write, seen: OwnPost, context: WriteContext) -> Conversation:
    """The parent's, whatever thread the post names; else that; else the one it begins."""
    channel, audience = seen.channel, seen.audience
    thread = seen.thread or seen.external_id
    found = None
    if seen.parent is not None:
        found = conversations.of_message(tx, channel=channel, external_id=seen.parent)
    home = found or conversations.named(tx, channel=channel, thread=thread)
    conversations.lock_with_guess(tx, channel=channel, external_id=seen.external_id, home=home)
    if found is not None:
        return lock_conversation(tx, found)
    if seen.parent is not None and seen.thread is None:
        return conversations.of_parent(
            tx, channel=channel, parent=seen.parent, audience=audience, now=context.now
        )
    return conversations.begin(
        tx, channel=channel, thread=thread, audience=audience, now=seen.received_at
    )


def _known(tx: Write, seen: OwnPost) -> bool:
    p = own_posts.c
    kept = select(p.id).where(p.channel == seen.channel, p.external_id == seen.external_id)
    if tx.execute(kept).scalar() is not None:
        return True
    named = rows.message_named(tx, channel=seen.channel, external_id=seen.external_id)
    return named is not None


def _withdrawn(tx: Read, seen: OwnPost) -> bool:
    """Whether it was withdrawn before it came: nobody can say that the customer saw it."""
    w = withdrawn_messages.c
    found = select(w.withdrawn_at).where(
        w.channel == seen.channel, w.external_id == seen.external_id
    )
    return tx.execute(found).scalar() is not None


def _recorded(tx: Write, seen: OwnPost, conversation: Conversation, whom: _Addressee) -> bool:
    """Whether it is a reply that was recorded here without its id; then it has the id from now.

    The same words under somebody else's message are another reply.
    """
    at = seen.sent_at or seen.received_at
    m = messages.c
    near = tx.rows(
        select(m.id, m.text, inquiries.c.contact_id)
        .join_from(messages, inquiries, inquiries.c.id == m.inquiry_id)
        .where(
            m.conversation_id == conversation.id,
            m.kind != "inbound",
            m.external_id.like("desk:%"),
            m.sent_at >= at - SAME_REPLY,
            m.sent_at <= at + SAME_REPLY,
        )
        .order_by(m.sent_at, m.id)
    )
    same = next(
        (
            row["id"]
            for row in near
            if whom.contact_id in (None, row["contact_id"]) and alike(row["text"], seen.text)
        ),
        None,
    )
    if same is None:
        return False
    tx.execute(update(messages).where(m.id == same).values(external_id=seen.external_id))
    return True


def _addressee(tx: Read, channel: str, parent: str | None) -> _Addressee:
    """Whose message the parent is. A post under one of ours answers whom that one answered."""
    if parent is None:
        return _Addressee()
    p = own_posts.c
    ours = tx.row(select(own_posts).where(p.channel == channel, p.external_id == parent))
    if ours is not None:
        return _Addressee(ours["contact_id"] if ours["named"] else None, ours["waits_for"])
    found = rows.message_named(tx, channel=channel, external_id=parent)
    if found is None:
        return _of_removed(tx, channel, parent) or _Addressee(waits_for=parent)
    if found["contact_id"] is not None:
        return _Addressee(found["contact_id"])
    asked = select(inquiries.c.contact_id).where(inquiries.c.id == found["inquiry_id"])
    return _Addressee(tx.execute(asked).scalar())


def _of_removed(tx: Read, channel: str, parent: str) -> _Addressee | None:
    """Whose message a parent was that is removed; None when it never came."""
    gone = rows.message_removed(tx, channel=channel, external_id=parent)
    if gone is None:
        return None
    here = select(contacts.c.id).where(contacts.c.id == gone.contact_id)
    return _Addressee(tx.execute(here).scalar())


def _row(seen: OwnPost, conversation: Conversation, whom: _Addressee) -> dict[str, Any]:
    return {
        "id": new_id(),
        "conversation_id": conversation.id,
        "channel": seen.channel,
        "external_id": seen.external_id,
        "parent": seen.parent,
        "kind": seen.kind.value,
        **whom.columns,
        "attached": False,
        "recorded": False,
        "by_hand": False,
        "author_name": seen.author,
        "text": seen.text,
        "sent_at": seen.sent_at,
        "received_at": seen.received_at,
    }
