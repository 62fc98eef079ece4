"""`POST /intake/v1/webhooks/{channel}`: what connectors send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from services.intake.connectors.port import WebhookRequest
from services.intake.connectors.standard_webhooks import WebhookEvent, WebhookMessage
from services.intake.dependencies import IntakeDependencies
from services.intake.receiving.schemas import WebhookAnswer
from services.intake.receiving.usecases import Receiver
from shared.web.hot import JSON, JsonAnswer
from shared.web.notes import notes
from shared.web.problems import documented

PATH = "/intake/v1/webhooks/{channel}"


def routes(desk: IntakeDependencies, receiver: Receiver) -> list[Route]:
    """One for POST, and one for the other methods that some channel's connector answers."""

    async def receive_webhook(request: Request) -> Response:
        channel = desk.rules.channel(request.path_params["channel"])
        notes().channel = channel.name
        answer = await receiver.receive(
            channel, _request(request.scope, desk.public_url), request.body
        )
        if answer.media_type == JSON and not answer.headers:
            return JsonAnswer(answer.body, answer.status)
        return Response(
            answer.body, answer.status, headers=answer.headers, media_type=answer.media_type
        )

    others = set[str]().union(*(each.connector.methods for each in desk.rules.channels.values()))
    return [
        Route(PATH, receive_webhook, methods=[*methods], name="receive_webhook")
        for methods in ({"POST"}, others - {"POST"})
        if methods
    ]


def limit_of(desk: IntakeDependencies) -> Callable[[str], int | None]:
    """By path, the bytes of a delivery where the channel's format may need more than any other."""
    limits = {
        PATH.replace("{channel}", name): channel.connector.body_limit
        for name, channel in desk.rules.channels.items()
    }
    return limits.get


def _request(scope: Scope, origin: str) -> WebhookRequest:
    return WebhookRequest(
        scope["method"],
        scope["headers"],
        path=scope.get("raw_path", b"").decode("latin-1"),
        query=scope["query_string"],
        scheme=scope.get("scheme", "https"),
        origin=origin,
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
                    "or was ignored; 200: all of it was known and nothing changed. A field that "
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
