"""Wires intake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from services.intake import worker
from services.intake.accepting import api as accepting_api
from services.intake.accepting.acceptor import Acceptor
from services.intake.accepting.committer import GroupCommitter, Writer
from services.intake.accepting.postgres import PostgresWriter
from services.intake.accepting.sqlite import SqliteWriter
from services.intake.channels import api as channels_api
from services.intake.channels import worker as channels_worker
from services.intake.channels.activity import Activity
from services.intake.channels.usecases import Channels
from services.intake.connectors.registry import CONNECTORS, Connectors
from services.intake.dependencies import IntakeDependencies
from services.intake.files import api as files_api
from services.intake.files import worker as files_worker
from services.intake.files.domain import Limits
from services.intake.form.api import FormApi, no_form_routes
from services.intake.form.arrivals import Arrivals
from services.intake.form.handlers import DeadlineEvents
from services.intake.form.rules import form_rules
from services.intake.inquiries import api as inquiries_api
from services.intake.inquiries import handlers, terms
from services.intake.inquiries import worker as inquiries_worker
from services.intake.inquiries.domain.inquiry import NotAllowedError
from services.intake.inquiries.usecases.terms import Terms
from services.intake.policy import intake_rules
from services.intake.pulling.health import PullLag
from services.intake.pulling.pollers import SourceOf, pollers, pulled, source_of
from services.intake.receiving import api as receiving_api
from services.intake.receiving import quarantine_api
from services.intake.receiving.quarantine import QuarantineAge, kept_by_channel
from services.intake.receiving.usecases import Receiver
from services.intake.settings import IntakeSettings
from shared.access.authorizer import Authorizer
from shared.db import Database, open_database
from shared.db.postgres import PostgresDatabase
from shared.policy import Policy
from shared.runtime.credentials import NO_CREDENTIALS, Credentials
from shared.runtime.removal import Ages
from shared.runtime.service import Runtime, Service
from shared.runtime.telemetry import Metrics
from shared.web.app import HttpDescription
from shared.web.health import Check
from shared.web.problems import problem_response
from shared.web.rates import Rates


def build(
    runtime: Runtime[Policy],
    settings: IntakeSettings,
    secrets: Mapping[str, Sequence[str]],
    connectors: Connectors = CONNECTORS,
    *,
    credentials: Mapping[str, Credentials] = NO_CREDENTIALS,
    sources: SourceOf = source_of,
) -> Service:
    """`credentials` are those with which the desk fetches what nobody pushes, by channel, and
    `sources` from where.

    Raises PolicyError for a connector that is not known, and ValueError for a database URL or a
    webhook secret that cannot be one, or a credential that is missing.
    """
    database = open_database(
        runtime.settings.database("intake", settings.database_url),
        pool_size=runtime.settings.pool_size,
        cache_mib=runtime.settings.sqlite_cache_mib,
    )
    service = Service(
        "intake",
        runtime=runtime,
        database=database,
        metrics=Metrics("intake"),
        tells_progress=True,
    )
    committer = GroupCommitter(_writers(database, settings.writers))
    rules = intake_rules(
        runtime.policy, secrets, connectors, public_url=runtime.settings.public_url
    )
    activity = Activity()
    desk = IntakeDependencies(
        database=database,
        acceptor=Acceptor(
            committer,
            database=database,
            known=rules.hashtags,
            clock=runtime.clock,
            on_accepted=activity.accepted,
        ),
        relay=service.relay,
        rules=rules,
        authorizer=Authorizer(runtime.keys, runtime.clock, runtime.settings.rate_of_keys()),
        clock=runtime.clock,
        metrics=service.metrics,
        rates=Rates("channel", runtime.settings.rate_of_channels()),
        files=Limits(settings.file_mib << 20, settings.files_mib << 20),
        activity=activity,
        public_url=runtime.settings.public_url,
    )
    service.listen(handlers.TodoEvents(rules.hashtags, runtime.clock).listener())
    service.loop("accept", committer.run)
    service.loop(
        "idempotency",
        worker.forget_keys(database, runtime.clock, days=settings.idempotency_days),
    )
    service.loop(
        "quarantine",
        worker.tidy_quarantine(
            database,
            runtime.clock,
            days=settings.quarantine_days,
            ids={name: channel.connector.id_of for name, channel in rules.channels.items()},
            terms={
                name: channel.retention
                for name, channel in rules.channels.items()
                if channel.retention is not None
            },
        ),
    )
    service.loop(
        "upkeep",
        inquiries_worker.loop(
            database,
            runtime.clock,
            known=rules.hashtags,
            own_post_days=settings.own_post_days,
        ),
    )
    service.loop("references", inquiries_worker.name_old(database))
    if all_terms := [
        Terms(name, each.retention, each.profile_retention)
        for name, each in rules.channels.items()
        if each.retention is not None or each.profile_retention is not None
    ]:
        service.loop("terms", terms.loop(database, runtime.clock, all_terms))
    service.loop("files", files_worker.sweep(database, runtime.clock))
    kept = runtime.policy.retention
    if removal_ages := Ages(kept.messages_days, kept.sooner):
        service.loop("retention", worker.remove_old(database, runtime.clock, ages=removal_ages))
    ages = QuarantineAge(
        database,
        runtime.clock,
        service.metrics,
        {name: channel.promised for name, channel in rules.channels.items()},
    )
    service.check("quarantine", Check(ages.examine, "degraded"))
    lags = PullLag(pulled(rules), database, runtime.clock, service.metrics)
    channels = Channels(
        database,
        runtime.clock,
        rules.channels,
        activity,
        quarantine=kept_by_channel,
        zone=ZoneInfo(runtime.policy.calendar.timezone),
        polls=lags.states,
    )
    service.loop("channels", channels_worker.counting(channels))
    service.check(
        "channels",
        Check(channels_worker.ChannelHealth(channels, service.metrics).examine, "degraded"),
    )
    receiver = Receiver(desk)
    for name, poller in pollers(desk, credentials, receiver.take_fetched, sources):
        service.loop(name, poller.run)
    service.check("pulling", Check(lags.examine, "degraded"))
    service.serve(
        _with_form(_http(desk, channels, receiver), service, desk, runtime.policy, settings)
    )
    return service


def _with_form(
    http: HttpDescription,
    service: Service,
    desk: IntakeDependencies,
    policy: Policy,
    settings: IntakeSettings,
) -> HttpDescription:
    """With the form's pages; where there is a form, intake learns by when its inquiries are due."""
    rules = form_rules(policy, settings)
    if rules is None:
        return replace(http, pages=no_form_routes(policy.company.name))
    arrivals = Arrivals()
    service.listen(DeadlineEvents(rules.channel, arrivals.announce).listener())
    form = FormApi(desk, rules, settings, arrivals)
    others = http.limit_of
    return replace(
        http,
        pages=form.routes(),
        page_of=form.page_of,
        limit_of=lambda path: form.limit_of(path) or others(path),
    )


def _writers(database: Database, count: int) -> list[Writer]:
    if isinstance(database, PostgresDatabase):
        return [PostgresWriter(database.dsn, database.availability) for _ in range(count)]
    return [SqliteWriter(database)]


def _http(desk: IntakeDependencies, channels: Channels, receiver: Receiver) -> HttpDescription:
    return HttpDescription(
        title="Inbound Desk: intake",
        description="Takes in every inquiry with its contact and conversation, and loses none.",
        routers=[
            inquiries_api.router(desk),
            files_api.router(desk),
            quarantine_api.router(desk),
            channels_api.router(desk, channels),
        ],
        hot_routes=[*receiving_api.routes(desk, receiver), accepting_api.route(desk)],
        raw_paths={**receiving_api.openapi_path(), **accepting_api.openapi_path()},
        raw_schemas=_schemas((*receiving_api.SCHEMAS, *accepting_api.SCHEMAS)),
        on_errors={NotAllowedError: _not_allowed},
        limit_of=receiving_api.limit_of(desk),
    )


def _schemas(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    return schemas


async def _not_allowed(_request: Request, error: NotAllowedError) -> Response:
    return problem_response(409, f"inquiry-{error.state.value.replace('_', '-')}", str(error))
