"""The items of a delivery: each is read and stored by itself, and costs no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.intake.connectors.items import (
    Broken,
    DeliveryReport,
    Edited,
    Ignored,
    Item,
    Message,
    NewMessage,
    OwnPost,
    StaffView,
    Withdrawn,
)
from services.intake.connectors.port import Parts, Reading
from services.intake.dependencies import IntakeDependencies
from services.intake.inquiries.domain.message import Accepted
from services.intake.policy import ChannelRules
from services.intake.receiving.off_loop import off_loop
from services.intake.receiving.outcome import Result
from services.intake.receiving.quarantine import keep_aside
from services.intake.receiving.storing import Stored, Storing
from shared.errors import FieldProblem, InvalidError, UnavailableError
from shared.policy import OwnPosts
from shared.web.problems import summary

MOST_ITEMS = 1000
NOT_STORED = FieldProblem(
    "item", "could not be stored", "our fault: it is kept aside, and the log says why"
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Numbered:
    """An item at its place in the delivery, as it came and as what it is."""

    number: int
    raw: Any
    item: Stored


class Delivery:
    """`received_at` is its first receipt: for what was kept aside that is long before now. `keep`:
    what is broken is to be kept aside (again). What was not `proven` says so in its details, and
    ends nothing: a person looks at what may be a post of ours, and nothing is withdrawn by it.
    """

    def __init__(
        self,
        desk: IntakeDependencies,
        channel: ChannelRules,
        received_at: datetime,
        *,
        retried: bool = False,
        keep: bool = True,
        proven: bool = True,
        size: int = 0,
    ) -> None:
        self._desk = desk
        self._channel = channel if proven else replace(channel, own_posts=OwnPosts.ASK)
        self._received_at = received_at
        self._keep = keep
        self._proven = proven
        self._size = size
        self._storing = Storing(desk, self._channel, retried)
        self._result = Result()

    async def take(self, parts: Parts) -> Result:
        """Raises InvalidError for too many items, UnavailableError when a part of the desk is down:
        what was stored by then is known when the delivery comes again.
        """
        _check_size(parts)
        self._result.of_another_type = parts.ignored
        self._result.another_type = parts.kind
        threads: dict[str, list[_Numbered]] = {}
        for number, raw in enumerate(parts.items):
            match await self._read(number, raw):
                case Broken(problems):
                    await self._broken(number, raw, problems)
                case Ignored(reason, kind):
                    self._result.ignored[number] = reason
                    self._result.kinds[number] = kind
                case DeliveryReport() as report:
                    self._result.kinds[number] = "bounce"
                    await self._store(_Numbered(number, raw, report))
                case NewMessage() | StaffView() as item if not _looks_back(item.message):
                    thread = item.message.thread_id or item.message.id
                    threads.setdefault(thread, []).append(_Numbered(number, raw, item))
                case item:
                    # What becomes of it depends on the items before it being stored.
                    await self._side_by_side(threads)
                    threads = {}
                    await self._store(_Numbered(number, raw, item))
        await self._side_by_side(threads)
        return self._result

    async def _read(self, number: int, raw: Any) -> Item:
        reading = Reading(self._moment(number), self._channel.own_ids)
        try:
            item = await off_loop(self._size, self._channel.connector.read, raw, reading)
        except Exception:
            log.exception("webhook.item_failed", channel=self._channel.name)
            return Broken((NOT_STORED,))
        if isinstance(item, Withdrawn) and not self._proven:
            return Ignored(kind="withdrawal-not-proven")
        if not isinstance(item, NewMessage | OwnPost | Edited):
            return item
        if item.adjusted:
            self._result.adjusted[number] = item.adjusted
        if not self._proven:
            item = _marked(item)
        return classified(item, self._channel)

    def _moment(self, number: int) -> datetime:
        """A microsecond apart: the order of the list decides between items without times."""
        return self._received_at + timedelta(microseconds=number)

    async def _side_by_side(self, threads: Mapping[str, Sequence[_Numbered]]) -> None:
        """Each thread in the order of the list: its first message opens it."""
        if len(threads) == 1:
            (items,) = threads.values()
            await self._in_order(items)
        else:
            await _all([self._in_order(items) for items in threads.values()])

    async def _in_order(self, items: Sequence[_Numbered]) -> None:
        for item in items:
            await self._store(item)

    async def _store(self, numbered: _Numbered) -> None:
        number = numbered.number
        try:
            stored = await self._storing.item(numbered.item, received_at=self._moment(number))
            if isinstance(stored, Accepted):
                self._result.add(number, stored)
            elif isinstance(stored, Ignored):
                self._result.ignored[number] = stored.reason
                self._result.kinds[number] = stored.kind
            else:
                self._result.ignored[number] = stored
        except UnavailableError:
            raise
        except Exception:
            # A bug of ours in one item must neither cost the others nor be sent for ever.
            log.exception("webhook.item_failed", channel=self._channel.name)
            await self._broken(number, numbered.raw, (NOT_STORED,))

    async def _broken(self, number: int, raw: Any, problems: tuple[FieldProblem, ...]) -> None:
        self._result.errors[number] = problems
        if self._keep:
            await keep_aside(
                self._desk.database,
                json.dumps(raw, ensure_ascii=True),
                channel=self._channel.name,
                reason=summary(problems),
                external_id=self._channel.connector.id_of(raw),
                received_at=self._received_at,
            )


def _marked(item: NewMessage | OwnPost | Edited) -> NewMessage | OwnPost | Edited:
    """Whoever reads it sees that anybody may have sent it."""
    details = {**(item.message.details or {}), "proven": False}
    return replace(item, message=replace(item.message, details=details))


def classified(item: NewMessage | OwnPost | Edited, channel: ChannelRules) -> Item:
    """What no format needs to know: a message without content is none, and one of ours is ours."""
    if item.message.empty:
        return Ignored("empty")
    if isinstance(item, NewMessage) and item.message.author.id in channel.own_ids:
        return OwnPost(item.message, item.adjusted)
    if isinstance(item, NewMessage) and item.message.author.id in channel.staff_ids:
        # What one of us hands on is somebody's question.
        handed_on = "forwarded_from" in (item.message.details or {})
        return item if handed_on else StaffView(item.message)
    return item


def _looks_back(message: Message) -> bool:
    """Without a thread a message belongs to its parent's, a mail to that of the mails it names."""
    named = message.hints.messages if message.hints is not None else ()
    return bool(named) or (message.thread_id is None and message.parent_id is not None)


def _check_size(parts: Parts) -> None:
    if len(parts.items) > MOST_ITEMS:
        raise InvalidError(
            "invalid-request",
            f"{parts.named} holds {len(parts.items)} items",
            FieldProblem(parts.named, "is too long", f"at most {MOST_ITEMS} items per delivery"),
        )


async def _all(items: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Let all come to their end; then a part that is down makes the sender try again."""
    for outcome in await asyncio.gather(*items, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
