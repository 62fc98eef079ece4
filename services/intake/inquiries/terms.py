"""Holds the terms of platforms: what may be kept for a short time only is removed in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import structlog

from services.intake.inquiries.usecases import racing
from services.intake.inquiries.usecases import terms as usecases
from services.intake.inquiries.usecases.terms import Terms
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic
from shared.runtime.removal import EARLY, TERMS_EVERY_SECONDS, pages

log = structlog.get_logger()


@dataclass(slots=True)
class Gone:
    messages: int = 0
    people: int = 0


def loop(database: Database, clock: Clock, all_terms: Sequence[Terms]) -> Loop:
    """Remove what is as old as its channel's terms allow; what goes is logged."""

    async def hold(stop: asyncio.Event) -> None:
        for terms in all_terms:
            gone = Gone()
            try:
                await hold_once(database, terms, now=clock.now(), gone=gone, stop=stop)
            except DatabaseUnavailableError as error:
                log.warning("terms.not_held", service="intake", reason=str(error))
            if gone.messages or gone.people:
                log.info("terms.held", service="intake", channel=terms.channel, **asdict(gone))

    return periodic("terms", TERMS_EVERY_SECONDS, hold)


async def hold_once(
    database: Database, terms: Terms, *, now: datetime, gone: Gone, stop: asyncio.Event
) -> None:
    """Remove what has to go, in small transactions; counts in `gone` what is done.

    Raises DatabaseUnavailableError.
    """
    if terms.words is not None:
        before = now - terms.words + EARLY
        await _remove_words(database, terms.channel, before=before, now=now, gone=gone, stop=stop)
    if terms.profiles is not None:
        before = now - terms.profiles + EARLY
        await _forget_people(database, terms.channel, before=before, gone=gone, stop=stop)


async def _remove_words(
    database: Database,
    channel: str,
    *,
    before: datetime,
    now: datetime,
    gone: Gone,
    stop: asyncio.Event,
) -> None:
    for search in (usecases.with_old_words, usecases.with_old_words_alone):
        async for found in pages(database, search, stop=stop, channel=channel, before=before):
            for each in found.conversations:
                gone.messages += await _of_one(
                    database, each, channel=channel, before=before, now=now, stop=stop
                )


async def _of_one(
    database: Database,
    conversation_id: UUID,
    *,
    channel: str,
    before: datetime,
    now: datetime,
    stop: asyncio.Event,
) -> int:
    count, last = 0, usecases.AT_ONCE
    try:
        while last == usecases.AT_ONCE and not stop.is_set():
            last = await database.write(
                usecases.remove_words, conversation_id, channel=channel, before=before, now=now
            )
            count += last
    except DatabaseUnavailableError:
        raise
    except Exception:
        # What keeps the words of this one must keep those of no other.
        log.exception("terms.failed", conversation_id=str(conversation_id))
    return count


async def _forget_people(
    database: Database, channel: str, *, before: datetime, gone: Gone, stop: asyncio.Event
) -> None:
    after: str | None = ""
    while after is not None and not stop.is_set():
        _, after = await racing.write(
            database, usecases.hash_identities, channel=channel, after=after
        )
    after = ""
    while after is not None and not stop.is_set():
        count, after = await database.write(
            usecases.forget_profiles, channel=channel, before=before, after=after
        )
        gone.people += count
