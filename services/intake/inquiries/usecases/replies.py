"""Replies that people record: answers and holding replies, and what they count as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, update

from services.intake.inquiries.domain import covering, taking_back
from services.intake.inquiries.domain.covering import could_be_answered_by
from services.intake.inquiries.domain.ends import NETIQUETTE, Cut, End, EndKind
from services.intake.inquiries.domain.inquiry import AWAITS_ANSWER, InquiryState, NotAllowedError
from services.intake.inquiries.domain.message import Accepted, Idempotency
from services.intake.inquiries.domain.thread import Inquiry, Message, PostKind
from services.intake.inquiries.store import idempotency as requests
from services.intake.inquiries.store import queries as rows
from services.intake.inquiries.store.loading import (
    Conversation,
    Loaded,
    load,
    lock_conversation,
    post_of,
)
from services.intake.inquiries.store.reading import read_until_cut
from services.intake.inquiries.store.storing import WriteContext, message_kind, store
from services.intake.inquiries.usecases.posts import counts_elsewhere, same_words
from services.intake.tables import ends, inquiries, messages, own_posts
from shared.db import Write
from shared.db.among import among
from shared.db.upsert import insert_into
from shared.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from shared.runtime.ids import new_id

_WANTED = {"answer": "answered", "holding": "held"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An outbound message; moments in UTC.

    `sent_at` is None when it goes out now. `follow_up_at` where a holding reply named a moment.
    `read_until` is the last message that the author saw, where the author says so. `key_name` is
    the API key through which it is recorded.
    """

    kind: Literal["answer", "holding"]
    text: str
    author: str
    key_name: str | None = None
    sent_at: datetime | None = None
    follow_up_at: datetime | None = None
    external_id: str | None = None
    read_until: UUID | None = None


def reply(
    tx: Write,
    *,
    inquiry_id: UUID,
    answer: Reply,
    context: WriteContext,
    request: Idempotency | None = None,
) -> Accepted:
    """Record an answer or a holding reply of a person.

    Raises NotFoundError, ConflictError (the external id is taken, or messages came that the author
    has not seen), NotAllowedError (the inquiry takes no such reply), InvalidError.
    """
    loaded, inquiry = locked(tx, inquiry_id)
    if request is not None and (known := requests.known_answer(tx, request)) is not None:
        return known
    _allow(inquiry, answer)
    cut = _cut(tx, inquiry, answer)
    post = _same_post(tx, loaded, inquiry, answer, context.now)
    if post is None:
        message_id = _record(tx, loaded, inquiry, answer, context)
    else:
        message_id = _adopt(tx, loaded, inquiry, post, answer)
    given = End(
        message_id,
        EndKind(answer.kind),
        post_of(post).moment if post is not None else answer.sent_at or context.now,
        answer.author,
        cut,
        follow_up_at=answer.follow_up_at,
        revision=0 if post is None else _revision(tx, message_id),
        key_name=answer.key_name,
    )
    if not _stands_already(inquiry, given):
        covering.end(loaded.thread, inquiry, given)
    store(tx, loaded, context)
    if request is not None:
        requests.bind_key(tx, request, message_id, now=context.now)
    return replace(rows.message_placed(tx, message_id), inquiry_id=inquiry.id)


def reclassify(
    tx: Write,
    *,
    inquiry_id: UUID,
    reply_id: UUID,
    kind: Literal["answer", "holding", "none"],
    by: str,
    key_name: str | None,
    context: WriteContext,
) -> None:
    """A person says what a reply, or a post on the platform, counts as.

    It covers what it could have covered when it was recorded or heard. Raises NotFoundError,
    ConflictError (it covers nothing of this inquiry, or the inquiry was merged).
    """
    loaded, inquiry = locked_to_take_back(tx, inquiry_id, end_id=reply_id)
    _not_merged(inquiry)
    row = tx.row(select(messages).where(messages.c.id == reply_id))
    ours = row is not None and row["kind"] in ("answer", "holding", "post")
    if row is None or not ours or row["conversation_id"] != loaded.conversation.id:
        raise NotFoundError("unknown-reply", f"the inquiry has no reply {reply_id}")
    recorded = inquiry.end_named(reply_id)
    if recorded is not None and kind == ("none" if recorded.taken_back else recorded.kind.value):
        return
    post = tx.row(select(own_posts).where(own_posts.c.id == reply_id))
    revision, now = row["revision"] + 1, PostKind(kind)
    if recorded is not None and recorded.cut is not None:
        if post is not None:
            _note_kind(tx, loaded, post["id"], now)
        wanted = None if kind == "none" else EndKind(kind)
        taking_back.classify_reply(
            loaded.thread, inquiry, recorded, wanted, revision=revision, by=by, key_name=key_name
        )
    else:
        now = _classify_post(
            loaded, inquiry, post, now, revision=revision, by=by, key_name=key_name
        )
    tx.execute(
        update(messages)
        .where(messages.c.id == reply_id)
        .values(kind=message_kind(now), revision=revision + 1)
    )
    store(tx, loaded, context)


def locked(tx: Write, inquiry_id: UUID) -> tuple[Loaded, Inquiry]:
    """The inquiry in its conversation, which is locked. Raises NotFoundError."""
    conversation, contact_id = _locked_conversation(tx, inquiry_id)
    loaded = load(tx, conversation, contact_id=contact_id, inquiry_ids=[inquiry_id])
    return loaded, loaded.thread.inquiries[inquiry_id]


def locked_to_take_back(
    tx: Write, inquiry_id: UUID, *, end_id: UUID | None = None
) -> tuple[Loaded, Inquiry]:
    """The same with all that has answered since, and with the others that the end has ended.

    Raises NotFoundError.
    """
    conversation, contact_id = _locked_conversation(tx, inquiry_id)
    i, losing = inquiries.c, {inquiry_id}
    if end_id is not None:
        losing |= set(tx.execute(select(ends.c.inquiry_id).where(ends.c.id == end_id)).scalars())
    found = tx.execute(select(i.received_at, i.contact_id).where(among(tx, i.id, sorted(losing))))
    received, people = zip(*found, strict=True)
    loaded = load(
        tx,
        conversation,
        since=min(received),
        contact_id=contact_id if len(set(people)) == 1 else None,
        losing=sorted(losing),
    )
    return loaded, loaded.thread.inquiries[inquiry_id]


def _locked_conversation(tx: Write, inquiry_id: UUID) -> tuple[Conversation, UUID]:
    i = inquiries.c
    found = tx.execute(select(i.conversation_id, i.contact_id).where(i.id == inquiry_id)).first()
    if found is None:
        raise requests.unknown_inquiry(inquiry_id)
    return lock_conversation(tx, found[0]), found[1]


def _note_kind(tx: Write, loaded: Loaded, post_id: UUID, kind: PostKind) -> None:
    """A post that was recorded as a reply counts as what the reply counts as, also for what comes
    late.
    """
    tx.execute(update(own_posts).where(own_posts.c.id == post_id).values(kind=kind.value))
    for post in loaded.thread.posts:
        if post.id == post_id:
            post.kind = kind
            loaded.posts[post_id]["kind"] = kind.value


def _classify_post(
    loaded: Loaded,
    inquiry: Inquiry,
    row: dict[str, Any] | None,
    kind: PostKind,
    *,
    revision: int,
    by: str,
    key_name: str | None,
) -> PostKind:
    """What the post counts as then. Raises ConflictError where it can be nothing of the inquiry."""
    thread = loaded.thread
    post = next((each for each in thread.posts if row and each.id == row["id"]), None)
    if post is None and row is not None:
        post = post_of(row)
        thread.posts.append(post)
        loaded.posts[post.id] = row
    if post is None or not taking_back.classify_post(
        thread, inquiry, post, kind, revision=revision, by=by, key_name=key_name
    ):
        raise ConflictError(
            "reply-covers-nothing",
            "every message of this inquiry is later than that reply, or is somebody else's",
        )
    return post.kind


def _allow(inquiry: Inquiry, answer: Reply) -> None:
    """A written answer is stored also after the end, unless the desk found that none is due."""
    _not_merged(inquiry)
    verdict = inquiry.verdict
    refused = NotAllowedError.of(verdict.state, _WANTED[answer.kind], verdict.reason)
    if verdict.state is InquiryState.NO_ANSWER and verdict.reason == NETIQUETTE:
        raise refused
    if answer.sent_at is not None:
        _check_moment(inquiry.first, answer.sent_at)
    if answer.kind == "holding" and verdict.state not in AWAITS_ANSWER:
        raise refused


def _not_merged(inquiry: Inquiry) -> None:
    if inquiry.merged_into is not None:
        raise ConflictError(
            "inquiry-merged",
            f"it turned out to be part of the inquiry {inquiry.merged_into}: reply there",
        )
    still_there(inquiry)


def still_there(inquiry: Inquiry) -> None:
    """Raises ConflictError for one whose messages were removed."""
    if not inquiry.messages:
        raise ConflictError(
            "inquiry-removed", "its messages were removed at the age that the policy gives"
        )


def _cut(tx: Write, inquiry: Inquiry, answer: Reply) -> Cut:
    """The last message that the author could have seen."""
    if answer.read_until is not None:
        return read_until_cut(tx, inquiry, answer.read_until)
    if answer.sent_at is not None:
        return Cut(answer.sent_at)
    last = max(inquiry.messages, key=lambda each: each.place)
    return Cut(last.received_at, last.id)


def _check_moment(first: Message, sent_at: datetime) -> None:
    earliest = min(first.sent_at or first.received_at, first.received_at)
    if sent_at < earliest:
        raise InvalidError(
            "invalid-request",
            "sent_at lies before the inquiry's first message",
            FieldProblem(
                "sent_at",
                "lies before the inquiry's first message",
                f"the moment at which it went out, not before {earliest.isoformat()}",
            ),
        )


def _same_post(
    tx: Write, loaded: Loaded, inquiry: Inquiry, answer: Reply, now: datetime
) -> dict[str, Any] | None:
    """The post on the platform that this reply is, when it was seen there before.

    Raises ConflictError for one that cannot be an answer to this inquiry.
    """
    conversation = loaded.conversation
    if answer.external_id is None:
        at = answer.sent_at or now
        same = same_words(tx, conversation.id, inquiry, text=answer.text, at=at)
        return None if same is None else dict(same)
    p = own_posts.c
    found = tx.row(
        select(own_posts).where(
            p.channel == conversation.channel, p.external_id == answer.external_id
        )
    )
    if found is not None and (
        found["conversation_id"] != conversation.id
        or not could_be_answered_by(inquiry, post_of(found))
    ):
        raise _taken()
    return found


def _taken() -> ConflictError:
    return ConflictError(
        "external-id-taken",
        "a message with this external_id is already recorded on this channel",
    )


def _adopt(tx: Write, loaded: Loaded, inquiry: Inquiry, row: dict[str, Any], answer: Reply) -> UUID:
    """The post and the reply are one from now on, and what the person says it is counts."""
    post_id: UUID = row["id"]
    kind = PostKind(answer.kind)
    p, m = own_posts.c, messages.c
    tx.execute(
        update(own_posts)
        .where(p.id == post_id)
        .values(recorded=True, by_hand=True, kind=kind.value, attached=True, waits_for=None)
    )
    if loaded.conversation.public:
        # It is for this person, so no late message of somebody else is answered by it.
        mine = update(own_posts).where(p.id == post_id)
        tx.execute(mine.values(contact_id=inquiry.contact_id))
    shown = insert_into(tx, messages).values(
        id=post_id,
        conversation_id=loaded.conversation.id,
        inquiry_id=inquiry.id,
        channel=loaded.conversation.channel,
        external_id=row["external_id"],
        kind=answer.kind,
        opened=False,
        author_name=row["author_name"],
        key_name=answer.key_name,
        text=row["text"],
        sent_at=post_of(row).moment,
        received_at=row["received_at"],
    )
    tx.execute(shown.on_conflict_do_nothing())
    tx.execute(update(messages).where(m.id == post_id).values(key_name=answer.key_name))
    changed = update(messages).where(m.id == post_id, m.kind != answer.kind)
    # Told of once as something else: of all that is told of a reply the highest revision counts.
    tx.execute(changed.values(kind=answer.kind, revision=m.revision + 1))
    if not counts_elsewhere(tx, post_id, inquiry.id):
        tx.execute(update(messages).where(m.id == post_id).values(inquiry_id=inquiry.id))
    _forget_loaded(loaded, post_id)
    return post_id


def _forget_loaded(loaded: Loaded, post_id: UUID) -> None:
    """It was stored here already; the thread must not write it back as it was."""
    loaded.thread.posts = [each for each in loaded.thread.posts if each.id != post_id]


def _revision(tx: Write, message_id: UUID) -> int:
    found = tx.execute(select(messages.c.revision).where(messages.c.id == message_id)).scalar()
    return int(found or 0)


def _stands_already(inquiry: Inquiry, given: End) -> bool:
    known = inquiry.end_named(given.id)
    return known is not None and known.kind is given.kind and not known.taken_back


def _record(
    tx: Write, loaded: Loaded, inquiry: Inquiry, answer: Reply, context: WriteContext
) -> UUID:
    message_id = new_id()
    added = rows.add_message(
        tx,
        {
            "id": message_id,
            "conversation_id": loaded.conversation.id,
            "inquiry_id": inquiry.id,
            "contact_id": None,
            "channel": loaded.conversation.channel,
            "external_id": answer.external_id or f"desk:{message_id}",
            "kind": answer.kind,
            "opened": False,
            "author_name": answer.author,
            "key_name": answer.key_name,
            "text": answer.text,
            "sent_at": answer.sent_at or context.now,
            "received_at": context.now,
        },
    )
    if not added:
        raise _taken()
    return message_id
