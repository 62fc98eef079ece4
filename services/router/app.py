"""Wires the router."""

from __future__ import annotations

from services.router.deciding.decide import Decider
from services.router.settings import RouterSettings
from services.router.todos import terms, verdict_api, worker
from services.router.todos.api import TodoDependencies, on_illegal_transition, routers
from services.router.todos.domain.todo import IllegalTransition
from services.router.todos.handlers import EventHandlers
from shared.access.authorizer import Authorizer
from shared.db import open_database
from shared.policy import Policy
from shared.runtime.service import Runtime, Service
from shared.runtime.telemetry import Metrics
from shared.web.app import HttpDescription


def build(runtime: Runtime[Policy], settings: RouterSettings) -> Service:
    """Raises ValueError for a database URL that cannot be one."""
    database = open_database(
        runtime.settings.database("router", settings.database_url),
        pool_size=runtime.settings.pool_size,
        cache_mib=runtime.settings.sqlite_cache_mib,
    )
    metrics = Metrics("router")
    service = Service(
        "router", runtime=runtime, database=database, metrics=metrics, tells_progress=True
    )
    decider = Decider.of(runtime.policy)
    decisions = metrics.counter("desk_router_decisions", "Inquiries by decided kind.", "kind")
    service.listen(EventHandlers(decider, runtime.clock, decisions).listener())
    if (days := runtime.policy.retention.messages_days) is not None:
        service.loop("retention", worker.remove_old(database, runtime.clock, days=days))
    if channel_terms := {
        name: channel.retention
        for name, channel in runtime.policy.channels.items()
        if channel.retention is not None
    }:
        service.loop("terms", terms.loop(database, runtime.clock, channel_terms))
    dependencies = TodoDependencies(
        database=database,
        authorizer=Authorizer(runtime.keys, runtime.clock, runtime.settings.rate_of_keys()),
        clock=runtime.clock,
        policy=runtime.policy,
        decider=decider,
        wake_relay=service.relay.wake,
    )
    service.serve(
        HttpDescription(
            title="Inbound Desk: router",
            description="Decides which desk an inquiry belongs to and keeps the desks' ToDos.",
            routers=[*routers(dependencies), *verdict_api.routers(dependencies)],
            on_errors={IllegalTransition: on_illegal_transition},
        )
    )
    return service
