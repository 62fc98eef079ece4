"""The backing of the tests, each started once per run by the first test that needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, settings

from services import process
from services.cli import main as command_line
from tests.support import backing
from tests.support.kafka_broker import Broker
from tests.support.migrated import MigratedDatabases, MigratedFiles
from tests.support.postgres import fresh_database
from tests.support.processes import scratch

pytest_plugins = ["tests.support.not_tested"]

# How long an example takes says more about what else runs on the machine than about the example.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server on which databases may be created."""
    with scratch("postgres") as folder, backing.postgres(folder) as url:
        yield url
        folder.keep = bool(request.session.testsfailed)


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bootstrap servers of a Kafka that nobody kills."""
    with scratch("kafka") as folder, backing.kafka(folder) as bootstrap:
        yield bootstrap
        folder.keep = bool(request.session.testsfailed)


@pytest.fixture(scope="session")
def mortal_kafka(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker that tests may stop and kill; each leaves it running."""
    with scratch("mortal-kafka") as folder, backing.broker(folder) as broker:
        yield broker
        folder.keep = bool(request.session.testsfailed)


@pytest.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[str]:
    """The URL of an empty database of this test's own."""
    async with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_files(tmp_path_factory: pytest.TempPathFactory) -> MigratedFiles:
    return MigratedFiles(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
async def migrated_databases(postgres_url: str) -> AsyncIterator[MigratedDatabases]:
    async with AsyncExitStack() as stack:
        yield MigratedDatabases(postgres_url, stack)


@pytest.fixture(autouse=True)
def _logging_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run inside the tests leave the logging of the tests alone.

    A logger keeps what was configured when it was first used, also for the tests after it.
    """
    for module in (command_line, process):
        monkeypatch.setattr(module, "configure_logging", lambda _level: None)
