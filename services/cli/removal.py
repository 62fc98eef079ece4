"""`inbound-desk retention`: remove now what the running services remove over time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from services import root
from services.intake import worker as intake
from services.router.todos import worker as router
from shared.policy import load_policy
from shared.runtime.settings import DeskSettings


async def remove_old(settings: DeskSettings, *, now: datetime, dry_run: bool) -> str:
    """What was removed, or would be, in a sentence. Raises DatabaseUnavailableError."""
    days = load_policy(settings.policy).retention.messages_days
    if days is None:
        return "messages_days is not set in the policy: everything stays"
    before = now - timedelta(days=days)
    if dry_run:
        gone, todos = await _count(settings, before)
    else:
        gone, todos = await _remove(settings, before, now)
    what = (
        f"{gone.conversations} conversations with {gone.messages} messages, and the customers' "
        f"texts of {todos} ToDos"
    )
    removed = "would be removed" if dry_run else "removed"
    return f"{removed}: {what}, which ended before {before.isoformat(timespec='seconds')}"


async def _count(settings: DeskSettings, before: datetime) -> tuple[intake.Gone, int]:
    """Also beside a desk that runs."""
    async with (
        root.opened(root.reader_of("intake", settings), "intake") as inquiries,
        root.opened(root.reader_of("router", settings), "router") as todos,
    ):
        return (
            await intake.count_old(inquiries, before=before),
            await router.count_old(todos, before=before),
        )


async def _remove(
    settings: DeskSettings, before: datetime, now: datetime
) -> tuple[intake.Gone, int]:
    never, gone = asyncio.Event(), intake.Gone()
    async with (
        root.opened(root.database_of("intake", settings), "intake") as inquiries,
        root.opened(root.database_of("router", settings), "router") as todos,
    ):
        await intake.remove_once(inquiries, before=before, now=now, gone=gone, stop=never)
        return gone, await router.remove_once(todos, before=before, now=now, stop=never)
