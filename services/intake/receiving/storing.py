"""One item of a delivery, stored: a message, a post of our own, an edit, a withdrawal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from services.intake.accepting.incoming import ThreadName, from_channel, known_by_hash
from services.intake.accepting.threads import thread_of
from services.intake.connectors.items import (
    DeliveryReport,
    Edited,
    Ignored,
    IgnoredReason,
    Message,
    NewMessage,
    OwnPost,
    StaffView,
    Withdrawn,
)
from services.intake.dependencies import IntakeDependencies
from services.intake.files import store as files
from services.intake.files.domain import sorted_out
from services.intake.inquiries.domain.message import Accepted, Incoming
from services.intake.inquiries.domain.thread import PostKind
from services.intake.inquiries.store.queries import message_named
from services.intake.inquiries.usecases import edits, posts, racing, reports, staff, withdrawals
from services.intake.inquiries.usecases.edits import Edit
from services.intake.inquiries.usecases.placing import place
from services.intake.inquiries.usecases.withdrawals import Withdrawal
from services.intake.policy import ChannelRules
from services.intake.receiving.threads import (
    dated_by_receipt,
    is_another,
    parent_by_hints,
    thread_by_hints,
)

Stored = NewMessage | OwnPost | StaffView | Edited | Withdrawn | DeliveryReport
"""What changes something in the database."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Storing:
    """`retried`: it came long ago, and others have come since."""

    desk: IntakeDependencies
    channel: ChannelRules
    retried: bool

    async def item(
        self, item: Stored, *, received_at: datetime
    ) -> Accepted | Ignored | IgnoredReason:
        """The message that it made, or why it made none."""
        match item:
            case NewMessage(message):
                return await self.message(message, received_at=received_at)
            case OwnPost(message):
                await self.own_post(message, received_at=received_at)
                return "own-post"
            case StaffView(message):
                view = await self._incoming(message, received_at, by_staff=True)
                await self._write(staff.keep_view, view)
                return "staff"
            case Edited():
                return await self._edit(item, received_at)
            case Withdrawn(message_id, withdrawn_at):
                gone = Withdrawal(self.channel.name, message_id, received_at, withdrawn_at)
                await self._write(withdrawals.withdraw, gone)
                return "withdrawn"
            case DeliveryReport():
                await self._report(item, received_at)
                return "automatic"

    async def message(self, message: Message, *, received_at: datetime) -> Accepted:
        incoming = await self._incoming(message, received_at)
        if self.retried:
            # It is older than what has come since, which the hot path does not look at.
            placed = await self._write(place, incoming)
        else:
            placed = await self.desk.acceptor.accept(incoming)
            self.desk.relay.wake()
        if placed.duplicate and await is_another(self.desk, self.channel, message):
            other = replace(message, id=message.other_id or "", other_id=None)
            return await self.message(other, received_at=received_at)
        return placed

    async def _edit(
        self, edited: Edited, received_at: datetime
    ) -> Accepted | Ignored | IgnoredReason:
        message, channel, unknown = edited.message, self.channel, edited.if_unknown
        if unknown is not None and not await self._knows(message):
            return unknown
        incoming = await self._incoming(message, received_at)
        change = Edit(incoming, edited.edited_at, makes_none=unknown is not None)
        if message.author.id in channel.own_ids:
            await self._write(edits.edit_post, await self._post(message, received_at), change)
            return "edited"
        if message.author.id in channel.staff_ids:
            await self._write(staff.edit_view, change)
            return "staff"
        return await self._write(edits.edit, change) or "edited"

    async def _knows(self, message: Message) -> bool:
        return await self.desk.database.read(
            lambda tx: (
                message_named(tx, channel=self.channel.name, external_id=message.id) is not None
            )
        )

    async def _incoming(
        self, message: Message, received_at: datetime, *, by_staff: bool = False
    ) -> Incoming:
        desk, channel = self.desk, self.channel
        incoming = from_channel(
            dated_by_receipt(await self._with_files(message, received_at=received_at)),
            channel=channel.name,
            thread=await self._thread(message, by_staff=by_staff),
            audience=channel.audience.value,
            known=desk.rules.hashtags,
            now=received_at,
        )
        return incoming if channel.profile_retention is None else known_by_hash(incoming)

    async def _thread(self, message: Message, *, by_staff: bool) -> ThreadName:
        desk, channel = self.desk, self.channel
        if message.hints is not None:
            return await thread_by_hints(desk, channel, message, message.hints, by_staff=by_staff)
        return await thread_of(
            desk,
            channel=channel.name,
            external_id=message.id,
            thread=message.thread_id,
            parent=message.parent_id,
        )

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
        post = await self._post(message, received_at)
        await self._write(posts.record_own_post, post)

    async def _post(self, message: Message, received_at: datetime) -> posts.OwnPost:
        desk, channel, author = self.desk, self.channel, message.author
        kind = PostKind(channel.own_posts.value)
        if message.hints is not None:
            parent, for_others = await parent_by_hints(desk, channel.name, message, message.hints)
            message = replace(message, parent_id=parent)
            # What goes to others, as to a supplier, may be an answer: a person says.
            kind = PostKind.ASK if for_others else kind
        return posts.OwnPost(
            channel=channel.name,
            external_id=message.id,
            author=author.name or author.id or "",
            text=message.text,
            kind=kind,
            received_at=received_at,
            sent_at=message.sent_at and min(message.sent_at, received_at),
            thread=message.thread_id,
            parent=message.parent_id,
            audience=message.visibility or channel.audience.value,
            by_receipt=message.hints is not None,
        )

    async def _write(self, verb: Callable[..., T], *args: Any) -> T:
        """Every verb here is run again where another instance took in the same at once."""
        desk = self.desk
        written = await racing.write(desk.database, verb, *args, context=desk.context())
        desk.relay.wake()
        return written

    async def _report(self, report: DeliveryReport, received_at: datetime) -> None:
        """Noted on the message of ours that it is about; of what is not ours nothing is kept."""
        said = {name: getattr(report, name) for name in _REPORTED}
        await self.desk.database.write(
            reports.note_report,
            channel=self.channel.name,
            named=report.message_ids,
            report={name: value for name, value in said.items() if value is not None},
            now=received_at,
        )


_REPORTED = ("id", "action", "status", "recipient", "text")
