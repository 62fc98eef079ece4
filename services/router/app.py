"""Wires the router."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo

from services.router.deciding.decide import Decider
from services.router.learning import api as learning_api
from services.router.learning.api import LearningDependencies
from services.router.learning.loops import learn
from services.router.moderation import api as moderation_api
from services.router.notifications.example import NOTIFICATION
from services.router.notifications.usecases import follower
from services.router.notifications.wording import words_of
from services.router.people import api as people_api
from services.router.people.api import PeopleDependencies
from services.router.settings import RouterSettings
from services.router.similar.api import SimilarDependencies
from services.router.similar.api import routers as similar_routers
from services.router.similar.worker import Indexer, problem
from services.router.todos import absences, terms, worker
from services.router.todos.api import TodoDependencies, on_illegal_transition, routers
from services.router.todos.domain.todo import IllegalTransition
from services.router.todos.handlers import EventHandlers
from shared.access.authorizer import Authorizer
from shared.db import open_database
from shared.notifications import api as notifications_api
from shared.notifications.api import DeliveryLog
from shared.notifications.running import run_deliveries
from shared.notifications.targets import subscriptions
from shared.policy import TODO_KINDS, Policy
from shared.runtime.removal import Ages
from shared.runtime.service import Runtime, Service
from shared.runtime.telemetry import Metrics
from shared.web.app import HttpDescription
from shared.web.health import Check


def build(
    runtime: Runtime[Policy],
    settings: RouterSettings,
    notify: Mapping[str, str] = MappingProxyType({}),
) -> Service:
    """`notify` holds the addresses and secrets of notification targets, by variable.

    Raises ValueError for a database URL that cannot be one, and for what is missing or wrong in
    `notify`.
    """
    database = open_database(
        runtime.settings.database("router", settings.database_url),
        pool_size=runtime.settings.pool_size,
        cache_mib=runtime.settings.sqlite_cache_mib,
    )
    metrics = Metrics("router")
    service = Service(
        "router", runtime=runtime, database=database, metrics=metrics, tells_progress=True
    )
    deliveries = run_deliveries(
        service, runtime, settings, notify, kinds=TODO_KINDS, wording=words_of
    )
    if subscribed := subscriptions(runtime.policy, TODO_KINDS):
        database.followers = (follower(subscribed),)

    def on_written() -> None:
        service.relay.wake()
        deliveries.wake()

    decider = Decider.of(runtime.policy)
    decisions = metrics.counter("desk_router_decisions", "Inquiries by decided kind.", "kind")
    following = learn(service, runtime, decider, metrics, settings)
    handlers = EventHandlers(decider, runtime.clock, decisions).listener()
    service.listen(following.before(handlers), on_recorded=on_written)
    kept = runtime.policy.retention
    if ages := Ages(kept.messages_days, kept.sooner):
        service.loop("retention", worker.remove_old(database, runtime.clock, ages=ages))
    if channel_terms := {
        name: channel.retention
        for name, channel in runtime.policy.channels.items()
        if channel.retention is not None
    }:
        service.loop("terms", terms.loop(database, runtime.clock, channel_terms))
    service.loop("similar", Indexer(database, runtime.clock).loop())
    service.check("similar", Check(lambda: problem(database), failing="degraded"))
    authorizer = Authorizer(runtime.keys, runtime.clock, runtime.settings.rate_of_keys())
    similar = SimilarDependencies(
        database=database,
        authorizer=authorizer,
        clock=runtime.clock,
        zone=ZoneInfo(runtime.policy.calendar.timezone),
    )
    service.loop("absences", absences.loop(database, runtime.clock, on_written))
    people = PeopleDependencies(database, authorizer, runtime.clock)
    dependencies = TodoDependencies(
        database=database,
        authorizer=authorizer,
        clock=runtime.clock,
        policy=runtime.policy,
        decider=decider,
        wake_relay=on_written,
    )
    delivery_log = DeliveryLog(
        "router",
        database=database,
        authorizer=dependencies.authorizer,
        clock=runtime.clock,
        targets=deliveries.targets,
        reads="todos:read",
        writes="todos:write",
        on_written=on_written,
        example=NOTIFICATION,
    )
    service.serve(
        HttpDescription(
            title="Inbound Desk: router",
            description="Decides which desk an inquiry belongs to and keeps the desks' ToDos.",
            routers=[
                *routers(dependencies),
                notifications_api.router(delivery_log),
                *similar_routers(similar),
                *people_api.routers(people),
                moderation_api.router(database, authorizer, similar.zone),
                *learning_api.routers(LearningDependencies(database, authorizer, similar.zone)),
            ],
            on_errors={IllegalTransition: on_illegal_transition},
        )
    )
    return service
