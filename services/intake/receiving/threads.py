"""Where a message belongs that only hints at it (`items.ThreadHints`), as every mail does.

Anybody can name any mail. So a thread is one person's, and somebody else who names its mails,
forwarded or guessed, has an inquiry and a conversation of their own.
"""

from __future__ import annotations

from dataclasses import replace

from services.intake.accepting.incoming import ThreadName
from services.intake.connectors.items import Message, ThreadHints
from services.intake.dependencies import IntakeDependencies
from services.intake.inquiries.domain.message import ID_LIMIT, hashed_identity
from services.intake.inquiries.store import taking_part
from services.intake.inquiries.usecases import racing
from services.intake.inquiries.usecases.claiming import claim_thread
from services.intake.policy import ChannelRules
from shared.text.references import find_in

MOST_NAMES = 20
"""Messages that one names and that are kept with it, the nearest."""


async def thread_by_hints(
    desk: IntakeDependencies,
    channel: ChannelRules,
    message: Message,
    hints: ThreadHints,
    *,
    by_staff: bool = False,
) -> ThreadName:
    """The conversation of a message that it names and in which its author takes part, as our staff
    does in all; else the one that its author has under the thread's first message, whatever of it
    comes first.
    """
    identity = _identity(channel, message)
    if identity is None:
        return ThreadName(message.id)
    meant = await _meant(desk, channel.name, None if by_staff else identity, hints)
    if meant is not None:
        return ThreadName(meant)
    claimed = await racing.write(
        desk.database,
        claim_thread,
        channel=channel.name,
        thread=message.thread_id or message.id,
        external_id=message.id,
        identity=identity,
        author=message.author,
        audience=message.visibility or channel.audience.value,
        now=desk.clock.now(),
    )
    return ThreadName(claimed)


def dated_by_receipt(message: Message) -> Message:
    """A message with hints, as of a mail, without a moment of its own: its date is the clock of
    whoever sent it, and a slow one would date what somebody asks before the answer that they read.
    The date is kept to be shown, and so are the messages that it names.
    """
    if message.hints is None:
        return message
    names = [each for each in message.hints.messages if len(each) <= ID_LIMIT][:MOST_NAMES]
    said = {"date": message.sent_at and message.sent_at.isoformat(), "names": names}
    details = {**(message.details or {}), **{key: each for key, each in said.items() if each}}
    return replace(message, sent_at=None, details=details or None)


async def is_another(desk: IntakeDependencies, channel: ChannelRules, message: Message) -> bool:
    """Whether the message that is known by this one's id is another: some programs give the same
    to all their mails. Only what has an `other_id` can be another.
    """
    if message.other_id is None:
        return False
    return await desk.database.read(
        taking_part.is_another,
        channel=channel.name,
        external_id=message.id,
        identity=_identity(channel, message),
        sent_at=message.sent_at,
        text=message.text,
    )


def _identity(channel: ChannelRules, message: Message) -> str | None:
    """What its author is known by on the channel."""
    identity = message.author.key()
    if identity is None or channel.profile_retention is None:
        return identity
    return hashed_identity(channel.name, identity)


async def _meant(
    desk: IntakeDependencies, channel: str, identity: str | None, hints: ThreadHints
) -> str | None:
    references = [each for text in hints.texts for each in find_in(text)]
    if not (hints.messages or references):
        return None
    return await desk.database.read(
        taking_part.thread_meant,
        channel=channel,
        identity=identity,
        named=hints.messages,
        references=references,
    )


async def parent_by_hints(
    desk: IntakeDependencies, channel: str, message: Message, hints: ThreadHints
) -> tuple[str | None, bool]:
    """Which message one of ours answers, and whether it went to somebody else than its author."""
    known = await desk.database.read(taking_part.first_known, channel=channel, named=hints.messages)
    details = message.details or {}
    recipients = [*details.get("to", ()), *details.get("cc", ())]
    if known is None or not recipients:
        return message.parent_id, False
    others = await desk.database.read(
        taking_part.written_to_somebody_else, channel=channel, parent=known, recipients=recipients
    )
    return known, others
