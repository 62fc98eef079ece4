"""A signed POST by Standard Webhooks 1.0.0."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import httpx

from shared.notifications.domain import Attempt
from shared.runtime.clock import Clock
from shared.web.app import VERSION
from shared.web.signing import sign

GONE = 410


class WebhookSender:
    def __init__(self, url: str, keys: Sequence[bytes], *, clock: Clock, seconds: float) -> None:
        """Each of the keys signs. A receiver has `seconds` for its answer.

        Raises ValueError for an address that cannot be one; the message does not repeat it.
        """
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError("this is not a web address") from error
        self._keys = keys
        self._clock = clock
        self._seconds = seconds
        self._client: httpx.AsyncClient | None = None

    async def send(self, event_id: UUID, body: str) -> Attempt:
        content = body.encode()
        try:
            # httpx counts each step by itself: a receiver that drips could hold us for ever.
            async with (
                asyncio.timeout(self._seconds),
                self._opened().stream(
                    "POST", self._url, content=content, headers=self._headers(event_id, content)
                ) as response,
            ):
                # Nothing of what it says is read: only whether it took the message matters.
                return _judged(response.status_code, response.headers.get("retry-after", ""))
        except (TimeoutError, httpx.TimeoutException):
            return Attempt(delivered=False, error=f"no answer within {self._seconds:g} seconds")
        except httpx.HTTPError as error:
            return Attempt(delivered=False, error=f"{type(error).__name__}: {error}"[:300])

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                follow_redirects=False, timeout=httpx.Timeout(self._seconds)
            )
        return self._client

    def _headers(self, event_id: UUID, content: bytes) -> dict[str, str]:
        webhook_id, timestamp = str(event_id), int(self._clock.now().timestamp())
        signatures = (
            sign(key, webhook_id=webhook_id, timestamp=timestamp, body=content)
            for key in self._keys
        )
        return {
            "content-type": "application/json",
            "user-agent": f"inbound-desk/{VERSION}",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }


def _judged(status: int, retry_after: str) -> Attempt:
    if 200 <= status < 300:
        return Attempt(delivered=True, status=status)
    if status == GONE:
        error = "the receiver is gone: mend its address, or take the target out of the policy"
        return Attempt(delivered=False, status=status, error=error, gone=True)
    # The other form, a date, is rare, and the usual pause does no harm.
    wait = timedelta(seconds=int(retry_after)) if _is_seconds(retry_after) else None
    if 300 <= status < 400:
        error = f"the receiver answers {status}, and redirects are not followed"
        return Attempt(delivered=False, status=status, error=error, wait=wait)
    return Attempt(
        delivered=False, status=status, error=f"the receiver answers {status}", wait=wait
    )


def _is_seconds(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 7
