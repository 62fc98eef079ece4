"""Puts together what a service that notifies runs: a worker for each target, and housekeeping."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from shared.notifications.sender import Wording
from shared.notifications.settings import NotificationSettings
from shared.notifications.targets import senders
from shared.notifications.worker import (
    POLL_SECONDS,
    Counts,
    DeliveryHousekeeping,
    DeliveryWorker,
)
from shared.policy import NotificationKind, Policy
from shared.runtime.service import Runtime, Service


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The workers of one service, by their targets."""

    workers: Sequence[DeliveryWorker]

    @property
    def targets(self) -> frozenset[str]:
        return frozenset(worker.target for worker in self.workers)

    def wake(self) -> None:
        """To be called after a commit that may have stored deliveries; else a poll finds them."""
        for worker in self.workers:
            worker.wake()


def run_deliveries(
    service: Service,
    runtime: Runtime[Policy],
    settings: NotificationSettings,
    variables: Mapping[str, str],
    *,
    kinds: Collection[NotificationKind],
    wording: Wording,
    poll_seconds: float = POLL_SECONDS,
) -> Deliveries:
    """Add the loops that send to the service; `kinds` are those that it notifies about.

    Raises ValueError for what is missing or wrong in `variables`.
    """
    counts = Counts.of(service.metrics)
    ways = senders(
        runtime.policy,
        variables,
        kinds=kinds,
        wording=wording,
        clock=runtime.clock,
        seconds=settings.notification_seconds,
    )
    workers = [
        DeliveryWorker(
            target,
            sender,
            database=service.database,
            clock=runtime.clock,
            settings=settings,
            counts=counts,
            poll_seconds=poll_seconds,
        )
        for target, sender in ways.items()
    ]
    for worker in workers:
        service.loop(f"notify-{worker.target}", worker.run)
    housekeeping = DeliveryHousekeeping(
        [*ways],
        database=service.database,
        clock=runtime.clock,
        settings=settings,
        counts=counts,
    )
    service.loop("notifications", housekeeping.run)
    return Deliveries(workers)
