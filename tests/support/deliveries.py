"""The worker of one notification target, driven by a test."""

from __future__ import annotations

from shared.notifications.by_webhook import WebhookSender
from shared.notifications.settings import NotificationSettings
from shared.notifications.worker import Counts, DeliveryWorker
from shared.runtime.telemetry import Metrics
from shared.web.signing import secret_key
from tests.support.bench import Bench

SECRET = "whsec_bm90aWZpY2F0aW9ucy1hcmUtc2lnbmVk"
OLD_SECRET = "whsec_dGhlLXNlY3JldC1vZi1sYXN0LXllYXI="


def worker(bench: Bench, url: str, *, name: str = "ops", seconds: float = 10.0) -> DeliveryWorker:
    """As the service makes it, but with a chance that is none."""
    keys = [secret_key(secret) for secret in (SECRET, OLD_SECRET)]
    settings = NotificationSettings(notification_seconds=seconds)
    return DeliveryWorker(
        name,
        WebhookSender(url, keys, clock=bench.clock, seconds=seconds),
        database=bench.service.database,
        clock=bench.clock,
        settings=settings,
        counts=Counts.of(Metrics("test")),
        jitter=lambda: 0.5,
    )
