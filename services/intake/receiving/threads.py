"""Where a message belongs that only hints at it (`items.ThreadHints`), as every mail does.

Anybody can name any mail. So a thread is one person's: its name has the author in it, and somebody
else who names its mails, forwarded or guessed, has an inquiry and a conversation of their own.
"""

from __future__ import annotations

from services.intake.accepting.incoming import ThreadName
from services.intake.connectors.items import Message, ThreadHints
from services.intake.dependencies import IntakeDependencies
from services.intake.inquiries.store import taking_part
from shared.text.references import find_in


async def thread_by_hints(
    desk: IntakeDependencies, channel: str, message: Message, hints: ThreadHints
) -> ThreadName:
    """The conversation of a message that it names and in which its author takes part; else the one
    that its author has under the thread's first message, whatever of it comes first.
    """
    author = message.author.key()
    meant = await _meant(desk, channel, author, hints)
    first = message.thread_id or message.id
    return ThreadName(meant or (first if author is None else f"{first} {author}"))


async def _meant(
    desk: IntakeDependencies, channel: str, author: str | None, hints: ThreadHints
) -> str | None:
    references = [each for text in hints.texts for each in find_in(text)]
    if not (hints.messages or references):
        return None
    return await desk.database.read(
        taking_part.thread_meant,
        channel=channel,
        author_key=author,
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
