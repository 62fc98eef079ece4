"""What was sent with the form, taken in, and how it stands since."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from uuid import UUID

import orjson
import structlog

from services.intake.connectors.items import Message
from services.intake.dependencies import IntakeDependencies
from services.intake.form import store
from services.intake.form.arrivals import Arrivals
from services.intake.inquiries.domain.message import Accepted
from services.intake.receiving import quarantine
from services.intake.receiving.storing import Storing
from shared.errors import UnavailableError
from shared.runtime.ids import new_id

WAIT_SECONDS = 1.0
"""How long a customer waits for the due time; then the page is shown without it."""
KEY_BYTES = 32

log = structlog.get_logger()


async def key_of(desk: IntakeDependencies) -> bytes:
    """That with which the form's tokens are signed, the same in all instances and after a restart.

    Raises DatabaseUnavailableError.
    """
    found = await desk.database.read(store.find_key)
    if found is not None:
        return found
    fresh = secrets.token_bytes(KEY_BYTES)
    return await desk.database.write(store.make_key, fresh, now=desk.clock.now())


async def take(desk: IntakeDependencies, channel: str, message: Message) -> Accepted:
    """As any other message; a repeat changes nothing. Raises UnavailableError."""
    now = desk.clock.now()
    desk.activity.delivered(channel, now)
    storing = Storing(desk, desk.rules.channel(channel), retried=False)
    return await storing.message(message, received_at=now)


async def due_time_known(
    desk: IntakeDependencies, arrivals: Arrivals, inquiry_id: UUID, *, seconds: float
) -> bool:
    """Wait until it is known by when the inquiry is answered; False when that takes too long, or
    nothing can be read: the message is stored all the same.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        while True:
            more = arrivals.next
            if await desk.database.read(store.due_time, inquiry_id) is not None:
                return True
            async with asyncio.timeout_at(deadline):  # a query is never cut off
                await more.wait()
    except (TimeoutError, UnavailableError):
        return False


async def keep_suspected(desk: IntakeDependencies, channel: str, message: Message) -> None:
    """Keep aside what a program seems to have sent: a person may still find a customer in it.

    It is kept as a webhook's item, so that trying it again makes it a message. Of its files the
    names are kept.
    """
    raw = orjson.dumps(_item(message)).decode()
    identifier = new_id()
    new = await desk.database.write(
        quarantine.keep,
        {
            "id": identifier,
            "channel": channel,
            "sha256": hashlib.sha256(raw.encode()).hexdigest(),
            "raw": raw,
            "reason": quarantine.SUSPECTED,
            "external_id": message.id,
            "received_at": desk.clock.now(),
        },
    )
    if new:
        log.info("form.suspected", channel=channel, quarantine_id=str(identifier))


def _item(message: Message) -> dict[str, object]:
    author = message.author
    return {
        "id": message.id,
        "thread_id": message.thread_id,
        "author": {"name": author.name, "email": author.email},
        "subject": message.subject,
        "text": message.text,
        "visibility": message.visibility,
        "attachments": [{"name": each.name, "size": len(each.content)} for each in message.files],
    }
