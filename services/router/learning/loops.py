"""Wires the loops of learning into the router."""

from __future__ import annotations

from datetime import timedelta

from services.router.deciding.decide import Decider
from services.router.learning import worker
from services.router.learning.following import Following, ModelMetrics
from services.router.learning.job import Job
from services.router.settings import RouterSettings
from shared.policy import LearningMode, Policy
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import DeskSettings
from shared.runtime.telemetry import Metrics
from shared.web.health import Check


def learn(
    service: Service,
    runtime: Runtime[Policy],
    decider: Decider,
    metrics: Metrics,
    settings: RouterSettings,
) -> Following:
    """What follows the versions, to be asked before the first decision."""
    wanted = runtime.policy.routing.learning
    found = ModelMetrics.of(metrics)
    decides = wanted.mode is LearningMode.DECIDE
    following = Following(decider.learned, found, decides=decides)

    async def usable() -> str | None:
        return following.problem

    service.check("model", Check(usable, "degraded"))
    service.loop("labels", worker.label(service.database, runtime.clock))
    if wanted.mode is LearningMode.OFF:
        return following.without_versions()
    service.loop("models", worker.follow(service.database, following))
    service.loop("shadow", worker.watch(service.database, runtime.clock, following, decider))
    if settings.train_hours > 0:
        trainer = worker.Trainer(
            service.database,
            runtime.clock,
            job_of(runtime.settings, settings, fewest_labels=wanted.fewest_labels),
            timedelta(hours=settings.train_hours),
            found,
            self_taught=wanted.self_taught,
        )
        service.loop("training", trainer.loop())
    return following


def job_of(desk: DeskSettings, settings: RouterSettings, *, fewest_labels: int) -> Job:
    return Job(
        database_url=desk.database("router", settings.database_url),
        policy=None if desk.policy is None else str(desk.policy),
        fewest_labels=fewest_labels,
    )
