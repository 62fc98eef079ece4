"""Whether a delivery proves who sent it, and what becomes of it when it does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from services.intake.channels.activity import Activity
from services.intake.connectors.port import Proof, WebhookRequest
from services.intake.policy import ChannelRules, secret_variable
from services.intake.receiving.off_loop import off_loop
from services.intake.receiving.once import require_first_use
from shared.db import Database
from shared.runtime.telemetry import Metrics
from shared.web.problems import RefusedError

LOGGED_EVERY = timedelta(minutes=1)

Reason = Literal["no-secret", "headers", "signature"]
"""What is wrong: there is nothing to compare with; headers that no body can fit; the body."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NotProven:
    reason: Reason
    error: RefusedError


@dataclass(slots=True)
class _Observed:
    """Since the last line of the log."""

    logged_at: datetime
    count: int = 0


class Prover:
    def __init__(self, database: Database, metrics: Metrics, activity: Activity) -> None:
        self._database = database
        self._activity = activity
        self._failures = metrics.counter(
            "desk_webhook_signature_failures",
            "Deliveries that did not prove who sent them.",
            "channel",
            "reason",
        )
        self._observed: dict[str, _Observed] = {}

    async def prove(
        self,
        channel: ChannelRules,
        request: WebhookRequest,
        read_body: Callable[[], Awaitable[bytes]],
        now: datetime,
    ) -> tuple[bytes, NotProven | None]:
        """The raw body, and what is wrong with its proof where the channel only observes that.

        Raises RefusedError where it is enforced, for its headers alone before the body is read;
        UnavailableError when a proof that is valid once cannot be remembered.
        """
        found = _claimed(channel, request, now)
        if isinstance(found, NotProven):
            self._count(channel, found, now)
            return await read_body(), found
        raw = await read_body()
        try:
            once = await off_loop(len(raw), found, raw)
            if once is not None:
                await require_first_use(self._database, channel.name, once)
        except RefusedError as error:
            failure = NotProven("signature", error)
            self._count(channel, failure, now)
            return raw, failure
        return raw, None

    def _count(self, channel: ChannelRules, failure: NotProven, now: datetime) -> None:
        self._failures.labels(channel.name, failure.reason).inc()
        self._activity.not_proven(
            channel.name, now, reason=failure.reason, problem=failure.error.detail
        )
        if channel.enforced:
            raise failure.error
        observed = self._observed.get(channel.name)
        if observed is None:
            observed = self._observed[channel.name] = _Observed(now - LOGGED_EVERY)
        observed.count += 1
        if now - observed.logged_at >= LOGGED_EVERY:
            log.warning(
                "webhook.not_proven",
                channel=channel.name,
                reason=failure.reason,
                problem=failure.error.detail,
                count=observed.count,
            )
            self._observed[channel.name] = _Observed(now)


def _claimed(channel: ChannelRules, request: WebhookRequest, now: datetime) -> Proof | NotProven:
    if channel.keys is None:
        return NotProven("no-secret", secret_missing(channel))
    try:
        return channel.connector.claim(request, channel.keys, now)
    except RefusedError as error:
        return NotProven("headers", error)


def secret_missing(channel: ChannelRules) -> RefusedError:
    return RefusedError(
        401,
        "channel-secret-missing",
        f"the channel {channel.name} has no webhook secret; set "
        f"{secret_variable(channel.name)} to the secret that the connector signs with",
    )
