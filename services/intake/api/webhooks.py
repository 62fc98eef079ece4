"""`POST /intake/v1/webhooks/{channel}`: what connectors send."""

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
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.intake import store
from services.intake.api.desk import IntakeDesk
from services.intake.connectors.standard_webhooks import verify
from services.intake.domain.message import Accepted
from services.intake.domain.thread import PostKind
from services.intake.incoming import from_webhook
from services.intake.inquiries import posts
from services.intake.inquiries.posts import OwnPost
from services.intake.rules import ChannelRules
from services.intake.schemas import WebhookAnswer, WebhookEvent, WebhookMessage
from shared.errors import FieldProblem, InvalidError
from shared.ids import new_id
from shared.web.problems import RefusedError, documented, field_problems, summary
from shared.web.strict_json import require_json, strict_json

PATH = "/intake/v1/webhooks/{channel}"
MESSAGE_CREATED = "message.created"
MOST_ITEMS = 1000

log = structlog.get_logger()


def route(desk: IntakeDesk) -> Route:
    accepted = desk.metrics.counter("desk_messages", "Inbound messages by outcome.", "outcome")

    async def receive_webhook(request: Request) -> Response:
        channel = desk.rules.channel(request.path_params["channel"])
        raw = await request.body()
        now = desk.clock.now()
        _verify(channel, request, raw, now)
        require_json(request)
        result = await Delivery(desk, channel, now).work_off(raw)
        for outcome, count in result.counts().items():
            if count:
                accepted.labels(outcome).inc(count)
        return result.response()

    return Route(PATH, receive_webhook, methods=["POST"], name="receive_webhook")


def _verify(channel: ChannelRules, request: Request, raw: bytes, now: datetime) -> None:
    if not channel.keys:
        raise RefusedError(
            401,
            "channel-secret-missing",
            f"the channel {channel.name} has no webhook secret; set "
            f"DESK_SECRET_{channel.name.upper()} to the secret that the connector signs with",
        )
    verify(channel.keys, dict(request.headers.raw), raw, now=now)


@dataclass(slots=True)
class _Result:
    """What became of the items of one delivery."""

    accepted: int = 0
    duplicate: int = 0
    ignored: int = 0
    inquiries: dict[int, UUID] = field(default_factory=dict)
    errors: dict[int, tuple[FieldProblem, ...]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        return {
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "ignored": self.ignored,
            "broken": len(self.errors),
        }

    def add(self, number: int, placed: Accepted) -> None:
        if placed.duplicate:
            self.duplicate += 1
        else:
            self.accepted += 1
        self.inquiries[number] = placed.inquiry_id

    def body(self) -> dict[str, Any]:
        """The fields of WebhookAnswer."""
        return {
            **self.counts(),
            "inquiries": [str(inquiry) for _, inquiry in sorted(self.inquiries.items())],
            "errors": [
                {"index": n, "field": p.field, "problem": p.problem, "expected": p.expected}
                for n, problems in sorted(self.errors.items())
                for p in problems
            ],
        }

    def answer(self) -> WebhookAnswer:
        return WebhookAnswer.model_validate(self.body())

    def response(self) -> Response:
        """200 when nothing changed because all of it was known, else 202."""
        repeated = self.duplicate > 0 and not (self.accepted or self.errors)
        return Response(
            json.dumps(self.body(), separators=(",", ":")),
            200 if repeated else 202,
            media_type="application/json",
        )


class Delivery:
    """One signed delivery on its way into the desk."""

    def __init__(self, desk: IntakeDesk, channel: ChannelRules, now: datetime) -> None:
        self._desk = desk
        self._channel = channel
        self._now = now
        self._result = _Result()

    async def work_off(self, raw: bytes) -> _Result:
        event = await self._parse(raw)
        if event.type != MESSAGE_CREATED:
            self._result.ignored = len(event.data) if isinstance(event.data, list) else 1
            return self._result
        if not isinstance(event.data, list):
            await self._only(event.data)
        else:
            await self._each(event.data)
        return self._result

    async def work_off_kept(self, kept: str) -> _Result:
        """What the quarantine holds: one item's data, or a whole delivery."""
        data = strict_json(kept.encode())
        if isinstance(data, dict) and "data" in data and "type" in data:
            return await self.work_off(kept.encode())
        await self._only(data)
        return self._result

    async def _parse(self, raw: bytes) -> WebhookEvent:
        try:
            return WebhookEvent.model_validate_json(raw)
        except ValidationError as error:
            if error.errors(include_url=False)[0]["type"] != "json_invalid":
                raise await self._not_understood(raw, error) from error
        # Once more with the patient parser: half a character in one item of a list must not cost
        # the others.
        try:
            return WebhookEvent.model_validate(strict_json(raw))
        except ValidationError as error:
            raise await self._not_understood(raw, error) from error
        except RefusedError as error:
            await self._quarantine(raw.decode("utf-8", "replace"), error.detail)
            raise

    async def _not_understood(self, raw: bytes, error: ValidationError) -> RefusedError:
        problems = field_problems(error.errors(include_url=False))
        await self._quarantine(raw.decode("utf-8", "replace"), summary(problems))
        return RefusedError(422, "invalid-request", summary(problems), *problems)

    async def _only(self, data: Any) -> None:
        """A single message that is broken is the sender's error, and it is told so."""
        await self._item(0, data)
        if self._result.errors:
            problems = self._result.errors[0]
            raise RefusedError(422, "invalid-request", summary(problems), *problems)

    async def _each(self, items: list[Any]) -> None:
        if len(items) > MOST_ITEMS:
            raise InvalidError(
                "invalid-request",
                f"data holds {len(items)} items",
                FieldProblem("data", "is too long", f"at most {MOST_ITEMS} items per delivery"),
            )
        threads: dict[str, list[tuple[int, Any]]] = {}
        for number, data in enumerate(items):
            if self._looks_back(data):
                await self._threads(threads)
                await self._item(number, data)
                threads = {}
            else:
                threads.setdefault(_thread_named(data), []).append((number, data))
        await self._threads(threads)

    async def _threads(self, threads: Mapping[str, Sequence[tuple[int, Any]]]) -> None:
        """Side by side, but each thread in the order of the list: its first message opens it."""
        await _all([self._in_order(items) for items in threads.values()])

    async def _in_order(self, items: Sequence[tuple[int, Any]]) -> None:
        for number, data in items:
            await self._item(number, data)

    def _looks_back(self, data: Any) -> bool:
        """Whether what becomes of this item depends on the items before it being stored.

        A message of our own answers one of them; one without a thread belongs to its parent's.
        """
        if not isinstance(data, dict):
            return False
        author = data.get("author")
        ours = isinstance(author, dict) and str(author.get("id")) in self._channel.own_ids
        return ours or (data.get("thread_id") is None and data.get("parent_id") is not None)

    async def _item(self, number: int, data: Any) -> None:
        try:
            message = WebhookMessage.model_validate(data)
            placed = await self._accept(message, self._received_at(number))
        except ValidationError as error:
            await self._broken(number, data, field_problems(error.errors(include_url=False)))
        except InvalidError as error:
            await self._broken(number, data, error.problems)
        else:
            if placed is None:
                self._result.ignored += 1
            else:
                self._result.add(number, placed)

    def _received_at(self, number: int) -> datetime:
        """A microsecond apart: the order of the list decides between items without times."""
        return self._now + timedelta(microseconds=number)

    async def _accept(self, message: WebhookMessage, received_at: datetime) -> Accepted | None:
        """None for a message of our own, which is a reply or nothing, never an inquiry."""
        if message.author.id in self._channel.own_ids:
            await self._own_post(message, received_at)
            return None
        thread = message.thread_id or await self._thread_of(message)
        incoming = from_webhook(
            message,
            channel=self._channel.name,
            thread=thread or message.parent_id or message.id,
            guessed=thread is None,
            audience=self._channel.audience.value,
            known=self._desk.rules.hashtags,
            now=received_at,
        )
        placed = await self._desk.committer.accept(incoming)
        self._desk.relay.wake()
        return placed

    async def _thread_of(self, message: WebhookMessage) -> str | None:
        """Without a thread of its own a message belongs to its parent's, or begins one.

        None when only the parent could tell, and it has not been seen.
        """
        if message.parent_id is None:
            return message.id
        return await self._desk.database.read(
            store.thread_of, channel=self._channel.name, external_id=message.parent_id
        )

    async def _own_post(self, message: WebhookMessage, received_at: datetime) -> None:
        post = OwnPost(
            channel=self._channel.name,
            external_id=message.id,
            author=message.author.name or message.author.id,
            text=message.text,
            kind=PostKind(self._channel.own_posts.value),
            received_at=received_at,
            sent_at=message.sent_at and min(message.sent_at, received_at),
            thread=message.thread_id,
            parent=message.parent_id,
            audience=self._channel.audience.value,
        )
        if await self._desk.database.write(posts.hear, post, teller=self._desk.teller()):
            self._desk.relay.wake()

    async def _broken(self, number: int, data: Any, problems: tuple[FieldProblem, ...]) -> None:
        self._result.errors[number] = problems
        await self._quarantine(json.dumps(data, ensure_ascii=True), summary(problems))

    async def _quarantine(self, raw: str, reason: str) -> None:
        """Keep what a connector signed and we could not understand; nothing disappears."""
        identifier = new_id()
        await self._desk.database.write(
            store.add_quarantined,
            {
                "id": identifier,
                "channel": self._channel.name,
                "sha256": hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest(),
                "raw": raw.replace("\0", "\ufffd"),
                "reason": reason,
                "received_at": self._now,
            },
        )
        log.warning(
            "webhook.quarantined", channel=self._channel.name, quarantine_id=str(identifier)
        )


def _thread_named(data: Any) -> str:
    """Which thread the item names, as far as that can be seen before it is checked."""
    if not isinstance(data, dict):
        return ""
    return str(data.get("thread_id") or data.get("id"))


async def _all(items: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Let all come to their end; then a part that is down makes the sender try again."""
    for outcome in await asyncio.gather(*items, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def openapi_path() -> dict[str, Any]:
    return {
        PATH: {
            "post": {
                "tags": ["webhooks"],
                "operationId": "receive_webhook",
                "summary": "Receive messages from a channel's connector",
                "description": (
                    "Signed by Standard Webhooks with the channel's secret. `data` is one message "
                    "or a list in which each item stands alone. 202: at least one item was new "
                    "or told nothing; 200: all of it was known and nothing changed. A single "
                    "message that is broken gives 422; in a list it is counted and kept aside."
                ),
                "parameters": [
                    _header_parameter("webhook-id", "The delivery's id.", "msg_2b9f"),
                    _header_parameter("webhook-timestamp", "Unix seconds (UTC).", "1795337400"),
                    _header_parameter("webhook-signature", "`v1,<base64>`", "v1,K5oZ..."),
                    {
                        "name": "channel",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                        "example": "facebook",
                    },
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/WebhookEvent"}
                        }
                    },
                },
                "responses": {
                    "202": _answer("Received."),
                    "200": _answer("All of it was known; nothing changed."),
                    **{str(k): v for k, v in documented(400, 401, 404, 413, 415, 422, 503).items()},
                },
            }
        }
    }


def _header_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


def _answer(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/WebhookAnswer"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


SCHEMAS = (WebhookEvent, WebhookMessage, WebhookAnswer)
