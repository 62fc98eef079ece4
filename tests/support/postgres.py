"""A real, throw-away PostgreSQL, its durable settings on: those are what we promise with."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.support.certificates import Certificates
from tests.support.processes import MissingBackingError, Process, free_port

_OWNER = "desk"


@dataclass(frozen=True, slots=True)
class Login:
    """What a server wants that does not trust everybody."""

    password: str
    certificates: Certificates


class Postgres:
    """A supervised server on a free port; `kill` and `start` keep folder and port."""

    def __init__(self, directory: Path, *, login: Login | None = None) -> None:
        """With `login` it lets in only who comes by TLS with the password.

        Raises MissingBackingError when the server's programs are not installed.
        """
        self._programs = _programs()
        self._login = login
        self._directory = directory
        self._port = free_port()
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{_OWNER}@127.0.0.1:{self._port}/postgres"

    def url_of(self, host: str, *, password: str, options: str = "") -> str:
        return f"postgresql://{_OWNER}:{password}@{host}:{self._port}/postgres{options}"

    @property
    def log(self) -> Path:
        return self._directory / "postgres.log"

    def start(self) -> None:
        """Returns when the server answers; raises StartFailedError."""
        data = self._directory / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(data)
        settings = {
            "port": self._port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 200,
            "fsync": "on",
            "synchronous_commit": "on",
            "shared_buffers": "128MB",
        }
        if self._login is not None:
            settings |= self._tls(self._login)
        options = [f"--{name}={value}" for name, value in settings.items()]
        self._process = Process(
            [*_unprivileged(), str(self._programs / "postgres"), "-D", str(data), *options],
            log=self.log,
        )
        self._process.wait_until(self._answers, seconds=60)

    def stop(self) -> None:
        """Fast shutdown: connections are ended, everything is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Immediate shutdown, as a crash: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.terminate(number)
            self._process = None

    def _initialise(self, data: Path) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self._directory, "postgres")
        initdb = [str(self._programs / "initdb"), "-D", str(data), "-U", _OWNER, "-A", "trust"]
        if self._login is not None:
            password = self._directory / "password"
            password.write_text(self._login.password)
            initdb += ["--pwfile", str(password)]
        subprocess.run(
            [*_unprivileged(), *initdb, "-E", "UTF8", "--locale=C.UTF-8"],
            check=True,
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
        )

    def _tls(self, login: Login) -> dict[str, str]:
        key = self._directory / "server.key"
        shutil.copyfile(login.certificates.key, key)
        key.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(key, "postgres")
        (self._directory / "data" / "pg_hba.conf").write_text(
            "hostssl all all 127.0.0.1/32 scram-sha-256\n"
        )
        certificate = self._directory / "server.pem"
        shutil.copyfile(login.certificates.certificate, certificate)
        return {"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key)}

    def _answers(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        return subprocess.run(ready, check=False).returncode == 0


@contextlib.asynccontextmanager
async def fresh_database(url: str, *, template: str = "template0") -> AsyncIterator[str]:
    """The URL of a new database on that server, a copy of `template`, dropped at the end."""
    name = f"test_{uuid.uuid4().hex}"
    await _execute(url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        await _execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))],
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    raise MissingBackingError(
        "PostgreSQL: DESK_TEST_DATABASE_URL is not set and no server programs are installed"
        " (Debian package `postgresql`)"
    )


def _unprivileged() -> list[str]:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
