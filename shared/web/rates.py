"""How many requests a key or a channel may make: a token bucket for each, in this service.

What is left is given in the fields `RateLimit-Policy` and `RateLimit`
(draft-ietf-httpapi-ratelimit-headers-10). Only callers that have shown who they are are counted:
what others send in a channel's name takes nothing from it.
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
        self, policy: str, rate: Rate, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """`policy` says whose requests are counted: key, channel."""
        self._policy = policy
        self._rate = rate
        self._seconds = seconds
        # One for each name of the keys file or the policy file, so there are few.
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
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(self._rate.burst, now)
        else:
            since = (now - bucket.at) * self._rate.per_second
            bucket.tokens = min(self._rate.burst, bucket.tokens + since)
            bucket.at = now
        return bucket

    def _tell(self, left: int, seconds: int) -> None:
        """Of a refusal `t` is what Retry-After says, otherwise when all of it may be used again."""
        now = f'"{self._policy}";r={left};t={seconds}'.encode()
        notes().answer_headers += [
            (b"ratelimit-policy", self._policy_field),
            (b"ratelimit", now),
        ]
