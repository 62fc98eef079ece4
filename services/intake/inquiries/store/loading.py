"""From rows to the thread on which the domain decides.

Only what a decision can need is loaded, so that a conversation of years costs no more than a new
one: the inquiries that await an answer, those that ended after the moment in question, the newest
that began before it, and the posts since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, not_, or_, select

from services.intake.inquiries.domain.ends import Cut, End, EndKind, verdict
from services.intake.inquiries.domain.inquiry import AWAITS_ANSWER, InquiryState
from services.intake.inquiries.domain.thread import Inquiry, Message, Post, PostKind, Thread
from services.intake.inquiries.store.references import free_id
from services.intake.tables import conversations, ends, inquiries, messages, own_posts
from shared.db import Read, Write
from shared.db.among import among

COMPLETED = "completed"
"""The reason of an inquiry that a program of before had closed because its ToDo was completed."""
MOST = 200
"""Inquiries, and posts, of one conversation that one decision looks at, the newest of them."""
MOST_BEFORE = 20
"""Inquiries that had ended before: a post that is heard now may be one more end of them."""

# A program of before does not write `ended_at`.
_ENDED_AT = func.coalesce(inquiries.c.ended_at, inquiries.c.answered_at, inquiries.c.closed_at)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation whose row is locked until the transaction ends."""

    id: UUID
    channel: str
    thread: str
    public: bool
    careful_until: datetime | None


@dataclass(slots=True)
class Loaded:
    """The thread, and what its inquiries' rows say that decides nothing. `keys` are fact keys.

    `whole`: each inquiry has all of its messages.
    """

    conversation: Conversation
    thread: Thread
    whole: bool = True
    keys: dict[UUID, UUID] = field(default_factory=dict)
    stored: set[UUID] = field(default_factory=set)
    posts: dict[UUID, dict[str, Any]] = field(default_factory=dict)


def lock_conversation(tx: Write, conversation_id: UUID) -> Conversation:
    """The conversation, or the one that it became a part of, locked."""
    c = conversations.c
    while True:
        row = tx.execute(
            select(c.id, c.channel, c.thread, c.audience, c.careful_until, c.merged_into)
            .where(c.id == conversation_id)
            .with_for_update()
        ).one()
        if row.merged_into is None:
            public = row.audience == "public"
            return Conversation(row.id, row.channel, row.thread, public, row.careful_until)
        conversation_id = row.merged_into


def lock_all(tx: Write, inquiry_ids: Sequence[UUID]) -> None:
    """Lock the conversations of these inquiries in the order in which every batch locks them."""
    c, i = conversations.c, inquiries.c
    theirs = select(i.conversation_id).where(among(tx, i.id, inquiry_ids))
    tx.execute(
        select(c.id).where(c.id.in_(theirs)).order_by(c.channel, c.thread).with_for_update()
    ).all()


def lock_named(tx: Write, *, channel: str, thread: str) -> Conversation | None:
    c = conversations.c
    found = tx.execute(select(c.id).where(c.channel == channel, c.thread == thread)).scalar()
    return None if found is None else lock_conversation(tx, found)


def load(
    tx: Read,
    conversation: Conversation,
    *,
    since: datetime | None = None,
    contact_id: UUID | None = None,
    inquiry_ids: Iterable[UUID] = (),
    losing: Iterable[UUID] = (),
    coming: str | None = None,
) -> Loaded:
    """What a decision about something that happened at `since` (None: now) can need.

    `contact_id` narrows a public thread to that person; `inquiry_ids` are needed in any case.
    `losing` are the inquiries of which an end is taken back: what came since is looked for by them.
    `coming` is the external id of a message that only has to find its place: of each inquiry the
    first message is enough then, however many there are.
    """
    person = contact_id if conversation.public else None
    rows = tx.rows(_waiting(conversation.id, contact_id=person))
    if since is not None:
        rows += tx.rows(_ended_since(conversation.id, since, contact_id=person))
    rows += tx.rows(_newest_before(conversation.id, since, contact_id=person))
    found = {row["id"] for row in rows}
    missing = sorted({*inquiry_ids, *losing} - found)
    if missing:
        rows += tx.rows(select(inquiries).where(among(tx, inquiries.c.id, missing)))
    firsts = coming is not None
    loaded = Loaded(
        conversation, Thread(conversation.public, partial(free_id, tx)), whole=not firsts
    )
    _fill(tx, loaded, rows, firsts=firsts)
    inquiries_here = loaded.thread.inquiries
    asking = [inquiries_here[each] for each in losing] or list(inquiries_here.values())
    messages_here = [] if coming is not None else _in_question(asking, since=since)
    _add_posts(tx, loaded, messages_here, since=since, coming=coming, contact_id=person)
    _fill(tx, loaded, _ended_by_posts(tx, loaded, contact_id=person), firsts=firsts)
    _add_ending_posts(tx, loaded)
    return loaded


def _waiting(conversation_id: UUID, *, contact_id: UUID | None) -> Select[*tuple[Any, ...]]:
    c = inquiries.c
    return _newest(conversation_id, contact_id, c.state.in_(AWAITS_ANSWER), c.merged_into.is_(None))


def _ended_since(
    conversation_id: UUID, since: datetime, *, contact_id: UUID | None
) -> Select[*tuple[Any, ...]]:
    return _newest(conversation_id, contact_id, since <= _ENDED_AT)


def _newest(
    conversation_id: UUID, contact_id: UUID | None, *conditions: ColumnElement[bool]
) -> Select[*tuple[Any, ...]]:
    c = inquiries.c
    query = select(inquiries).where(c.conversation_id == conversation_id, *conditions)
    if contact_id is not None:
        query = query.where(c.contact_id == contact_id)
    return query.order_by(c.received_at.desc(), c.id.desc()).limit(MOST)


def _newest_before(
    conversation_id: UUID, since: datetime | None, *, contact_id: UUID | None
) -> Select[*tuple[Any, ...]]:
    """The newest that have ended and had begun by then."""
    c = inquiries.c
    query = select(inquiries).where(
        c.conversation_id == conversation_id, _ENDED_AT.is_not(None), c.merged_into.is_(None)
    )
    if since is not None:
        query = query.where(c.received_at <= since)
    if contact_id is not None:
        query = query.where(c.contact_id == contact_id)
    return query.order_by(c.received_at.desc(), c.id.desc()).limit(MOST_BEFORE)


def _ended_by_posts(tx: Read, loaded: Loaded, *, contact_id: UUID | None) -> list[dict[str, Any]]:
    """What the posts in question have ended: a message that one of them covers may join it."""
    if not loaded.posts:
        return []
    known = list(loaded.thread.inquiries)
    by_posts = select(ends.c.inquiry_id).where(
        among(tx, ends.c.id, list(loaded.posts)), not_(among(tx, ends.c.inquiry_id, known))
    )
    query = select(inquiries).where(inquiries.c.id.in_(by_posts))
    if contact_id is not None:
        query = query.where(inquiries.c.contact_id == contact_id)
    query = query.order_by(inquiries.c.received_at.desc(), inquiries.c.id.desc()).limit(MOST)
    return tx.rows(query)


def _fill(tx: Read, loaded: Loaded, rows: Sequence[dict[str, Any]], *, firsts: bool) -> None:
    by_id = {row["id"]: row for row in rows}
    ids = list(by_id)
    here = loaded.conversation.id
    written, ended = _messages(tx, here, ids, firsts=firsts), ends_of(tx, ids)
    for inquiry_id, row in by_id.items():
        loaded.thread.inquiries[inquiry_id] = Inquiry(
            inquiry_id,
            row["contact_id"],
            written[inquiry_id],
            ended[inquiry_id] + _ended_before(row, ended[inquiry_id]),
            row["merged_into"],
            row["reopened_at"],
        )
        loaded.keys[inquiry_id] = row["fact_key"] or row["conversation_id"]
        loaded.stored.add(inquiry_id)


def _ended_before(row: dict[str, Any], known: Sequence[End]) -> list[End]:
    """An end that only the inquiry's columns tell: the release before wrote it, beside this one."""
    at = row["answered_at"] or row["closed_at"]
    state = InquiryState(row["state"])
    if at is None or state in AWAITS_ANSWER or row["merged_into"] is not None:
        return []
    if verdict(known, reopened_at=row["reopened_at"]).deciding is not None:
        return []
    by_hand = state is InquiryState.ANSWERED or row["reason"] == COMPLETED
    kind = EndKind.COMPLETE if by_hand else EndKind.CLOSE
    if state is InquiryState.NO_ANSWER:
        kind = EndKind.DISMISS
    reason = None if by_hand else row["reason"]
    return [End(row["id"], kind, at, "", Cut(at), reason)]


def _messages(
    tx: Read, conversation_id: UUID, inquiry_ids: Sequence[UUID], *, firsts: bool
) -> dict[UUID, list[Message]]:
    m, i = messages.c, inquiries.c
    found: dict[UUID, list[Message]] = defaultdict(list)
    columns = (m.id, m.contact_id, m.external_id, m.received_at, m.sent_at)
    query = (
        select(m.inquiry_id, *columns, m.restated_at, m.withdrawn_at)
        .join_from(messages, inquiries, i.id == m.inquiry_id)
        .where(
            m.conversation_id == conversation_id,
            among(tx, m.inquiry_id, inquiry_ids),
            m.kind == "inbound",
        )
        .order_by(m.received_at, m.id)
    )
    if firsts:
        query = query.where(m.received_at <= i.received_at)
    for inquiry_id, *values in tx.execute(query):
        found[inquiry_id].append(Message(*values))
    return found


def ends_of(tx: Read, inquiry_ids: Sequence[UUID]) -> dict[UUID, list[End]]:
    """The ends of these inquiries, in order of their moments."""
    e = ends.c
    found: dict[UUID, list[End]] = defaultdict(list)
    rows = tx.execute(
        select(ends).where(among(tx, e.inquiry_id, inquiry_ids)).order_by(e.at, e.id)
    ).mappings()
    for row in rows:
        until = row["covers_until"]
        found[row["inquiry_id"]].append(
            End(
                row["id"],
                EndKind(row["kind"]),
                row["at"],
                row["by"],
                None if until is None else Cut(until, row["covers_message_id"]),
                row["reason"],
                row["follow_up_at"],
                row["taken_back"],
                row["revision"],
                row["key_name"],
                row["edits_until"],
            )
        )
    return found


def _in_question(found: Iterable[Inquiry], *, since: datetime | None) -> list[Message]:
    """The messages that a post may answer."""
    return [
        message
        for inquiry in found
        if inquiry.awaits_answer or since is not None
        for message in inquiry.messages
    ]


def _add_posts(
    tx: Read,
    loaded: Loaded,
    waiting: Sequence[Message],
    *,
    since: datetime | None,
    coming: str | None,
    contact_id: UUID | None,
) -> None:
    """Posts since the earliest of the messages, those under one, and those that are ends.

    With `contact_id` without those that answer somebody else.
    """
    moments = [min(m.sent_at or m.received_at, m.received_at) for m in waiting]
    earliest = min([*moments, *([] if since is None else [since])], default=None)
    p = own_posts.c
    here = select(own_posts).where(p.conversation_id == loaded.conversation.id)
    if contact_id is not None:
        here = here.where(or_(p.contact_id.is_(None), p.contact_id == contact_id))
    if earliest is None:
        rows = tx.rows(here.order_by(p.received_at.desc(), p.id).limit(MOST))
    else:
        by_moment = here.order_by(func.coalesce(p.sent_at, p.received_at), p.id).limit(MOST)
        names = [m.external_id for m in waiting] + ([] if coming is None else [coming])
        rows = tx.rows(by_moment.where(among(tx, p.parent, names)))
        rows += tx.rows(by_moment.where(p.received_at >= earliest))
    _take(loaded, rows)
    _add_ending_posts(tx, loaded)


def _add_ending_posts(tx: Read, loaded: Loaded) -> None:
    """Posts that are ends of what is loaded: without them nobody knows what those ends cover."""
    missing = {
        end.id
        for inquiry in loaded.thread.inquiries.values()
        for end in inquiry.ends
        if end.cut is None and end.id not in loaded.posts
    }
    _take(loaded, tx.rows(select(own_posts).where(among(tx, own_posts.c.id, sorted(missing)))))


def _take(loaded: Loaded, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        if row["id"] not in loaded.posts:
            loaded.posts[row["id"]] = row
            loaded.thread.posts.append(post_of(row))


def post_of(row: dict[str, Any]) -> Post:
    return Post(
        row["id"],
        PostKind(row["kind"]),
        row["author_name"] or "",
        row["received_at"],
        row["sent_at"],
        row["parent"],
        row["waits_for"] is not None,
        row["named"],
        row["contact_id"],
        row["attached"],
        row["by_hand"],
    )
