"""Edits: a message says what it says on the channel, and what it said before is kept.

What it says since after its end, and is more than typing, is a message of its own (`edit_of`): it
joins what waits for an answer, or opens an inquiry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update

from services.intake.inquiries.domain.covering import part_restated
from services.intake.inquiries.domain.edits import Versions, restates
from services.intake.inquiries.domain.message import EXCERPT, Accepted, Incoming
from services.intake.inquiries.domain.thread import Restated
from services.intake.inquiries.store import facts, versions
from services.intake.inquiries.store import queries as rows
from services.intake.inquiries.store.loading import Loaded, load, lock_conversation
from services.intake.inquiries.store.storing import (
    WriteContext,
    content_of,
    ids_of,
    retag,
    store,
    tags_of,
)
from services.intake.inquiries.usecases.answers import publish_edited
from services.intake.inquiries.usecases.placing import place
from services.intake.inquiries.usecases.posts import OwnPost, record_own_post
from services.intake.tables import inquiries, messages, own_posts
from shared.db import Write
from shared.events import Envelope
from shared.messaging import outbox
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Edit:
    """`incoming` is the message as it reads now, as if it came for the first time; `edited_at` is
    when it was edited, where the platform says so (UTC). With `makes_none` it changes what a
    message says and never makes another.
    """

    incoming: Incoming
    edited_at: datetime | None = None
    makes_none: bool = False

    @property
    def moment(self) -> datetime:
        received_at = self.incoming.received_at
        return received_at if self.edited_at is None else min(self.edited_at, received_at)

    @property
    def name(self) -> dict[str, str]:
        """By what the message is known."""
        return {"channel": self.incoming.channel, "external_id": self.incoming.external_id}


def edit(tx: Write, change: Edit, *, context: WriteContext) -> Accepted | None:
    """Give a message its new words; one that has not come yet comes with them.

    Where the edit is a message, new or restated, that; None where it changed what one says, or
    nothing.
    """
    if rows.message_removed(tx, **change.name) is not None:
        return None
    known = rows.message_named(tx, **change.name)
    if known is None:
        if _rewrite_post(tx, change) or change.makes_none:
            return None
        return _as_message(tx, change, context)
    conversation = lock_conversation(tx, known["conversation_id"])
    first, *later = versions.with_later_words(tx, known)
    before = _rewrite(tx, first, change)
    if before is None:
        return None
    if first["kind"] != "inbound":
        _rewrite_post(tx, change)
        publish_edited(tx, first["id"], now=context.now)
        return None
    last = later[-1] if later else first
    before_last = _rewrite(tx, last, change) if later else before
    loaded = load(
        tx,
        conversation,
        since=change.moment,
        contact_id=first["contact_id"],
        inquiry_ids=[first["inquiry_id"], last["inquiry_id"]],
    )
    changed = [first] if before_last is None or not later else [first, last]
    _publish(tx, loaded, changed, context)
    restated = (
        None
        if before_last is None or change.makes_none
        else _restate(tx, loaded, last, change, before_last)
    )
    store(tx, loaded, context)
    return None if restated is None else rows.message_placed(tx, restated.later.id)


def edit_post(tx: Write, seen: OwnPost, change: Edit, *, context: WriteContext) -> None:
    """Give a post of ours its new words; one that has not come yet comes with them."""
    known = rows.message_named(tx, **change.name) is not None
    if known or _rewrite_post(tx, change):
        edit(tx, change, context=context)
    else:
        record_own_post(tx, seen, context=context)


def _as_message(tx: Write, change: Edit, context: WriteContext) -> Accepted:
    """Whether it says more than the words at first nobody knows yet: so no answer of before it is
    taken for one to it.
    """
    placed = place(tx, change.incoming, context=context)
    m, edited_at = messages.c, change.edited_at
    row = update(messages).where(m.id == placed.message_id)
    tx.execute(row.values(edited_at=change.moment))
    if placed.of_no_inquiry or edited_at is None or change.moment <= change.incoming.moment:
        return placed
    tx.execute(row.values(restated_at=change.moment))
    conversation = lock_conversation(tx, placed.conversation_id)
    loaded = load(
        tx,
        conversation,
        since=change.moment,
        contact_id=placed.contact_id,
        inquiry_ids=[placed.inquiry_id],
    )
    part_restated(loaded.thread, loaded.thread.inquiries[placed.inquiry_id])
    store(tx, loaded, context)
    return placed


def _rewrite(tx: Write, message: versions.Row, change: Edit) -> Versions | None:
    version = versions.version_of(message, change.incoming, change.moment)
    dated = change.edited_at is not None
    return versions.rewrite(tx, message, version, change.incoming, dated=dated)


def _rewrite_post(tx: Write, change: Edit) -> bool:
    """Whether it is a post of ours."""
    p, incoming = own_posts.c, change.incoming
    post = update(own_posts).where(
        p.channel == incoming.channel, p.external_id == incoming.external_id
    )
    return tx.execute(post.values(text=incoming.text)).rowcount > 0


def _restate(
    tx: Write, loaded: Loaded, message: versions.Row, change: Edit, before: Versions
) -> Restated | None:
    """What says more is a message of its own once nothing that covers the message saw it."""
    inquiry = loaded.thread.inquiries.get(message["inquiry_id"])
    if inquiry is None:
        return None  # withdrawn before it came
    restated = next(each for each in inquiry.messages if each.id == message["id"])
    version = versions.version_of(message, change.incoming, change.moment)
    if restated.withdrawn_at is not None or not restates(inquiry, restated, version, before):
        return None
    restated.restated_at = change.moment
    row = update(messages).where(messages.c.id == restated.id)
    tx.execute(row.values(restated_at=change.moment))
    part_restated(loaded.thread, inquiry)
    effects = loaded.thread.effects
    return next((each for each in effects if isinstance(each, Restated)), None)


def _publish(
    tx: Write, loaded: Loaded, changed: Sequence[versions.Row], context: WriteContext
) -> None:
    """What is known of an inquiry by the words of its messages, here and elsewhere."""
    for row in changed:
        inquiry = loaded.thread.inquiries.get(row["inquiry_id"])
        if inquiry is None:
            continue
        content = content_of(tx, row["id"])
        if content["opened"]:
            words = {"subject": content["subject"], "excerpt": content["text"][:EXCERPT]}
            i = inquiries.c
            here = update(inquiries).where(i.id == inquiry.id, i.words_removed_at.is_(None))
            tx.execute(here.values(words))
        retag(tx, loaded.conversation.id, [inquiry.id], context)
        fact = facts.edited(content, tags_of(content, context.known), ids_of(loaded, inquiry))
        key = str(loaded.keys[inquiry.id])
        outbox.record(tx, [Envelope(new_id(), key, context.now, fact)])
