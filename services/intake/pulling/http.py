"""Asking an API over HTTP: bounded in time and size, every failure in one word."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from services.intake.pulling.source import Failure, PullError
from shared.runtime.clock import Clock
from shared.web.app import VERSION
from shared.web.problems import RefusedError
from shared.web.strict_json import strict_json

SECONDS = 30.0
LONGEST_ANSWER = 16 * 1_048_576


class Api:
    """One server's, asked with one secret. Redirects are not followed: they may lead anywhere."""

    def __init__(self, server: str, *, clock: Clock, named: str) -> None:
        """`named` is what a person calls the server in an error."""
        self._server = server.rstrip("/")
        self._clock = clock
        self._named = named
        self._client: httpx.AsyncClient | None = None

    async def get(
        self,
        path: str,
        parameters: Mapping[str, str | int],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON. Raises PullError, which has the answer to a refusal in `refusal`."""
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._opened().stream(
                    "GET", f"{self._server}{path}", params=dict(parameters), headers=headers
                ) as response,
            ):
                body = await self._read(response)
        except (TimeoutError, httpx.TimeoutException):
            reason = f"{self._named} gives no answer within {SECONDS:g} seconds"
            raise PullError("unreachable", reason) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its text may hold the address, and that a key.
            reason = f"{self._named} cannot be reached ({type(error).__name__})"
            raise PullError("unreachable", reason) from None
        if response.status_code != httpx.codes.OK:
            raise self._refused(response, body)
        return self._document(body)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            headers = {"user-agent": f"inbound-desk/{VERSION}", "accept": "application/json"}
            self._client = httpx.AsyncClient(
                follow_redirects=False, timeout=httpx.Timeout(SECONDS), headers=headers
            )
        return self._client

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LONGEST_ANSWER:
                raise PullError("answer", f"{self._named} answers with more than can be read")
        return bytes(body)

    def _document(self, body: bytes) -> Any:
        try:
            return strict_json(body)
        except RefusedError as error:
            reason = f"{self._named} answers with what is no JSON: {error.detail}"
            raise PullError("answer", reason) from None

    def _refused(self, response: httpx.Response, body: bytes) -> RefusedByServer:
        status = response.status_code
        kind: Failure = (
            "limited" if status == httpx.codes.TOO_MANY_REQUESTS
            else "credentials" if status in (401, 403)
            else "unreachable" if status >= 500
            else "answer"
        )  # fmt: skip
        try:
            document = strict_json(body)
        except RefusedError:
            document = None
        return RefusedByServer(
            kind,
            f"{self._named} answers {status}",
            not_before=_not_before(response.headers, self._clock.now()),
            document=document,
        )


class RefusedByServer(PullError):  # noqa: N818 - what its name says it is
    """With what the server answered, as JSON, None where it is none."""

    def __init__(
        self, kind: Failure, reason: str, *, not_before: datetime | None, document: Any
    ) -> None:
        super().__init__(kind, reason, not_before=not_before)
        self.document = document


def _not_before(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """`Retry-After` in either of its forms; else Mastodon's `X-RateLimit-Reset`."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 7:
        return now + timedelta(seconds=int(text))
    return _date(text) or _moment(headers.get("x-ratelimit-reset", ""))


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)
