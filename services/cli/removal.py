"""`inbound-desk retention`: remove now what the running services remove over time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from services import root
from services.intake import worker as intake
from services.router.todos import worker as router
from shared.policy import load_policy
from shared.runtime.removal import LONG_AGO, Ages
from shared.runtime.settings import DeskSettings


async def remove_old(settings: DeskSettings, *, now: datetime, dry_run: bool) -> str:
    """What was removed, or would be, in a sentence. Raises DatabaseUnavailableError."""
    kept = load_policy(settings.policy).retention
    ages = Ages(kept.messages_days, kept.sooner)
    if not ages:
        return "messages_days is not set in the policy: everything stays"
    before, sooner = ages.before(now), ages.sooner_before(now)
    if dry_run:
        gone, todos = await _count(settings, before, sooner)
    else:
        gone, todos = await _remove(settings, before, sooner, now)
    what = (
        f"{gone.conversations} conversations with {gone.messages} messages, and the customers' "
        f"texts of {todos} ToDos"
    )
    removed = "would be removed" if dry_run else "removed"
    moments = {"": before, **{f" ({reason})": at for reason, at in sooner.items()}}
    ended = ", ".join(
        f"{at.isoformat(timespec='seconds')}{reason}"
        for reason, at in moments.items()
        if at != LONG_AGO
    )
    return f"{removed}: {what}, which ended before {ended}"


async def _count(
    settings: DeskSettings, before: datetime, sooner: Mapping[str, datetime]
) -> tuple[intake.Gone, int]:
    """Also beside a desk that runs."""
    async with (
        root.opened(root.reader_of("intake", settings), "intake") as inquiries,
        root.opened(root.reader_of("router", settings), "router") as todos,
    ):
        return (
            await intake.count_old(inquiries, before=before, sooner=sooner),
            await router.count_old(todos, before=before, sooner=sooner),
        )


async def _remove(
    settings: DeskSettings, before: datetime, sooner: Mapping[str, datetime], now: datetime
) -> tuple[intake.Gone, int]:
    never, gone = asyncio.Event(), intake.Gone()
    async with (
        root.opened(root.database_of("intake", settings), "intake") as inquiries,
        root.opened(root.database_of("router", settings), "router") as todos,
    ):
        await intake.remove_once(
            inquiries, before=before, sooner=sooner, now=now, gone=gone, stop=never
        )
        return gone, await router.remove_once(
            todos, before=before, sooner=sooner, now=now, stop=never
        )
