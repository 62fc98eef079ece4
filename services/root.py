"""What every way of running has in common: runtime, bus, services by name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog

from services.intake.app import build as build_intake
from services.intake.settings import IntakeSettings
from services.router.app import build as build_router
from services.router.settings import RouterSettings
from services.sla.app import build as build_sla
from services.sla.settings import SlaSettings
from shared.access.keys import KeyRing
from shared.bus.local import LocalBus
from shared.bus.open import open_bus
from shared.bus.port import Bus, BusUnavailableError
from shared.db import Database, Reader, open_database, open_reader
from shared.db.migrate import require, upgrade
from shared.events.catalogue import topics
from shared.notifications.settings import notify_variables
from shared.policy import Policy, PolicyError, load_policy
from shared.runtime.clock import SystemClock
from shared.runtime.credentials import channel_credentials
from shared.runtime.lifecycle import Loop, pause, unless
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import (
    PREFIX,
    DeskSettings,
    SettingsError,
    channel_secrets,
    read_settings,
    unknown_variables,
)

MAINTENANCE_SECONDS = 300.0
WATCH_SECONDS = 5.0
CONNECT_AGAIN_SECONDS = 2.0

SETTINGS = (DeskSettings, IntakeSettings, RouterSettings, SlaSettings)

D = TypeVar("D", bound=Reader)

log = structlog.get_logger()

BUILDERS: dict[str, Callable[[Runtime[Policy]], Service]] = {
    "intake": lambda runtime: build_intake(
        runtime,
        read_settings(IntakeSettings),
        channel_secrets(os.environ),
        credentials=channel_credentials(os.environ),
    ),
    "router": lambda runtime: build_router(
        runtime, read_settings(RouterSettings), notify_variables(os.environ)
    ),
    "sla": lambda runtime: build_sla(
        runtime, read_settings(SlaSettings), notify_variables(os.environ)
    ),
}


def make_runtime(settings: DeskSettings) -> Runtime[Policy]:
    """Raises PolicyError, SettingsError, or ValueError for an API key that cannot be one."""
    policy = load_policy(settings.policy)
    keys = KeyRing(settings.keys_path(), environment_key=settings.api_key)
    return Runtime(settings, policy, make_bus(settings, policy), SystemClock(), keys)


def make_bus(settings: DeskSettings, policy: Policy) -> Bus:
    """Raises SettingsError."""
    try:
        return open_bus(
            settings.bus(),
            topics(retention_days=policy.retention.log_days),
            data_dir=settings.data_dir,
            login=settings.bus_login(),
            ca=settings.bus_ca,
        )
    except ValueError as error:
        named = str(error).startswith(PREFIX)
        text = str(error) if named else f"DESK_BUS_URL is not valid: {error}"
        raise SettingsError(text) from error


def build(name: str, runtime: Runtime[Policy]) -> Service:
    """Raises SettingsError, and PolicyError under the name of its file."""
    try:
        return BUILDERS[name](runtime)
    except PolicyError as error:
        policy = runtime.settings.policy
        error.file = error.file or ("the shipped policy" if policy is None else str(policy))
        raise


def unknown_settings() -> Iterator[tuple[str, str]]:
    """Variables of the environment that look like settings of the desk and are none."""
    return unknown_variables(os.environ, SETTINGS)


def database_of(service: str, settings: DeskSettings) -> Database:
    """A service's database for a command of its own, not started yet."""
    return open_database(_url(service, settings), pool_size=2)


def reader_of(service: str, settings: DeskSettings) -> Reader:
    """The same to look only, also while the desk runs."""
    return open_reader(_url(service, settings))


@asynccontextmanager
async def opened(database: D, service: str) -> AsyncIterator[D]:
    """For a command beside the service.

    Raises DatabaseUnavailableError, and SchemaMismatchError for a schema that does not fit.
    """
    await database.start()
    try:
        await require(database, service)
        yield database
    finally:
        await database.stop()


def _url(service: str, settings: DeskSettings) -> str:
    read: dict[str, Callable[[], str]] = {
        "intake": lambda: read_settings(IntakeSettings).database_url,
        "router": lambda: read_settings(RouterSettings).database_url,
        "sla": lambda: read_settings(SlaSettings).database_url,
    }
    return settings.database(service, read[service]())


async def migrate(services: Sequence[str], settings: DeskSettings) -> None:
    """Bring the schemas up to date. Raises DatabaseUnavailableError."""
    for service in services:
        database = database_of(service, settings)
        await database.start()
        try:
            await upgrade(database, service)
        finally:
            await database.stop()


async def connect(bus: Bus) -> list[tuple[str, Loop]]:
    """Start the bus, and the loops that it needs.

    The local log must open at once. A broker may be away: everything that needs no bus works
    meanwhile, and the loop keeps trying.
    """
    if isinstance(bus, LocalBus):
        await bus.start()
        return [("bus.maintenance", maintained(bus))]
    return [("bus.connect", _connected(bus))]


def maintained(bus: LocalBus) -> Loop:
    async def loop(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await bus.maintain()
            except BusUnavailableError as error:
                log.warning("bus.not_maintained", reason=str(error))
            await pause(stop, MAINTENANCE_SECONDS)

    return loop


def _connected(bus: Bus) -> Loop:
    async def loop(stop: asyncio.Event) -> None:
        while not stop.is_set():
            if await _reached(bus.start, stop):
                await _watched(bus, stop)
            await pause(stop, CONNECT_AGAIN_SECONDS)

    return loop


async def _watched(bus: Bus, stop: asyncio.Event) -> None:
    """Ask the brokers now and then: the bus says when they are away, and when they are back."""
    while not stop.is_set():
        await _reached(bus.ping, stop)
        await pause(stop, WATCH_SECONDS)


async def _reached(step: Callable[[], Coroutine[Any, Any, None]], stop: asyncio.Event) -> bool:
    try:
        return await unless(stop, step())
    except BusUnavailableError:
        return False
