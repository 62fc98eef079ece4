"""What conversations need now and then: late meetings, and an end of what answered nothing."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, exists, or_, select, tuple_

from services.intake.inquiries.store import references
from services.intake.inquiries.store.loading import lock_conversation
from services.intake.inquiries.store.storing import WriteContext
from services.intake.inquiries.usecases import conversations, racing, withdrawals
from services.intake.inquiries.usecases.posts import forget, settle
from services.intake.tables import awaited, messages, own_posts
from shared.db import Database, DatabaseUnavailableError, Read, Write
from shared.policy import KnownHashtags
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop, pause
from shared.runtime.periodic import periodic

EVERY_SECONDS = 30.0
NAME_EVERY_SECONDS = 3600.0
BETWEEN_BATCHES_SECONDS = 0.05
"""In which those who accept messages go first."""
SETTLED = timedelta(seconds=10)
"""Younger ones may still be in a transaction that has not been committed."""
AT_ONCE = 100

Missed = tuple[datetime, str, str]
"""Since when a message is waited for, its channel, and its external id."""

log = structlog.get_logger()


def name_old(database: Database) -> Loop:
    """Write the references of inquiries that a program without references has opened: once, and
    those of such a program that runs beside this one in an upgrade; how many is logged.
    """

    async def name(stop: asyncio.Event) -> None:
        try:
            if count := await name_all(database, stop):
                log.info("references.written", count=count)
        except DatabaseUnavailableError as error:
            log.warning("references.not_written", reason=str(error))

    return periodic("references", NAME_EVERY_SECONDS, name)


async def name_all(database: Database, stop: asyncio.Event) -> int:
    """How many inquiries got their references. Raises DatabaseUnavailableError."""
    count, before, more = 0, None, True
    while more and not stop.is_set():
        named, before = await racing.write(database, references.name_some, before=before)
        count, more = count + named, before is not None
        if more:
            await pause(stop, BETWEEN_BATCHES_SECONDS)
    return count


def loop(database: Database, clock: Clock, *, known: KnownHashtags, own_post_days: int) -> Loop:
    """A message and what waits for it may be committed side by side, so that neither sees the
    other: they are brought together here.
    """

    async def upkeep(_stop: asyncio.Event) -> None:
        # The database says so itself; what was not done is done next time.
        with contextlib.suppress(DatabaseUnavailableError):
            await bring_together(database, WriteContext(known, clock.now()))
            before = clock.now() - timedelta(days=own_post_days)
            await database.write(forget, before=before)
            await database.write(forget_awaited, before=before)
            await database.write(withdrawals.forget_awaited, before=before)

    return periodic("upkeep", EVERY_SECONDS, upkeep)


async def bring_together(database: Database, context: WriteContext) -> int:
    """Let everything that waited for a message that is here find it; how many."""
    before, after, count = context.now - SETTLED, None, 0
    while page := await database.read(missed, before=before, after=after):
        for each in page:
            await _bring(database, each, context)
        after, count = page[-1], count + len(page)
    return count


async def _bring(database: Database, found: Missed, context: WriteContext) -> None:
    _, channel, external_id = found
    try:
        await database.write(_settle, channel=channel, external_id=external_id, context=context)
    except DatabaseUnavailableError:
        raise
    except Exception:
        # One that cannot be brought together must not keep the others apart.
        log.exception("upkeep.failed", channel=channel, external_id=external_id)


def forget_awaited(tx: Write, *, before: datetime) -> None:
    """Messages that did not come in all that time are not waited for any longer."""
    tx.execute(delete(awaited).where(awaited.c.since < before))


def missed(tx: Read, *, before: datetime, after: Missed | None = None) -> list[Missed]:
    """Messages that are here and are still waited for, a page of them in the order of waiting."""
    a = awaited.c
    place = tuple_(a.since, a.channel, a.external_id)
    here = [
        exists().where(table.c.channel == a.channel, table.c.external_id == a.external_id)
        for table in (messages, own_posts)
    ]
    query = select(a.since, a.channel, a.external_id).where(a.since < before, or_(*here))
    if after is not None:
        query = query.where(place > after)
    rows = tx.execute(query.order_by(a.since, a.channel, a.external_id).limit(AT_ONCE))
    return [(row[0], row[1], row[2]) for row in rows]


def _settle(tx: Write, *, channel: str, external_id: str, context: WriteContext) -> None:
    conversation_id = conversations.of_message(tx, channel=channel, external_id=external_id)
    if conversation_id is not None:
        conversations.lock_with_guess(
            tx, channel=channel, external_id=external_id, home=conversation_id
        )
        conversation = lock_conversation(tx, conversation_id)
        settle(tx, conversation, external_id=external_id, context=context)
        withdrawals.apply_awaited(tx, channel=channel, external_id=external_id, context=context)
