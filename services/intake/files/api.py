"""Files as downloads: never shown in a page, never run."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from services.intake.dependencies import IntakeDependencies
from services.intake.files import store
from services.intake.files.domain import MOST_FILES, content_disposition
from shared.access.keys import Caller
from shared.errors import NotFoundError
from shared.web.app import api_router
from shared.web.problems import documented

SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"
_ANYTHING = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}


def router(desk: IntakeDependencies) -> APIRouter:
    api = api_router("intake", "inquiries")
    reads = desk.authorizer.requires("inquiries:read")

    @api.get(
        "/inquiries/{inquiry_id}/messages/{message_id}/files/{position}",
        summary="Download a file that came with a message",
        response_class=Response,
        responses={
            200: {"description": "The file as it came.", **_ANYTHING},
            304: {"description": "It is the one that you have."},
            **documented(404),
        },
    )
    async def download_file(
        inquiry_id: UUID,
        message_id: UUID,
        position: Annotated[int, Path(ge=0, lt=MOST_FILES)],
        if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
        _caller: Caller = reads,
    ) -> Response:
        """As it came from the sender, who is not to be trusted: type and name are his words. The
        `attachments` of a message name this address as `url`; the ETag is the SHA-256.
        """
        found = await desk.database.read(
            store.find, inquiry_id=inquiry_id, message_id=message_id, position=position
        )
        if found is None:
            raise NotFoundError("unknown-file", "the desk has no such file")
        tag = f'"{found.sha256}"'
        headers = {
            "etag": tag,
            "cache-control": "no-store",
            "content-disposition": content_disposition(found.name),
            "content-security-policy": SANDBOX,
            "x-content-type-options": "nosniff",
        }
        if tag in (if_none_match or ""):
            return Response(status_code=304, headers=headers)
        return Response(
            found.content, media_type=None, headers={**headers, "content-type": found.type}
        )

    return api
