"""What intake does now and then: forget what nobody needs any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from uuid import UUID

import structlog

from services.intake.inquiries.store import queries
from services.intake.inquiries.usecases import retention
from services.intake.receiving import once, quarantine
from shared.db import Database, DatabaseUnavailableError, Reader, Write
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic
from shared.runtime.removal import RETENTION_EVERY_SECONDS, Ages, pages

EVERY_SECONDS = 3600.0

log = structlog.get_logger()


def forget_keys(database: Database, clock: Clock, *, days: int) -> Loop:
    """Forget the Idempotency-Keys that nobody will repeat any more, and tokens that are too old."""

    async def forget(_stop: asyncio.Event) -> None:
        try:
            now = clock.now()
            await database.write(queries.forget_keys, before=now - timedelta(days=days))
            await database.write(once.forget, before=now)
        except DatabaseUnavailableError as error:
            log.warning("idempotency.not_forgotten", reason=str(error))

    return periodic("idempotency", EVERY_SECONDS, forget)


def tidy_quarantine(
    database: Database,
    clock: Clock,
    *,
    days: int,
    ids: quarantine.MessageIds,
    terms: Mapping[str, timedelta],
) -> Loop:
    """Delete what was repaired, and what is older than that many days, or than the terms of its
    channel allow; both are logged.
    """

    named = False

    async def tidy(_stop: asyncio.Event) -> None:
        nonlocal named
        try:
            if not named:
                await name_kept(database, ids)
                named = True
            now = clock.now()
            await tidy_once(
                database,
                before=now - timedelta(days=days),
                terms={channel: now - age for channel, age in terms.items()},
            )
        except DatabaseUnavailableError as error:
            log.warning("quarantine.not_tidied", reason=str(error))

    return periodic("quarantine", EVERY_SECONDS, tidy)


@dataclass(slots=True)
class Gone:
    """What was removed, or would be: whole conversations, their messages, people of no other."""

    conversations: int = 0
    messages: int = 0
    people: int = 0


def remove_old(database: Database, clock: Clock, *, ages: Ages) -> Loop:
    """Remove the conversations that ended so long ago; what goes is logged."""

    async def remove(stop: asyncio.Event) -> None:
        now, gone = clock.now(), Gone()
        try:
            await remove_once(
                database,
                before=ages.before(now),
                sooner=ages.sooner_before(now),
                now=now,
                gone=gone,
                stop=stop,
            )
        except DatabaseUnavailableError as error:
            log.warning("retention.not_removed", service="intake", reason=str(error))
        finally:
            if gone.messages:
                log.info("retention.removed", service="intake", **asdict(gone))

    return periodic("retention", RETENTION_EVERY_SECONDS, remove)


async def remove_once(
    database: Database,
    *,
    before: datetime,
    now: datetime,
    gone: Gone,
    stop: asyncio.Event,
    sooner: Mapping[str, datetime] = MappingProxyType({}),
) -> None:
    """Remove what ended before that moment, in small transactions; counts what is done in `gone`.

    Raises DatabaseUnavailableError; what had been removed by then stays removed.
    """
    remove = partial(retention.remove, before=before, sooner=sooner, now=now)
    async for found in pages(database, retention.old, stop=stop, before=before, sooner=sooner):
        for each in found.conversations:
            await _remove_one(database, each, remove, gone=gone, stop=stop)
        await _forget_people(database, gone, stop)
    count = 1
    while count and not stop.is_set():
        count = await database.write(retention.remove_without_inquiry, before=before)
        gone.messages += count
    await _forget_people(database, gone, stop)


async def _remove_one(
    database: Database,
    conversation_id: UUID,
    remove: Callable[[Write, UUID], retention.Removed],
    *,
    gone: Gone,
    stop: asyncio.Event,
) -> None:
    whole = False
    while not whole and not stop.is_set():
        try:
            done = await database.write(remove, conversation_id)
        except DatabaseUnavailableError:
            raise
        except Exception:
            # What keeps this one from being removed must keep no other.
            log.exception("retention.failed", conversation_id=str(conversation_id))
            return
        whole = done.whole
        gone.conversations += done.conversations
        gone.messages += done.messages


async def _forget_people(database: Database, gone: Gone, stop: asyncio.Event) -> None:
    """Those whose last words are gone; also what an earlier turn had no time for."""
    looked_at = 1
    while looked_at and not stop.is_set():
        people, looked_at = await database.write(retention.forget_people)
        gone.people += people


async def count_old(
    database: Reader,
    *,
    before: datetime,
    sooner: Mapping[str, datetime] = MappingProxyType({}),
) -> Gone:
    """What `remove_once` would remove, people aside."""
    gone = Gone()
    seen: set[UUID] = set()
    async for found in pages(database, retention.old, before=before, sooner=sooner):
        fresh = [each for each in found.conversations if each not in seen]
        seen.update(fresh)
        gone.conversations += len(fresh)
        gone.messages += await database.read(retention.messages_in, fresh)
    return gone


async def tidy_once(database: Database, *, before: datetime, terms: Mapping[str, datetime]) -> None:
    """Delete what was repaired, and what came before that moment, or before its channel's."""
    repaired = forgotten = 0
    while gone := await database.write(quarantine.forget_repaired):
        repaired += gone
    if repaired:
        log.info("quarantine.repaired", count=repaired)
    moments = [(None, before), *terms.items()]
    for channel, moment in moments:
        while gone := await database.write(
            quarantine.forget_before, before=moment, channel=channel
        ):
            forgotten += gone
    if forgotten:
        log.warning("quarantine.forgotten", count=forgotten)


async def name_kept(database: Database, ids: quarantine.MessageIds) -> None:
    """Note the ids of what was kept before ids were noted: by them it is seen to be repaired."""
    after = await database.write(quarantine.name_kept, ids=ids, after=None)
    while after is not None:
        after = await database.write(quarantine.name_kept, ids=ids, after=after)
