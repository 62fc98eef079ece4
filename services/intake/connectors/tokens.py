"""Proof by a shared secret in a header: whoever knows it may send, and the body is not signed."""

from __future__ import annotations

from collections.abc import Sequence

from services.intake.connectors.port import WebhookRequest, not_proven
from services.intake.connectors.signing import of_base64, same

_AUTHORIZATION = "authorization"


def require_bearer(request: WebhookRequest, expected: Sequence[bytes]) -> None:
    """RFC 6750. Raises RefusedError (401)."""
    if not same([_credentials(request, b"bearer")], expected):
        raise not_proven(
            _AUTHORIZATION,
            "fits none of this channel's secrets",
            "send `Authorization: Bearer <the channel's secret>`",
        )


def require_basic(request: WebhookRequest, expected: Sequence[bytes]) -> None:
    """RFC 7617, in UTF-8 or Latin-1. `expected` are `user:password`. Raises RefusedError (401)."""
    given = of_base64(_credentials(request, b"basic")) or b""
    if not same([given], [each for secret in expected for each in _spellings(secret)]):
        raise not_proven(
            _AUTHORIZATION,
            "fits none of this channel's secrets",
            "put user and password of the channel's secret into the address",
        )


def _credentials(request: WebhookRequest, scheme: bytes) -> bytes:
    """Those of that scheme, empty where there are none."""
    kind, _, credentials = (request.header(_AUTHORIZATION) or b"").strip().partition(b" ")
    return credentials.strip() if kind.lower() == scheme else b""


def _spellings(secret: bytes) -> tuple[bytes, bytes]:
    return secret, secret.decode().encode("latin-1", "replace")
