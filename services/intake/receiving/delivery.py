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
    NewMessage,
    OwnPost,
    Withdrawn,
)
from services.intake.connectors.port import Parts, Reading
from services.intake.dependencies import IntakeDependencies
from services.intake.policy import ChannelRules
from services.intake.receiving.off_loop import off_loop
from services.intake.receiving.outcome import Result
from services.intake.receiving.quarantine import keep_aside
from services.intake.receiving.storing import Storing
from shared.errors import FieldProblem, InvalidError, UnavailableError
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
    item: NewMessage | OwnPost


class Delivery:
    """`received_at` is its first receipt: for what was kept aside that is long before now. `keep`:
    what is broken is to be kept aside (again). What was not `proven` says so in its details.
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
        self._channel = channel
        self._received_at = received_at
        self._keep = keep
        self._proven = proven
        self._size = size
        self._storing = Storing(desk, channel, retried)
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
                case DeliveryReport():
                    self._result.ignored[number] = "automatic"
                case Edited() | Withdrawn():
                    self._result.ignored[number] = "event-type"
                case NewMessage() | OwnPost() as item:
                    numbered = _Numbered(number, raw, item)
                    if _looks_back(item):
                        await self._side_by_side(threads)
                        threads = {}
                        await self._store(numbered)
                    else:
                        thread = item.message.thread_id or item.message.id
                        threads.setdefault(thread, []).append(numbered)
        await self._side_by_side(threads)
        return self._result

    async def _read(self, number: int, raw: Any) -> Item:
        reading = Reading(self._moment(number), self._channel.own_ids)
        try:
            item = await off_loop(self._size, self._channel.connector.read, raw, reading)
        except Exception:
            log.exception("webhook.item_failed", channel=self._channel.name)
            return Broken((NOT_STORED,))
        if not isinstance(item, NewMessage | OwnPost):
            return item
        if item.adjusted:
            self._result.adjusted[number] = item.adjusted
        if not self._proven:
            item = _marked(item)
        return classified(item, self._channel.own_ids)

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
        number, item = numbered.number, numbered.item
        received_at = self._moment(number)
        try:
            if isinstance(item, OwnPost):
                await self._storing.own_post(item.message, received_at=received_at)
                self._result.ignored[number] = "own-post"
            else:
                placed = await self._storing.message(item.message, received_at=received_at)
                self._result.add(number, placed)
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


def _marked(item: NewMessage | OwnPost) -> NewMessage | OwnPost:
    """Whoever reads it sees that anybody may have sent it."""
    details = {**(item.message.details or {}), "proven": False}
    return replace(item, message=replace(item.message, details=details))


def classified(item: NewMessage | OwnPost, own_ids: frozenset[str]) -> Item:
    """What no format needs to know: a message without content is none, and one of ours is ours."""
    if item.message.empty:
        return Ignored("empty")
    if item.message.author.id in own_ids:
        return OwnPost(item.message, item.adjusted)
    return item


def _looks_back(item: NewMessage | OwnPost) -> bool:
    """Whether what becomes of this item depends on the items before it being stored.

    A message of our own answers one of them; one without a thread belongs to its parent's.
    """
    message = item.message
    follows = message.thread_id is None and message.parent_id is not None
    return follows or isinstance(item, OwnPost)


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
