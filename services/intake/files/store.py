"""Every query of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, exists, select, tuple_

from services.intake.files.domain import File
from services.intake.tables import files, inquiries, messages
from shared.db import Read, Write
from shared.db.among import among
from shared.db.upsert import insert_into

AT_ONCE = 100
"""Files that are swept in one transaction, in which nobody else writes to SQLite."""

_OF_ITS_MESSAGE = and_(
    messages.c.channel == files.c.channel, messages.c.external_id == files.c.external_id
)


@dataclass(frozen=True, slots=True)
class Download:
    name: str
    type: str
    sha256: str
    content: bytes


def keep(tx: Write, kept: Sequence[File], *, channel: str, external_id: str, now: datetime) -> None:
    """Keep the files of a message that is about to be stored, instead of those that an earlier try
    has left. A message that is stored already keeps its own.
    """
    m, f = messages.c, files.c
    stored = select(m.id).where(m.channel == channel, m.external_id == external_id)
    if tx.execute(stored).first() is not None:
        return
    tx.execute(delete(files).where(f.channel == channel, f.external_id == external_id))
    for each in kept:
        row = insert_into(tx, files).values(
            channel=channel,
            external_id=external_id,
            position=each.position,
            name=each.name,
            type=each.type,
            size=len(each.content),
            sha256=each.sha256,
            content_id=each.content_id,
            content=each.content,
            kept_at=now,
        )
        # Sent twice at once, the other one has kept it meanwhile.
        tx.execute(row.on_conflict_do_nothing())


def find(tx: Read, *, inquiry_id: UUID, message_id: UUID, position: int) -> Download | None:
    """The file of a message in the conversation of that inquiry."""
    f = files.c
    query = (
        select(f.name, f.type, f.sha256, f.content)
        .join_from(files, messages, _OF_ITS_MESSAGE)
        .join(inquiries, inquiries.c.conversation_id == messages.c.conversation_id)
        .where(inquiries.c.id == inquiry_id, messages.c.id == message_id, f.position == position)
    )
    row = tx.execute(query).first()
    return None if row is None else Download(row[0], row[1], row[2], row[3])


def remove_of(tx: Write, message_ids: Sequence[UUID]) -> None:
    """Those of messages that are about to be removed."""
    m, f = messages.c, files.c
    theirs = select(m.channel, m.external_id).where(among(tx, m.id, message_ids))
    tx.execute(delete(files).where(tuple_(f.channel, f.external_id).in_(theirs)))


def sweep(tx: Write, *, before: datetime) -> int:
    """Remove some files from before that moment whose message never came; how many."""
    f = files.c
    lonely = (
        select(f.channel, f.external_id, f.position)
        .where(f.kept_at < before, ~exists().where(_OF_ITS_MESSAGE))
        .limit(AT_ONCE)
    )
    rows = tx.execute(lonely).all()
    for each in rows:
        here = and_(
            f.channel == each.channel,
            f.external_id == each.external_id,
            f.position == each.position,
        )
        tx.execute(delete(files).where(here))
    return len(rows)
