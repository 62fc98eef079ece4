"""Wires the sla service."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from services.sla import handlers
from services.sla.businesstime.errors import CalendarError
from services.sla.deadlines import api as deadlines_api
from services.sla.dependencies import SlaDependencies
from services.sla.notifications.wording import words_of
from services.sla.previews import api as previews_api
from services.sla.promises.policy_version import policy_version_of
from services.sla.promises.versions import PolicyVersions
from services.sla.reports import api as reports_api
from services.sla.settings import SlaSettings
from services.sla.timers import store
from services.sla.timers.new_policy import NewPolicy
from services.sla.timers.offsets import Offsets
from services.sla.timers.ticker import Ticker, TimerMetrics
from services.sla.timers.watermark import SOURCES, Watermark
from shared.access.authorizer import Authorizer
from shared.db import open_database
from shared.events.catalogue import PROGRESS
from shared.notifications import api as notifications_api
from shared.notifications.api import DeliveryLog
from shared.notifications.running import run_deliveries
from shared.notifications.targets import subscriptions
from shared.policy import DEADLINE_KINDS, Policy, known_hashtags
from shared.runtime.service import Runtime, Service
from shared.runtime.telemetry import Metrics
from shared.web.app import HttpDescription
from shared.web.health import Check
from shared.web.problems import problem_response


def build(
    runtime: Runtime[Policy],
    settings: SlaSettings,
    notify: Mapping[str, str] = MappingProxyType({}),
) -> Service:
    """`notify` holds the addresses and secrets of notification targets, by variable.

    Raises ValueError for a database URL that cannot be one and for what is missing or wrong in
    `notify`, PolicyError for a calendar or a promise by which no clock can be counted.
    """
    database = open_database(
        runtime.settings.database("sla", settings.database_url),
        pool_size=runtime.settings.pool_size,
        cache_mib=runtime.settings.sqlite_cache_mib,
    )
    service = Service("sla", runtime=runtime, database=database, metrics=Metrics("sla"))
    policy_versions = PolicyVersions(
        policy_version_of(runtime.policy, now=runtime.clock.now()),
        subscriptions(runtime.policy, DEADLINE_KINDS),
    )
    deliveries = run_deliveries(
        service,
        runtime,
        settings,
        notify,
        kinds=DEADLINE_KINDS,
        wording=words_of,
        poll_seconds=settings.poll_seconds,
    )

    async def offsets() -> Offsets | None:
        found = await consumer.progress()
        # Progress itself is no fact; its position is committed after it has had its effect.
        return found and {each: found[each] for each in found if each.topic != PROGRESS}

    def on_recorded() -> None:
        service.relay.wake()
        deliveries.wake()

    metrics = TimerMetrics.of(service.metrics)
    watermark = Watermark(
        lambda: database.read(store.published, SOURCES),
        offsets=offsets,
        idle_seconds=settings.patience_seconds,
    )
    ticker = Ticker(
        database=database,
        policy_versions=policy_versions,
        clock=runtime.clock,
        settings=settings,
        watermark=watermark,
        policy=NewPolicy(
            database=database,
            policy_versions=policy_versions,
            clock=runtime.clock,
            batch=settings.claim_rows,
            offsets=offsets,
            on_recorded=on_recorded,
            put_off=metrics.put_off,
        ),
        on_recorded=on_recorded,
        metrics=metrics,
    )
    service.check("timers", Check(ticker.late, "degraded"))
    consumer = service.listen(
        handlers.listener(
            policy_versions,
            runtime.clock,
            on_progress=ticker.advance,
            on_sign_of_life=watermark.alive,
        ),
        on_recorded=on_recorded,
    )
    service.loop("timers", ticker.run)

    desk = SlaDependencies(
        database=database,
        policy_versions=policy_versions,
        authorizer=Authorizer(runtime.keys, runtime.clock, runtime.settings.rate_of_keys()),
        clock=runtime.clock,
        on_written=on_recorded,
        channels=frozenset(runtime.policy.channels),
        desks=frozenset(runtime.policy.desks),
        hashtags=known_hashtags(runtime.policy.hashtags),
    )
    delivery_log = DeliveryLog(
        "sla",
        database=database,
        authorizer=desk.authorizer,
        clock=runtime.clock,
        targets=deliveries.targets,
        reads="deadlines:read",
        writes="deadlines:write",
        on_written=on_recorded,
    )
    service.serve(_http(desk, delivery_log))
    return service


def _http(desk: SlaDependencies, delivery_log: DeliveryLog) -> HttpDescription:
    return HttpDescription(
        title="Inbound Desk: sla",
        description="Keeps a clock for every promised answer, and can explain each deadline.",
        # `deadlines.ics` and `deadlines/preview` must be looked up before `deadlines/{id}`.
        routers=[
            previews_api.router(desk),
            deadlines_api.router(desk),
            reports_api.router(desk),
            notifications_api.router(delivery_log),
        ],
        on_errors={CalendarError: _beyond_the_calendar},
    )


async def _beyond_the_calendar(_request: Request, error: CalendarError) -> Response:
    return problem_response(422, "outside-calendar", str(error))
