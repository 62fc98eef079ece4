"""The words of messages that were edited: those that they have, and those that they had before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from services.intake.inquiries.domain.edits import Version, Versions
from services.intake.inquiries.domain.message import Incoming
from services.intake.inquiries.domain.thread import Message
from services.intake.tables import message_versions, messages
from shared.db import Read, Write
from shared.db.among import among
from shared.runtime.ids import new_id

MOST_KEPT = 20
"""Earlier versions of one message: what it said at first, and the newest."""

Row = Mapping[str, Any]
_NOT_TAKEN_OVER = ("edited_at", "restated_at", "withdrawn_at", "words_removed_at", "key_name")
_WORDS = ("text", "full_text", "subject", "attachments")


def with_later_words(tx: Read, message: Row) -> list[dict[str, Any]]:
    """The message and those that it was restated to, in their order."""
    m = messages.c
    first = tx.rows(select(messages).where(m.id == message["id"]))
    later = select(messages).where(m.edit_of == message["id"]).order_by(m.received_at, m.id)
    return first + tx.rows(later)


def rewrite(
    tx: Write, message: Row, edit: Version, new: Incoming, *, dated: bool
) -> Versions | None:
    """Give the message the words of an edit and keep what it said; `dated` as in `Versions.has`.

    None where it goes on saying the same, else the versions of before.
    """
    versions = _versions(tx, message)
    words = {
        "text": new.text,
        "full_text": new.full_text,
        # Platforms leave out what did not change.
        "subject": new.subject or message["subject"],
        "attachments": list(new.attachments) or message["attachments"],
    }
    if versions.has(edit, dated=dated):
        return None
    if not versions.is_newest(edit):
        _keep(tx, message["id"], edit, words)
        return None
    if not versions.removed:
        _keep(tx, message["id"], versions.current, {name: message[name] for name in _WORDS})
    # Also whether somebody may have written this who was not the author.
    details = {**(message["details"] or {}), **(new.details or {})}
    changed = update(messages).where(messages.c.id == message["id"])
    tx.execute(changed.values(**words, details=details or None, edited_at=edit.since))
    return versions


def version_of(message: Row, new: Incoming, since: datetime) -> Version:
    """What the edit makes of the message."""
    return Version(new.full_text or new.text, new.subject or message["subject"], since, edited=True)


def insert_restated(tx: Write, message: Row, later: Message) -> None:
    """The message's words once more, as a message of their own."""
    changed = update(messages).where(messages.c.id == message["id"])
    tx.execute(changed.values(restated_at=None))
    root = message["edit_of"] or message["id"]
    own = {
        "id": later.id,
        "external_id": later.external_id,
        "received_at": later.received_at,
        "sent_at": later.sent_at,
        "edit_of": root,
        "opened": False,
        **dict.fromkeys(_NOT_TAKEN_OVER),
    }
    tx.execute(insert(messages).values({**message, **own}))


def earlier_versions(tx: Read, message_ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What these messages said before, newest first."""
    v = message_versions.c
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    query = select(message_versions).where(among(tx, v.message_id, message_ids))
    for row in tx.rows(query.order_by(v.edited.desc(), v.since.desc(), v.id.desc())):
        found[row["message_id"]].append(row)
    return found


def forget_versions(tx: Write, message_ids: Sequence[UUID]) -> None:
    v = message_versions.c
    tx.execute(delete(message_versions).where(among(tx, v.message_id, message_ids)))


def _versions(tx: Read, message: Row) -> Versions:
    edited_at, received_at = message["edited_at"], message["received_at"]
    since = edited_at or min(message["sent_at"] or received_at, received_at)
    edited = edited_at is not None or message["edit_of"] is not None
    earlier = earlier_versions(tx, [message["id"]])[message["id"]]
    return Versions(
        _version(message, since, edited=edited),
        [_version(row, row["since"], edited=row["edited"]) for row in earlier],
        removed=message["words_removed_at"] is not None and not message["text"],
    )


def _version(row: Row, since: datetime, *, edited: bool) -> Version:
    return Version(row["full_text"] or row["text"], row["subject"], since, edited)


def _keep(tx: Write, message_id: UUID, version: Version, words: Mapping[str, Any]) -> None:
    row = {"id": new_id(), "message_id": message_id, "since": version.since}
    tx.execute(insert(message_versions).values(**row, edited=version.edited, **words))
    v = message_versions.c
    kept = select(v.id).where(v.message_id == message_id, v.edited.is_(True))
    too_old = kept.order_by(v.since.desc(), v.id.desc()).offset(MOST_KEPT - 1)
    old = list(tx.execute(too_old).scalars())
    tx.execute(delete(message_versions).where(among(tx, v.id, old)))
