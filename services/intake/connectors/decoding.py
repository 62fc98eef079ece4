"""How bodies are read, for several formats the same."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from services.intake.connectors.port import WebhookRequest
from shared.web.strict_json import require_json_type, strict_json


def json_document(body: bytes, request: WebhookRequest | None) -> Any:
    """Raises RefusedError: 415 unless the request says that it is JSON, 400 for what is none."""
    if request is not None:
        require_json_type((request.header("content-type") or b"").decode("latin-1"))
    return parsed_json(body)


def parsed_json(body: bytes) -> Any:
    """Raises RefusedError (400) for what is no JSON."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        # The strict parser takes lone surrogates: one in an item of a list must not cost the
        # others.
        return strict_json(body)
