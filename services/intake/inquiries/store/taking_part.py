"""Which conversation somebody means, of those in which they take part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select

from services.intake.tables import conversations, identities, inquiries, messages, own_posts
from shared.db import Read


def thread_meant(
    tx: Read,
    *,
    channel: str,
    identity: str | None,
    named: Sequence[str],
    references: Sequence[str] = (),
) -> str | None:
    """The name of the conversation of the first of these messages, or else inquiries, that is
    known and in which this person takes part (None: anybody); None where there is none.

    Who names somebody else's conversation, forwarded or guessed, takes no part in it.
    """
    by_reference = _conversations_by_reference(tx, channel, references)
    for found in (*_conversations_of(tx, channel, named), *by_reference):
        if identity is None or takes_part(
            tx, channel=channel, identity=identity, conversation_id=found
        ):
            c = conversations.c
            return tx.execute(select(c.thread).where(c.id == found)).scalar()
    return None


def is_another(
    tx: Read,
    *,
    channel: str,
    external_id: str,
    identity: str | None,
    sent_at: datetime | None,
    text: str,
) -> bool:
    """Whether the customer's message with that id is from somebody else, or from another moment;
    where neither says one, whether it has other words.
    """
    m, i = messages.c, identities.c
    known = tx.execute(
        select(m.contact_id, m.details, m.text).where(
            m.channel == channel, m.external_id == external_id, m.kind == "inbound"
        )
    ).first()
    if known is None:
        return False
    theirs = select(i.key).where(i.contact_id == known[0], i.channel == channel)
    if identity is not None and identity not in set(tx.execute(theirs).scalars()):
        return True
    date = (known[1] or {}).get("date")
    if sent_at is None or date is None:
        return bool(known[2] != text)
    return bool(date != sent_at.isoformat())


def first_known(tx: Read, *, channel: str, named: Sequence[str]) -> str | None:
    """The first of these messages that is here, a customer's or one of ours."""
    known = _known(tx, channel, named)
    return next((each for each in named if each in known), None)


def written_to_somebody_else(
    tx: Read, *, channel: str, parent: str, recipients: Sequence[str]
) -> bool:
    """Whether these addresses are all of others than who wrote the message, as far as is known;
    where they wanted the answer is theirs as well.
    """
    m, i = messages.c, identities.c
    found = select(i.email, m.details).join_from(messages, identities, i.contact_id == m.contact_id)
    mine = (m.channel == channel, m.external_id == parent, i.email.is_not(None))
    addresses: set[str] = set()
    for email, details in tx.execute(found.where(*mine)):
        addresses |= {email.lower(), *(details or {}).get("reply_to", ())}
    return bool(addresses) and addresses.isdisjoint(recipients)


def _conversations_of(tx: Read, channel: str, named: Sequence[str]) -> list[UUID]:
    """In the order of the messages."""
    known = _known(tx, channel, named)
    return list(dict.fromkeys(known[each] for each in named if each in known))


def _conversations_by_reference(tx: Read, channel: str, references: Sequence[str]) -> list[UUID]:
    if not references:
        return []
    i = inquiries.c
    named = select(i.conversation_id).where(i.channel == channel, i.reference.in_(references))
    return [row[0] for row in tx.execute(named.order_by(i.received_at.desc()).limit(10))]


def _known(tx: Read, channel: str, named: Sequence[str]) -> dict[str, UUID]:
    """The conversation of each message that is here. Mails may be recorded with their brackets."""
    if not named:
        return {}
    ids = [spelling for each in named for spelling in (each, f"<{each}>")]
    found: dict[str, UUID] = {}
    for table in (messages, own_posts):
        t = table.c
        rows = select(t.external_id, t.conversation_id).where(
            t.channel == channel, t.external_id.in_(ids)
        )
        for external_id, conversation_id in tx.execute(rows):
            found.setdefault(external_id.strip("<>"), conversation_id)
    return found


def takes_part(tx: Read, *, channel: str, identity: str, conversation_id: UUID) -> bool:
    """Whether something of this person's is in the conversation."""
    m, i = messages.c, identities.c
    wrote = (
        select(m.id)
        .join_from(messages, identities, i.contact_id == m.contact_id)
        .where(m.conversation_id == conversation_id, i.channel == channel, i.key == identity)
    )
    return bool(tx.execute(select(exists(wrote))).scalar())
