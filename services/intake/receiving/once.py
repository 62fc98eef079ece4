"""Proofs that are valid for one content only: a token beside a body that is not signed itself."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, select

from services.intake.connectors.port import Once, not_proven
from services.intake.tables import used_tokens
from shared.db import Database, Write
from shared.db.upsert import insert_into


async def require_first_use(database: Database, channel: str, once: Once) -> None:
    """Remember the token. Raises RefusedError (401) when it came with another content before.

    The same content may come again: a sender that got no answer repeats the token with it.
    """
    if not await database.write(use, channel, once):
        raise not_proven("token", "was used before, with another content", "a token of its own")


def use(tx: Write, channel: str, once: Once) -> bool:
    """Whether the token is new, or came with this content before."""
    t = used_tokens.c
    token, digest = sha256(once.token).hexdigest(), once.digest.hex()
    row = insert_into(tx, used_tokens).values(
        channel=channel, token=token, digest=digest, until=once.until
    )
    if tx.execute(row.on_conflict_do_nothing().returning(t.token)).scalar() is not None:
        return True
    known = select(t.digest).where(t.channel == channel, t.token == token)
    return tx.execute(known).scalar() == digest


def forget(tx: Write, *, before: datetime) -> int:
    """Delete tokens that are too old to prove anything; how many."""
    return tx.execute(delete(used_tokens).where(used_tokens.c.until < before)).rowcount
