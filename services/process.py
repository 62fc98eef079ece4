"""Runs services in this process: all three on one port, or one of them on its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from starlette.types import ASGIApp

from services.embedded import EmbeddedApp
from services.intake.policy import form_channel
from services.root import (
    BUILDERS,
    build,
    connect,
    make_runtime,
    migrate,
    unknown_settings,
)
from shared.policy import Policy
from shared.runtime.lifecycle import listen, running_loops, serve
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import DeskSettings
from shared.runtime.telemetry import configure_logging

log = structlog.get_logger()


async def run_embedded(settings: DeskSettings, *, ready: Callable[[Policy], None]) -> None:
    """The whole desk in one process; `ready` is called with the policy when it serves."""
    configure_logging(settings.log_level)
    names = tuple(BUILDERS)
    await migrate(names, settings)
    await _run(names, settings, _together, ready)


async def run_service(name: str, settings: DeskSettings) -> None:
    """One service on its own port; its schema is brought up to date by `migrate`, not here."""
    configure_logging(settings.log_level)
    await _run((name,), settings, lambda services, _: services[0].app, lambda _: None)


def _together(services: Sequence[Service], policy: Policy) -> ASGIApp:
    return EmbeddedApp(services, policy.company.name, form=form_channel(policy) is not None)


async def _run(
    names: Sequence[str],
    settings: DeskSettings,
    app_of: Callable[[Sequence[Service], Policy], ASGIApp],
    ready: Callable[[Policy], None],
) -> None:
    for variable, nearest in unknown_settings():
        log.warning("settings.unknown", variable=variable, nearest=nearest)
    listening = listen(settings.host, settings.port)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        runtime = make_runtime(settings)
        services = [build(name, runtime) for name in names]
        stack.push_async_callback(runtime.bus.stop)
        failures = [await stack.enter_async_context(running_loops(await connect(runtime.bus)))]
        failures += [await stack.enter_async_context(service.running()) for service in services]
        failed = await stack.enter_async_context(_any_of(failures))
        ready(runtime.policy)
        _say_when_nobody_may_call(runtime, services)
        await serve(
            app_of(services, runtime.policy),
            listening=listening,
            grace_seconds=settings.shutdown_seconds,
            failed=failed,
            trusted_proxies=settings.trusted_proxies,
            limits=settings.connection_limits(),
        )


def _say_when_nobody_may_call(runtime: Runtime[Policy], services: Sequence[Service]) -> None:
    names = ",".join(each.name for each in services)
    reason = runtime.keys.lacks_keys(runtime.clock.now())
    if reason is not None:
        log.error("keys.none", service=names, reason=reason)
    elif runtime.keys.problem is not None:
        log.error("keys.unreadable", service=names, reason=runtime.keys.problem)


@asynccontextmanager
async def _any_of(events: Sequence[asyncio.Event]) -> AsyncIterator[asyncio.Event]:
    """An event that is set as soon as one of the events is."""
    happened = asyncio.Event()

    async def watch(event: asyncio.Event) -> None:
        await event.wait()
        happened.set()

    watching = [asyncio.create_task(watch(event)) for event in events]
    try:
        yield happened
    finally:
        for task in watching:
            task.cancel()
