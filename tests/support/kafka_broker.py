"""A real Kafka broker (KRaft, one node) that tests may stop, kill and start again on its data."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.support.certificates import Certificates
from tests.support.processes import MissingBackingError, Process, StartFailedError, free_port

_HERE = Path(__file__).parent
_CLUSTER = "5kDhG1vqTzWkq0XJYh0iUA"
_START_SECONDS = 90.0


class Broker(Protocol):
    """What tests do to a broker; every call returns when it is done."""

    @property
    def bootstrap(self) -> str: ...

    @property
    def running(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def restart(self) -> None: ...

    def remove(self) -> None:
        """Kill it for good and let go of what is not in its folder."""


def supervised(directory: Path) -> Broker:
    """A broker that is not started yet: containers where an engine answers, else Java.

    Raises MissingBackingError when the machine has neither.
    """
    if _container_engine():
        return ContainerBroker(directory)
    if shutil.which("java") and (shutil.which("mvn") or _complete(_cache())):
        return JavaBroker(directory)
    raise MissingBackingError(
        "Kafka: TEST_DESK_KAFKA is not set, no container engine answers,"
        " and Java with Maven is not installed (Debian packages `default-jre-headless maven`)"
    )


@dataclass(frozen=True, slots=True)
class Login:
    """What a broker wants that does not trust everybody."""

    user: str
    password: str
    certificates: Certificates


def secured(directory: Path, login: Login) -> JavaBroker:
    """A broker with TLS and login that is not started yet. Raises MissingBackingError."""
    if shutil.which("java") and (shutil.which("mvn") or _complete(_cache())):
        return JavaBroker(directory, login=login)
    raise MissingBackingError(
        "Kafka with TLS and login: Java with Maven is not installed"
        " (Debian packages `default-jre-headless maven`)"
    )


class JavaBroker:
    """The broker's jars, fetched by their coordinates in `pom.xml`, under the machine's Java."""

    def __init__(self, directory: Path, *, login: Login | None = None) -> None:
        """With `login` the listener at `secured` wants TLS and the password."""
        self._directory = directory
        self._port = free_port()
        self._secured_port = free_port()
        self._controller_port = free_port()
        self._login = login
        self._process: Process | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def secured(self) -> str:
        return f"localhost:{self._secured_port}"

    @property
    def running(self) -> bool:
        return _answers(self._port)

    @property
    def log(self) -> Path:
        return self._directory / "broker.log"

    def start(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        config = self._directory / "server.properties"
        # Written at every start, because a folder that is used again gets new ports.
        config.write_text(
            _PROPERTIES.format(
                directory=self._directory, port=self._port, controller=self._controller_port
            )
            + ("" if self._login is None else self._secure(self._login))
        )
        if not (self._directory / "data" / "meta.properties").exists():
            self._format(config)
        self._process = Process(self._java("kafka.Kafka", str(config)), log=self.log)
        self._process.wait_until(lambda: _answers(self._port), seconds=_START_SECONDS)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate(signal.SIGTERM, seconds=60)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self.kill()

    def _secure(self, login: Login) -> str:
        keys = self._directory / "keystore.pem"
        keys.write_text(
            login.certificates.key.read_text() + login.certificates.certificate.read_text()
        )
        return _SECURED.format(
            port=self._port,
            secured=self._secured_port,
            controller=self._controller_port,
            keys=keys,
            user=login.user,
            password=login.password,
        )

    def _format(self, config: Path) -> None:
        (self._directory / "log4j2.properties").write_text(_LOGGING)
        tool = self._java(
            "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(config), *self._users()
        )
        with self.log.open("ab") as log:
            done = subprocess.run(tool, check=False, stdout=log, stderr=log, cwd=self._directory)
        if done.returncode:
            raise StartFailedError(f"the broker's folder was not formatted; see {self.log}")

    def _users(self) -> list[str]:
        if self._login is None:
            return []
        known = f"[name={self._login.user},password={self._login.password}]"
        return [
            word
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for word in ("--add-scram", f"{mechanism}={known}")
        ]

    def _java(self, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._directory}/log4j2.properties"
        memory = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return ["java", *memory, logging, "-cp", f"{_libraries()}/*", main, *arguments]


class ContainerBroker:
    """The official image by `compose.yml`; the container keeps its data until `remove`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._log = directory / "compose.log"
        self._port = free_port()
        self._project = f"inbound-desk-test-{uuid.uuid4().hex[:8]}"

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def running(self) -> bool:
        return _answers(self._port)

    def start(self) -> None:
        self._compose("up", "--detach")
        _wait(lambda: _answers(self._port), self._log)

    def stop(self) -> None:
        self._compose("stop")

    def kill(self) -> None:
        self._compose("kill")

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self._compose("down", "--volumes", "--timeout", "1")

    def _compose(self, *arguments: str) -> None:
        command = ["docker", "compose", "-p", self._project, "-f", str(_HERE / "compose.yml")]
        with self._log.open("ab") as log:
            subprocess.run(
                [*command, *arguments],
                check=True,
                stdout=log,
                stderr=log,
                env={**os.environ, "TEST_DESK_KAFKA_PORT": str(self._port)},
            )


def _wait(ready: Callable[[], bool], log: Path) -> None:
    watcher = Process(["sleep", str(_START_SECONDS + 10)], log=log)
    try:
        watcher.wait_until(ready, seconds=_START_SECONDS)
    finally:
        watcher.kill()


def _container_engine() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        for probe in (["docker", "info"], ["docker", "compose", "version"]):
            subprocess.run(probe, check=True, capture_output=True, timeout=15)
    except (subprocess.SubprocessError, OSError):
        return False
    return True


def _answers(port: int) -> bool:
    """Ask for the supported API versions: an open port alone may belong to a starting broker."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(8)) == 8
    except OSError:
        return False


def _cache() -> Path:
    """Beside the sources where they can be written, else in the user's cache."""
    project = _HERE.parent.parent
    if os.access(project, os.W_OK):
        return project / ".cache" / "kafka-broker"
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return home / "inbound-desk" / "kafka-broker"


def _complete(cache: Path) -> bool:
    """The copy belongs to exactly these coordinates."""
    marker = cache / "pom.xml"
    return marker.exists() and marker.read_bytes() == (_HERE / "pom.xml").read_bytes()


def _libraries() -> Path:
    cache = _cache()
    if not _complete(cache):
        cache.parent.mkdir(parents=True, exist_ok=True)
        fetched = Path(tempfile.mkdtemp(dir=cache.parent, prefix="kafka-broker-"))
        command = ["mvn", "-q", "-B", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies"]
        options = [f"-DoutputDirectory={fetched / 'libs'}", "-DincludeScope=runtime"]
        try:
            subprocess.run([*command, *options], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            shutil.rmtree(fetched, ignore_errors=True)
            raise StartFailedError(f"Maven did not fetch the broker: {error.stdout}") from error
        shutil.copyfile(_HERE / "pom.xml", fetched / "pom.xml")
        # Another test run may have been faster, then its copy is as good as this one.
        shutil.rmtree(cache, ignore_errors=True)
        fetched.rename(cache)
    return cache / "libs"


_LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1}: %m%n
"""

# The settings in which one node differs from the defaults, which are made for three. The short
# broker session lets a killed one come back at once instead of after nine seconds.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={directory}/data
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
offsets.retention.minutes=40320
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=4194304
"""

# Of a name that is given twice the last counts.
_SECURED = """\
listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secured},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://localhost:{secured}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={keys}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""  # noqa: E501 - one setting is one line
