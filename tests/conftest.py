"""The backing of the tests, each started once per run by the first test that needs it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.support import backing
from tests.support.kafka_broker import Broker
from tests.support.migrated import MigratedDatabases, MigratedFiles
from tests.support.postgres import fresh_database
from tests.support.processes import MissingBackingError, scratch

_NOT_TESTED = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server on which databases may be created."""
    try:
        with scratch("postgres") as folder, backing.postgres(folder) as url:
            yield url
            folder.keep = bool(request.session.testsfailed)
    except MissingBackingError as missing:
        refuse(request, missing)


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bootstrap servers of a Kafka that nobody kills."""
    try:
        with scratch("kafka") as folder, backing.kafka(folder) as bootstrap:
            yield bootstrap
            folder.keep = bool(request.session.testsfailed)
    except MissingBackingError as missing:
        refuse(request, missing)


@pytest.fixture(scope="session")
def mortal_kafka(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker that tests may stop and kill; each leaves it running."""
    try:
        with scratch("mortal-kafka") as folder, backing.broker(folder) as broker:
            yield broker
            folder.keep = bool(request.session.testsfailed)
    except MissingBackingError as missing:
        refuse(request, missing)


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


def refuse(request: pytest.FixtureRequest, missing: MissingBackingError) -> None:
    """Skip what cannot be tested here; in CI that is a failure."""
    request.config.stash.setdefault(_NOT_TESTED, set()).add(str(missing))
    if os.environ.get("CI"):
        pytest.fail(str(missing), pytrace=False)
    pytest.skip(str(missing))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if _NOT_TESTED not in config.stash:
        return
    reasons = config.stash[_NOT_TESTED]
    for reason in sorted(reasons):
        terminalreporter.write_line(f"!!! NOT TESTED: {reason}", red=True, bold=True)
