"""How many requests a key or a channel may make: a token bucket for each, in this service.

What is left is given in the fields `RateLimit-Policy` and `RateLimit`
(draft-ietf-httpapi-ratelimit-headers-10). Callers are counted by the key or the channel that they
have shown to be theirs, so that what others send in its name takes nothing from it; who fills in
the form shows nothing, and is counted by address.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from shared.web.notes import notes
from shared.web.problems import RefusedError


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second on average, 0 for no limit, and how many may come at once."""

    per_second: float
    burst: int


UNLIMITED = Rate(0, 1)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rates:
    def __init__(
        self,
        policy: str,
        rate: Rate,
        *,
        most: int | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`policy` says whose requests are counted: key, channel. `most` bounds the names that are
        remembered, where anybody can make up new ones: who asked longest ago is forgotten first.
        """
        self._policy = policy
        self._rate = rate
        self._seconds = seconds
        self._most = most
        # Who asked last is last.
        self._buckets: dict[str, _Bucket] = {}
        window = math.ceil(rate.burst / rate.per_second) if rate.per_second else 0
        self._policy_field = f'"{policy}";q={rate.burst};w={window}'.encode()

    def take(self, name: str) -> None:
        """Count one request, and note for the answer what is left. Raises RefusedError (429)."""
        if not self._rate.per_second:
            return
        bucket = self._filled(name)
        if bucket.tokens < 1:
            wait = math.ceil((1 - bucket.tokens) / self._rate.per_second)
            self._tell(0, wait)
            raise RefusedError(
                429,
                "too-many-requests",
                f"this {self._policy} made more than {self._rate.per_second:g} requests per second "
                f"for too long: send it again after {wait} seconds",
                headers={"Retry-After": str(wait)},
            )
        bucket.tokens -= 1
        until_full = math.ceil((self._rate.burst - bucket.tokens) / self._rate.per_second)
        self._tell(int(bucket.tokens), until_full)

    def _filled(self, name: str) -> _Bucket:
        now = self._seconds()
        bucket = self._buckets.pop(name, None) or _Bucket(self._rate.burst, now)
        since = (now - bucket.at) * self._rate.per_second
        bucket.tokens = min(self._rate.burst, bucket.tokens + since)
        bucket.at = now
        self._buckets[name] = bucket
        if self._most is not None and len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return bucket

    def _tell(self, left: int, seconds: int) -> None:
        """Of a refusal `t` is what Retry-After says, otherwise when all of it may be used again."""
        now = f'"{self._policy}";r={left};t={seconds}'.encode()
        notes().answer_headers += [
            (b"ratelimit-policy", self._policy_field),
            (b"ratelimit", now),
        ]
