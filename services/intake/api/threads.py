"""Which conversation a message belongs to, the same for what comes by webhook and over REST."""

from __future__ import annotations

from services.intake import store
from services.intake.api.desk import IntakeDesk
from services.intake.incoming import ThreadName


async def thread_of(
    desk: IntakeDesk, *, channel: str, external_id: str, thread: str | None, parent: str | None
) -> ThreadName:
    """Without a thread of its own a message belongs to its parent's, or begins one."""
    if thread is not None:
        return ThreadName(thread)
    if parent is None:
        return ThreadName(external_id)
    found = await desk.database.read(store.thread_of, channel=channel, external_id=parent)
    return ThreadName(parent, guessed=True) if found is None else ThreadName(found)
