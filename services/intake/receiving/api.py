"""`POST /intake/v1/webhooks/{channel}`: what connectors send."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.intake.connectors.standard_webhooks import (
    Claim,
    WebhookEvent,
    WebhookMessage,
    claim_of,
    verify,
)
from services.intake.dependencies import IntakeDesk
from services.intake.policy import ChannelRules
from services.intake.receiving.delivery import Delivery, Result
from services.intake.receiving.schemas import WebhookAnswer
from shared.runtime.telemetry import Metrics
from shared.web.notes import notes
from shared.web.problems import RefusedError, documented
from shared.web.strict_json import require_json

PATH = "/intake/v1/webhooks/{channel}"


def route(desk: IntakeDesk) -> Route:
    count = _counting(desk.metrics)

    async def receive_webhook(request: Request) -> Response:
        channel = desk.rules.channel(request.path_params["channel"])
        notes().channel = channel.name
        claim = _claim(channel, request, desk.clock.now())
        raw = await request.body()
        verify(channel.keys, claim, raw)
        desk.rates.take(channel.name)  # now it is certain who sends: a forger takes nothing away
        require_json(request)
        result = await Delivery(desk, channel, desk.clock.now(), retried=False).work_off(raw)
        count(result)
        return response(result)

    return Route(PATH, receive_webhook, methods=["POST"], name="receive_webhook")


def _counting(metrics: Metrics) -> Callable[[Result], None]:
    outcomes = metrics.counter("desk_messages", "Inbound messages by outcome.", "outcome")
    adjusted = metrics.counter(
        "desk_webhook_adjusted", "Fields that were cut, replaced or left out.", "field"
    )
    ignored = metrics.counter("desk_webhook_ignored", "Items that made no inquiry.", "reason")

    def count(result: Result) -> None:
        for outcome, items in result.counts().items():
            if items:
                outcomes.labels(outcome).inc(items)
        for each in result.adjusted.values():
            for adjustment in each:
                adjusted.labels(adjustment.field).inc()
        for reason in result.ignored.values():
            ignored.labels(reason).inc()
        if result.of_another_type:
            ignored.labels("event-type").inc(result.of_another_type)

    return count


def _claim(channel: ChannelRules, request: Request, now: datetime) -> Claim:
    if not channel.keys:
        raise RefusedError(
            401,
            "channel-secret-missing",
            f"the channel {channel.name} has no webhook secret; set "
            f"DESK_SECRET_{channel.name.upper()} to the secret that the connector signs with",
        )
    return claim_of(request.headers.raw, now=now)


def response(result: Result) -> Response:
    """200 when nothing changed because all of it was known, else 202."""
    repeated = result.duplicate > 0 and not (result.accepted or result.errors)
    return Response(
        json.dumps(result.body(), separators=(",", ":")),
        200 if repeated else 202,
        media_type="application/json",
    )


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
                    "or told nothing; 200: all of it was known and nothing changed. A field that "
                    "does not fit is cut or left out, see `adjusted`; what has no id is counted as "
                    "broken and kept aside. See docs/connectors.md."
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
                    **{
                        str(k): v
                        for k, v in documented(400, 401, 404, 413, 415, 422, 429, 503).items()
                    },
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
