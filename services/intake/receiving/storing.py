"""One item of a delivery, stored: somebody's message, or a post of our own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.intake.accepting.incoming import from_channel, known_by_hash
from services.intake.accepting.threads import thread_of
from services.intake.connectors.items import Message
from services.intake.dependencies import IntakeDependencies
from services.intake.files import store as files
from services.intake.files.domain import sorted_out
from services.intake.inquiries.domain.message import Accepted
from services.intake.inquiries.domain.thread import PostKind
from services.intake.inquiries.usecases import posts, racing
from services.intake.inquiries.usecases.placing import place
from services.intake.inquiries.usecases.posts import OwnPost
from services.intake.policy import ChannelRules


@dataclass(frozen=True, slots=True)
class Storing:
    """`retried`: it came long ago, and others have come since."""

    desk: IntakeDependencies
    channel: ChannelRules
    retried: bool

    async def message(self, message: Message, *, received_at: datetime) -> Accepted:
        desk, channel = self.desk, self.channel
        incoming = from_channel(
            await self._with_files(message, received_at=received_at),
            channel=channel.name,
            thread=await thread_of(
                desk,
                channel=channel.name,
                external_id=message.id,
                thread=message.thread_id,
                parent=message.parent_id,
            ),
            audience=channel.audience.value,
            known=desk.rules.hashtags,
            now=received_at,
        )
        if channel.profile_retention is not None:
            incoming = known_by_hash(incoming)
        if self.retried:
            # It is older than what has come since, which the hot path does not look at.
            placed = await racing.write(desk.database, place, incoming, context=desk.context())
        else:
            placed = await desk.acceptor.accept(incoming)
        desk.relay.wake()
        return placed

    async def _with_files(self, message: Message, *, received_at: datetime) -> Message:
        """Its files are kept before it is stored, so it never names one that is not there."""
        if not message.files:
            return message
        kept, attachments = sorted_out(message.files, self.desk.files)
        await self.desk.database.write(
            files.keep,
            kept,
            channel=self.channel.name,
            external_id=message.id,
            now=received_at,
        )
        return replace(message, attachments=(*message.attachments, *attachments), files=())

    async def own_post(self, message: Message, *, received_at: datetime) -> None:
        desk, channel, author = self.desk, self.channel, message.author
        post = OwnPost(
            channel=channel.name,
            external_id=message.id,
            author=author.name or author.id or "",
            text=message.text,
            kind=PostKind(channel.own_posts.value),
            received_at=received_at,
            sent_at=message.sent_at and min(message.sent_at, received_at),
            thread=message.thread_id,
            parent=message.parent_id,
            audience=message.visibility or channel.audience.value,
        )
        if await racing.write(desk.database, posts.record_own_post, post, context=desk.context()):
            desk.relay.wake()
