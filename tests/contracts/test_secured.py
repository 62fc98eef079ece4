"""Database and bus behind TLS and login, as they stand outside of one machine."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from services.intake.accepting.postgres import PostgresWriter
from shared.bus.kafka import KafkaBus, KafkaSettings
from shared.bus.login import Login, Mechanism
from shared.bus.open import open_bus
from shared.bus.port import BusUnavailableError, Record, Topic
from shared.db import DatabaseUnavailableError, Read, open_database
from shared.db.postgres import PostgresDatabase
from tests.contracts.bus_support import take
from tests.support import kafka_broker, postgres
from tests.support.certificates import Certificates, make_certificates
from tests.support.kafka_broker import JavaBroker
from tests.support.postgres import Postgres
from tests.support.processes import scratch

PASSWORD = "nur-fuer-den-test"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(certificates: Certificates) -> Iterator[Postgres]:
    with scratch("postgres-tls") as folder:
        login = postgres.Login(PASSWORD, certificates)
        running = Postgres(folder.path / "server", login=login)
        running.start()
        try:
            yield running
        finally:
            running.kill()


async def _encrypted(database: PostgresDatabase) -> dict[str, bool]:
    """By the name of each kind of connection: whether it came by TLS."""

    def look(tx: Read) -> dict[str, bool]:
        rows = tx.execute(
            text(
                "SELECT application_name, bool_and(ssl) FROM pg_stat_activity"
                " JOIN pg_stat_ssl USING (pid) WHERE application_name LIKE 'inbound-desk%'"
                " GROUP BY 1"
            )
        )
        return {row[0]: row[1] for row in rows}

    return await database.read(look)


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("localhost", "?sslmode=verify-full&sslrootcert={ca}"),
        ("127.0.0.1", "?sslmode=verify-ca&sslrootcert={ca}"),
        ("127.0.0.1", "?sslmode=require"),
        ("127.0.0.1", ""),
    ],
)
async def test_pool_relay_and_writers_all_come_by_tls(
    server: Postgres, certificates: Certificates, host: str, options: str
) -> None:
    url = server.url_of(host, password=PASSWORD, options=options.format(ca=certificates.ca))
    database = open_database(url)
    assert isinstance(database, PostgresDatabase)
    await database.start()
    writer = PostgresWriter(database.dsn, database.availability)
    try:
        await writer._connected()
        async with database.sole_relay(
            asyncio.Event(), table="outbox", now=partial(datetime.now, UTC)
        ) as relay:
            assert relay is not None
            assert await relay.still_mine()
            assert await _encrypted(database) == {
                "inbound-desk": True,
                "inbound-desk-accept": True,
                "inbound-desk-relay": True,
            }
    finally:
        await writer.close()
        await database.stop()


@pytest.mark.parametrize(
    ("host", "options", "said"),
    [
        ("127.0.0.1", "?sslmode=verify-full&sslrootcert={ca}", "CERTIFICATE_VERIFY_FAILED"),
        ("localhost", "?sslmode=verify-full&sslrootcert={strangers}", "CERTIFICATE_VERIFY_FAILED"),
        ("localhost", "?sslmode=verify-ca&sslrootcert={strangers}", "CERTIFICATE_VERIFY_FAILED"),
        ("127.0.0.1", "?sslmode=disable", "no encryption"),
    ],
)
async def test_a_connection_that_is_not_what_was_asked_for_is_none(
    server: Postgres, certificates: Certificates, host: str, options: str, said: str
) -> None:
    files = {"ca": certificates.ca, "strangers": certificates.strangers}
    database = open_database(
        server.url_of(host, password=PASSWORD, options=options.format(**files))
    )
    assert isinstance(database, PostgresDatabase)
    await database.start()
    try:
        with pytest.raises(DatabaseUnavailableError, match=said):
            await database.ping()
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await PostgresWriter(database.dsn, database.availability)._connected()
    finally:
        await database.stop()


async def test_a_wrong_password_is_said_and_not_shown(server: Postgres) -> None:
    wrong = PASSWORD[::-1]
    database = open_database(server.url_of("localhost", password=wrong))
    await database.start()
    try:
        with pytest.raises(DatabaseUnavailableError, match="password authentication failed") as bad:
            await database.ping()
    finally:
        await database.stop()
    assert wrong not in str(bad.value)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ("?sslmode=on", "sslmode is 'on'; it must be one of disable, allow"),
        ("?sslmod=require", "unknown options of a database URL: sslmod; known are"),
        ("?sslmode=verify-full&sslrootcert=nowhere.pem", "sslrootcert: there is no file nowhere"),
    ],
)
def test_options_that_cannot_be_meant(options: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        open_database(f"postgresql://desk:{PASSWORD}@localhost/desk{options}")


def test_who_is_to_be_checked_has_to_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    with pytest.raises(ValueError, match="add sslrootcert="):
        open_database("postgresql://localhost/desk?sslmode=verify-full")


@dataclass(frozen=True)
class Kafka:
    broker: JavaBroker
    ca: Path

    @property
    def url(self) -> str:
        return f"kafka://{self.broker.secured}?security=SASL_SSL"


@pytest.fixture(scope="module")
def kafka(certificates: Certificates) -> Iterator[Kafka]:
    with scratch("kafka-tls") as folder:
        login = kafka_broker.Login("desk", PASSWORD, certificates)
        running = kafka_broker.secured(folder.path, login)
        running.start()
        try:
            yield Kafka(running, certificates.ca)
        finally:
            running.remove()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
async def test_the_bus_goes_by_tls_and_login(kafka: Kafka, mechanism: Mechanism) -> None:
    topic = Topic(f"test.{uuid.uuid4().hex}", 1, 86_400)
    bus = open_bus(kafka.url, [topic], login=Login("desk", PASSWORD, mechanism), ca=kafka.ca)
    await bus.start()
    try:
        await bus.publish([Record(topic.name, "key", b"value")])
        async with bus.subscribe(f"group-{topic.name}", [topic.name]) as subscription:
            (read,) = await take(subscription, 1)
        assert read.value == b"value"
    finally:
        await bus.stop()


@pytest.mark.parametrize("wrong", ["password", "authority"])
async def test_a_bus_that_does_not_know_us_or_that_we_do_not_know(
    kafka: Kafka, certificates: Certificates, wrong: str
) -> None:
    password = PASSWORD[::-1] if wrong == "password" else PASSWORD
    bus = KafkaBus(
        KafkaSettings(
            (kafka.broker.secured,),
            tls=True,
            ca=certificates.strangers if wrong == "authority" else kafka.ca,
            login=Login("desk", password),
            start_seconds=5,
        ),
        [Topic("test.unreached", 1, 86_400)],
    )
    with pytest.raises(BusUnavailableError) as refused:
        await bus.start()
    assert password not in repr(refused.value)
    await bus.stop()


_LOGIN = Login("desk", PASSWORD)


@pytest.mark.parametrize(
    ("security", "login", "ca", "wrong"),
    [
        ("SASL_SSL", None, None, "needs DESK_BUS_USER and DESK_BUS_PASSWORD"),
        ("SSL", _LOGIN, None, "write SASL_SSL there"),
        ("PLAINTEXT", _LOGIN, None, "write SASL_SSL there"),
        ("SASL_PLAINTEXT", Login("desk", PASSWORD, "PLAIN"), None, "password in clear text"),
        ("PLAINTEXT", None, Path(os.devnull), "is without TLS"),
        ("SSL", None, Path("nowhere.pem"), "nowhere.pem cannot be used: No such file"),
        ("SSL", None, Path(os.devnull), "must hold certificates of authorities in PEM"),
        ("TLS", None, None, "must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    security: str, login: Login | None, ca: Path | None, wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong) as refused:
        open_bus(f"kafka://localhost:9092?security={security}", [], login=login, ca=ca)
    assert PASSWORD not in str(refused.value) + repr(login)
