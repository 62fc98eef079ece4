"""One signed delivery on its way into the desk: each of its items stands alone."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from pydantic_core import from_json

from services.intake.accepting.incoming import from_webhook
from services.intake.accepting.threads import thread_of
from services.intake.connectors.lenient import Adjusted, id_of
from services.intake.connectors.standard_webhooks import Understood, WebhookEvent, understood
from services.intake.dependencies import IntakeDesk
from services.intake.inquiries.domain.message import Accepted
from services.intake.inquiries.domain.thread import PostKind
from services.intake.inquiries.usecases import posts, racing
from services.intake.inquiries.usecases.placing import place
from services.intake.inquiries.usecases.posts import OwnPost
from services.intake.policy import ChannelRules
from services.intake.receiving import quarantine
from shared.bounds import MOST_SHOWN
from shared.errors import FieldProblem, InvalidError, UnavailableError
from shared.runtime.ids import new_id
from shared.web.problems import RefusedError, field_problems, summary
from shared.web.strict_json import strict_json

MESSAGE_CREATED = "message.created"
MOST_ITEMS = 1000
NOT_STORED = FieldProblem(
    "item", "could not be stored", "our fault: it is kept aside, and the log says why"
)

log = structlog.get_logger()


@dataclass(slots=True)
class Result:
    """What became of the items of one delivery, by their place in it."""

    accepted: int = 0
    duplicate: int = 0
    inquiries: dict[int, UUID] = field(default_factory=dict)
    errors: dict[int, tuple[FieldProblem, ...]] = field(default_factory=dict)
    adjusted: dict[int, tuple[Adjusted, ...]] = field(default_factory=dict)
    ignored: dict[int, str] = field(default_factory=dict)
    of_another_type: int = 0

    def counts(self) -> dict[str, int]:
        return {
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "ignored": len(self.ignored) + self.of_another_type,
            "broken": len(self.errors),
        }

    def add(self, number: int, placed: Accepted) -> None:
        if placed.duplicate:
            self.duplicate += 1
        else:
            self.accepted += 1
        self.inquiries[number] = placed.inquiry_id

    def body(self) -> dict[str, Any]:
        """The fields of WebhookAnswer; of each kind the first are named, and the rest counted."""
        errors = [
            {"index": n, "field": p.field, "problem": p.problem, "expected": p.expected}
            for n, problems in sorted(self.errors.items())
            for p in problems
        ]
        adjusted = [
            {"index": n, "field": each.field, "done": each.done}
            for n, all_of_it in sorted(self.adjusted.items())
            for each in all_of_it
        ]
        return {
            **self.counts(),
            "inquiries": [str(inquiry) for _, inquiry in sorted(self.inquiries.items())],
            "errors": errors[:MOST_SHOWN],
            "more_errors": max(0, len(errors) - MOST_SHOWN),
            "adjusted": adjusted[:MOST_SHOWN],
            "more_adjusted": max(0, len(adjusted) - MOST_SHOWN),
            "ignored_items": self._ignored_items()[:MOST_SHOWN],
        }

    def _ignored_items(self) -> list[dict[str, Any]]:
        if self.of_another_type:
            return [{"index": None, "reason": "event-type"}]
        return [{"index": n, "reason": reason} for n, reason in sorted(self.ignored.items())]


@dataclass(frozen=True, slots=True)
class _Item:
    number: int
    data: Any
    told: Understood
    keep: bool


class Delivery:
    """`received_at` is its first receipt: for what was kept aside that is long before now."""

    def __init__(
        self, desk: IntakeDesk, channel: ChannelRules, received_at: datetime, *, retried: bool
    ) -> None:
        self._desk = desk
        self._channel = channel
        self._received_at = received_at
        self._retried = retried
        self._result = Result()

    async def work_off(self, raw: bytes) -> Result:
        event = await self._parse(raw)
        if event.type != MESSAGE_CREATED:
            self._result.of_another_type = len(event.data) if isinstance(event.data, list) else 1
            return self._result
        await self._each(event.data if isinstance(event.data, list) else [event.data])
        return self._result

    async def work_off_kept(self, raw: str) -> tuple[Result, bool]:
        """What the quarantine holds: one item's data, or a whole delivery.

        With whether it can leave; of a whole delivery the items that stay are kept one by one.
        """
        document = _parsed(raw.encode("utf-8", "replace"))
        if isinstance(document, dict) and document.get("type") == MESSAGE_CREATED:
            return await self.work_off(raw.encode("utf-8", "replace")), True
        told = await self._understood(0, document, keep=False)
        if told is not None:
            await self._item(told)
        return self._result, not self._result.errors

    async def _parse(self, raw: bytes) -> WebhookEvent:
        try:
            return WebhookEvent.model_validate(_parsed(raw))
        except ValidationError as error:
            problems = field_problems(error.errors(include_url=False))
            await self._keep_whole(raw, summary(problems))
            raise RefusedError(422, "invalid-request", summary(problems), *problems) from error
        except RefusedError as error:
            await self._keep_whole(raw, error.detail)
            raise

    async def _keep_whole(self, raw: bytes, reason: str) -> None:
        text = raw.decode("utf-8", "replace")
        await self._quarantine(text, reason, quarantine.external_id_of(text))

    async def _each(self, items: Sequence[Any]) -> None:
        if len(items) > MOST_ITEMS:
            raise InvalidError(
                "invalid-request",
                f"data holds {len(items)} items",
                FieldProblem("data", "is too long", f"at most {MOST_ITEMS} items per delivery"),
            )
        threads: dict[str, list[_Item]] = {}
        for number, data in enumerate(items):
            item = await self._understood(number, data)
            if item is None:
                continue
            if self._looks_back(item):
                await self._threads(threads)
                await self._item(item)
                threads = {}
            else:
                message = item.told.message
                threads.setdefault(message.thread_id or message.id, []).append(item)
        await self._threads(threads)

    async def _understood(self, number: int, data: Any, *, keep: bool = True) -> _Item | None:
        """None for what makes nothing: what is broken, and what is empty."""
        try:
            told = understood(data, now=self._moment(number))
        except ValidationError as error:
            problems = field_problems(error.errors(include_url=False))
            await self._broken(number, data, problems, keep=keep)
            return None
        if told.adjusted:
            self._result.adjusted[number] = told.adjusted
        if told.empty:
            self._result.ignored[number] = "empty"
            return None
        return _Item(number, data, told, keep)

    async def _threads(self, threads: Mapping[str, Sequence[_Item]]) -> None:
        """Side by side, but each thread in the order of the list: its first message opens it."""
        await _all([self._in_order(items) for items in threads.values()])

    async def _in_order(self, items: Sequence[_Item]) -> None:
        for item in items:
            await self._item(item)

    def _ours(self, told: Understood) -> bool:
        author = told.message.author
        return author is not None and author.id in self._channel.own_ids

    def _looks_back(self, item: _Item) -> bool:
        """Whether what becomes of this item depends on the items before it being stored.

        A message of our own answers one of them; one without a thread belongs to its parent's.
        """
        message = item.told.message
        follows = message.thread_id is None and message.parent_id is not None
        return follows or self._ours(item.told)

    async def _item(self, item: _Item) -> None:
        try:
            if self._ours(item.told):
                await self._own_post(item)
                self._result.ignored[item.number] = "own-post"
            else:
                self._result.add(item.number, await self._accept(item))
        except UnavailableError:
            raise
        except Exception:
            # A mistake of ours in one item must neither cost the others nor be sent for ever.
            log.exception("webhook.item_failed", channel=self._channel.name)
            await self._broken(item.number, item.data, (NOT_STORED,), keep=item.keep)

    def _moment(self, number: int) -> datetime:
        """A microsecond apart: the order of the list decides between items without times."""
        return self._received_at + timedelta(microseconds=number)

    async def _accept(self, item: _Item) -> Accepted:
        message = item.told.message
        incoming = from_webhook(
            item.told,
            channel=self._channel.name,
            thread=await thread_of(
                self._desk,
                channel=self._channel.name,
                external_id=message.id,
                thread=message.thread_id,
                parent=message.parent_id,
            ),
            audience=self._channel.audience.value,
            known=self._desk.rules.hashtags,
            now=self._moment(item.number),
        )
        if self._retried:
            # It is older than what has come since, which the hot path does not look at.
            placed = await racing.write(
                self._desk.database, place, incoming, teller=self._desk.teller()
            )
        else:
            placed = await self._desk.acceptor.accept(incoming)
        self._desk.relay.wake()
        return placed

    async def _own_post(self, item: _Item) -> None:
        message, received_at = item.told.message, self._moment(item.number)
        author = message.author
        post = OwnPost(
            channel=self._channel.name,
            external_id=message.id,
            author=(author and (author.name or author.id)) or "",
            text=message.text or "",
            kind=PostKind(self._channel.own_posts.value),
            received_at=received_at,
            sent_at=message.sent_at and min(message.sent_at, received_at),
            thread=message.thread_id,
            parent=message.parent_id,
            audience=message.visibility or self._channel.audience.value,
        )
        database, teller = self._desk.database, self._desk.teller()
        if await racing.write(database, posts.hear, post, teller=teller):
            self._desk.relay.wake()

    async def _broken(
        self, number: int, data: Any, problems: tuple[FieldProblem, ...], *, keep: bool = True
    ) -> None:
        self._result.errors[number] = problems
        if keep:
            raw = json.dumps(data, ensure_ascii=True)
            await self._quarantine(raw, summary(problems), id_of(data))

    async def _quarantine(self, raw: str, reason: str, external_id: str | None) -> None:
        """Keep what a connector signed and we could not understand; nothing disappears."""
        identifier = new_id()
        new = await self._desk.database.write(
            quarantine.keep,
            {
                "id": identifier,
                "channel": self._channel.name,
                "sha256": hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest(),
                "raw": raw.replace("\0", "\ufffd"),
                "reason": reason,
                "external_id": external_id,
                "received_at": self._received_at,
            },
        )
        if new:
            log.warning(
                "webhook.quarantined", channel=self._channel.name, quarantine_id=str(identifier)
            )


def _parsed(raw: bytes) -> Any:
    """Raises RefusedError (400) for what is no JSON."""
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError:
        # Once more with the patient parser: half a character in one item of a list must not cost
        # the others.
        return strict_json(raw)


async def _all(items: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Let all come to their end; then a part that is down makes the sender try again."""
    for outcome in await asyncio.gather(*items, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
