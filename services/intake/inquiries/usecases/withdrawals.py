"""Withdrawals: what a customer took back is kept for those who answer, and shown as withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update

from services.intake.inquiries.store import facts
from services.intake.inquiries.store import queries as rows
from services.intake.inquiries.store.loading import load, lock_conversation
from services.intake.inquiries.store.storing import WriteContext, ids_of, store
from services.intake.inquiries.store.versions import with_later_words
from services.intake.inquiries.usecases import conversations
from services.intake.tables import awaited, messages, withdrawn_messages
from shared.db import Write
from shared.db.among import among
from shared.db.upsert import insert_into
from shared.events import Envelope
from shared.messaging import outbox
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """`withdrawn_at` is the platform's moment, where it says one; moments in UTC."""

    channel: str
    external_id: str
    received_at: datetime
    withdrawn_at: datetime | None = None

    @property
    def moment(self) -> datetime:
        received_at = self.received_at
        return received_at if self.withdrawn_at is None else min(self.withdrawn_at, received_at)


def withdraw(tx: Write, withdrawal: Withdrawal, *, context: WriteContext) -> None:
    """Mark the message; one that has not come yet will be withdrawn when it comes.

    An inquiry that has no other message ends. What a post of ours ended stays ended: whether the
    customer saw it, only a person can say.
    """
    name = {"channel": withdrawal.channel, "external_id": withdrawal.external_id}
    if rows.message_removed(tx, **name) is not None:
        return
    found = rows.message_named(tx, **name)
    if found is not None:
        _mark(tx, found, withdrawal.moment, context)
    elif conversations.of_message(tx, **name) is None:
        _await(tx, withdrawal, context.now)


def apply_awaited(tx: Write, *, channel: str, external_id: str, context: WriteContext) -> None:
    """A message and its withdrawal may be committed side by side, so that neither saw the other."""
    found = rows.message_named(tx, channel=channel, external_id=external_id)
    if found is not None:
        at = conversations.withdrawn_before(tx, channel=channel, external_id=external_id)
        if at is not None:
            _mark(tx, found, at, context)


def forget_awaited(tx: Write, *, before: datetime) -> None:
    """What has not come in all that time will not come."""
    w = withdrawn_messages.c
    tx.execute(delete(withdrawn_messages).where(w.received_at < before))


def _mark(tx: Write, found: dict[str, Any], at: datetime, context: WriteContext) -> None:
    """The message is withdrawn, and whatever it was edited to."""
    conversation = lock_conversation(tx, found["conversation_id"])
    all_of_it = with_later_words(tx, found)
    fresh = [each for each in all_of_it if each["withdrawn_at"] is None]
    here = among(tx, messages.c.id, [each["id"] for each in fresh])
    tx.execute(update(messages).where(here).values(withdrawn_at=at))
    if found["kind"] != "inbound":
        return
    inquiry_ids = sorted({each["inquiry_id"] for each in fresh})
    loaded = load(tx, conversation, contact_id=found["contact_id"], inquiry_ids=inquiry_ids)
    changes: list[Envelope] = []
    for each in fresh:
        inquiry = loaded.thread.inquiries.get(each["inquiry_id"])
        if inquiry is not None:
            fact = facts.withdrawn({**each, "withdrawn_at": at}, ids_of(loaded, inquiry))
            key = str(loaded.keys[inquiry.id])
            changes.append(Envelope(new_id(), key, context.now, fact))
    outbox.record(tx, changes)
    store(tx, loaded, context)


def _await(tx: Write, withdrawal: Withdrawal, now: datetime) -> None:
    """The message needs care when it comes, however long others have waited for it already."""
    name = {"channel": withdrawal.channel, "external_id": withdrawal.external_id}
    row = insert_into(tx, withdrawn_messages)
    moments = {"withdrawn_at": withdrawal.moment, "received_at": now}
    tx.execute(row.values(**name, **moments).on_conflict_do_nothing())
    waits = insert_into(tx, awaited).values(**name, since=now)
    tx.execute(
        waits.on_conflict_do_update(index_elements=["channel", "external_id"], set_={"since": now})
    )
