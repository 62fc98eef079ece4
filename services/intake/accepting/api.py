"""`POST /intake/v1/inquiries`: what internal tools hand in, on the same path as the webhooks."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.intake.accepting.incoming import from_request, known_by_hash
from services.intake.accepting.threads import thread_of
from services.intake.dependencies import IntakeDependencies
from services.intake.inquiries.domain.message import Accepted, Idempotency
from services.intake.inquiries.request_key import LONGEST_KEY, idempotency
from services.intake.inquiries.schemas import InquiryAccepted, InquiryIn
from services.intake.inquiries.store import idempotency as requests
from services.intake.inquiries.store.idempotency import IdempotencyRaceError
from services.intake.policy import ChannelRules
from shared.access.keys import Caller, Scope
from shared.errors import ConflictError
from shared.runtime.ids import new_id
from shared.text.references import reference_of
from shared.web.hot import JsonAnswer
from shared.web.problems import RefusedError, documented, field_problems, summary
from shared.web.strict_json import require_json, strict_json

PATH = "/intake/v1/inquiries"
MAY_SUBMIT: tuple[Scope, ...] = ("inquiries:submit", "inquiries:write")
"""Whoever may write may hand in; a form on a web page needs no more than to hand in."""


def route(desk: IntakeDependencies) -> Route:
    async def post_inquiry(request: Request) -> Response:
        caller = desk.authorizer.authorize(request.headers.get("authorization"), *MAY_SUBMIT)
        require_json(request)
        raw = await request.body()
        body = _parse(raw)
        channel = desk.rules.channel_field(body.channel)
        key = idempotency(request.headers.getlist("idempotency-key"), caller, PATH, raw)
        placed = await _known(desk, key) or await _accept(desk, channel, body, caller, key)
        return _response(placed)

    return Route(PATH, post_inquiry, methods=["POST"], name="post_inquiry")


def _parse(raw: bytes) -> InquiryIn:
    """Raises RefusedError: 400 that says where it is no JSON, 422 that names the fields."""
    try:
        return InquiryIn.model_validate_json(raw)
    except ValidationError as error:
        broken = error.errors(include_url=False)[0]["type"] == "json_invalid"
        if not (broken or b"NaN" in raw or b"Infinity" in raw):
            raise _refused(error) from error
    try:
        # Says where; and takes lone surrogates, whose field then is named.
        return InquiryIn.model_validate(strict_json(raw))
    except ValidationError as error:
        raise _refused(error) from error


def _refused(error: ValidationError) -> RefusedError:
    problems = field_problems(error.errors(include_url=False))
    return RefusedError(422, "invalid-request", summary(problems), *problems)


async def _known(desk: IntakeDependencies, key: Idempotency | None) -> Accepted | None:
    if key is None:
        return None
    return await desk.database.read(requests.known_answer, key)


async def _accept(
    desk: IntakeDependencies,
    channel: ChannelRules,
    body: InquiryIn,
    caller: Caller,
    key: Idempotency | None,
) -> Accepted:
    # Without an id of its own the message gets one: only its Idempotency-Key can find it again.
    external_id = body.external_id or f"desk:{new_id()}"
    incoming = from_request(
        body,
        external_id=external_id,
        thread=await thread_of(
            desk,
            channel=channel.name,
            external_id=external_id,
            thread=body.thread_id,
            parent=body.parent_id,
        ),
        audience=channel.audience.value,
        known=desk.rules.hashtags,
        now=desk.clock.now(),
        key_name=caller.name,
        idempotency=key,
    )
    if channel.profile_retention is not None:
        incoming = known_by_hash(incoming)
    try:
        placed = await desk.acceptor.accept(incoming)
    except IdempotencyRaceError:
        known = await _known(desk, key)
        if known is None:
            raise
        return known
    if placed.duplicate and key is not None:
        await desk.database.write(requests.bind_key, key, placed.message_id, now=desk.clock.now())
    desk.relay.wake()
    return placed


def _response(placed: Accepted) -> Response:
    if placed.contact_id is None:
        raise ConflictError(
            "external-id-taken",
            "external_id is that of a reply of ours that is recorded on this channel",
        )
    answer = InquiryAccepted(
        inquiry_id=placed.inquiry_id,
        reference=reference_of(placed.inquiry_id),
        conversation_id=placed.conversation_id,
        contact_id=placed.contact_id,
        message_id=placed.message_id,
        opened=placed.opened,
    )
    return JsonAnswer(
        answer.model_dump_json().encode(),
        200 if placed.duplicate else 201,
        headers=((b"location", f"{PATH}/{placed.inquiry_id}".encode()),),
    )


def openapi_path() -> dict[str, Any]:
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/InquiryAccepted"}}}
    return {
        PATH: {
            "post": {
                "tags": ["inquiries"],
                "operationId": "post_inquiry",
                "summary": "Hand in a message of a customer",
                "description": (
                    "201 with the inquiry that the message opened or joined. A repeat of the same "
                    "(channel, external_id) gives 200 and changes nothing; a repeat of the same "
                    "Idempotency-Key gives the first answer again. The scope `inquiries:submit` is "
                    "enough, and nothing but ids comes back."
                ),
                "security": [{"HTTPBearer": []}],
                "parameters": [
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "required": False,
                        "schema": {"type": "string", "maxLength": LONGEST_KEY},
                        "example": "form-2026-11-24-0815",
                    }
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/InquiryIn"}}
                    },
                },
                "responses": {
                    "201": {"description": "Accepted.", "content": answer},
                    "200": {"description": "It had been there before.", "content": answer},
                    **{
                        str(status): response
                        for status, response in documented(
                            400, 401, 403, 413, 415, 422, 429, 503
                        ).items()
                    },
                },
            }
        }
    }


SCHEMAS = (InquiryIn, InquiryAccepted)
