"""Which conversation a message belongs to, the same for what comes by webhook and over REST."""

from __future__ import annotations

from services.intake.accepting.incoming import ThreadName
from services.intake.dependencies import IntakeDependencies
from services.intake.inquiries.store import queries


async def thread_of(
    desk: IntakeDependencies,
    *,
    channel: str,
    external_id: str,
    thread: str | None,
    parent: str | None,
) -> ThreadName:
    """Without a thread of its own a message belongs to its parent's, or begins one."""
    if thread is not None:
        return ThreadName(thread)
    if parent is None:
        return ThreadName(external_id)
    found = await desk.database.read(queries.thread_of, channel=channel, external_id=parent)
    return ThreadName(parent, guessed=True) if found is None else ThreadName(found)
