"""Child processes of the tests: in a group of their own, never outliving the test run."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


class MissingBackingError(Exception):
    """This machine has no such server or program; the text says what was looked for.

    A test that meets it is reported as not tested, or failed in CI: see tests/conftest.py.
    """


class StartFailedError(Exception):
    """The real thing is here but did not come up; the text names its log."""


class Process:
    """One child with a log file and a guard that kills its group when the test run dies."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
                env=None if environment is None else {**os.environ, **environment},
                start_new_session=True,
                **as_user(user),
            )
        # The guard's pipe closes when this process ends in whatever way, kill -9 included.
        self._guard = subprocess.Popen(
            ["sh", "-c", f"trap '' INT TERM HUP; read _; kill -KILL -{self._child.pid}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Raises StartFailedError when the child ends or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise StartFailedError(f"{self._child.args!r} did not come up; see {self.log}")
            time.sleep(0.05)

    def terminate(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = 30) -> None:
        """Ask politely, then kill."""
        if self.running:
            self._child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
        self.kill()

    def exit_code(self, *, seconds: float) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired when it goes on for longer."""
        return self._child.wait(seconds)

    def kill(self) -> None:
        """SIGKILL for the whole group; returns when the child is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()


def as_user(user: int | None) -> dict[str, Any]:
    """What makes `subprocess` run a program as that user; only root may ask for one."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def needs(*programs: str) -> None:
    """Raises MissingBackingError when the machine lacks one of these programs."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise MissingBackingError(" and ".join(missing))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Scratch:
    """A folder for one server's data and log; set `keep` to leave it for a reader."""

    def __init__(self, name: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"inbound-desk-{name}-"))
        self.path.chmod(0o755)  # the database runs as another user
        self.keep = False


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Scratch]:
    """The folder goes away at the end, unless something failed."""
    folder = Scratch(name)
    try:
        yield folder
    except MissingBackingError:
        raise
    except BaseException:
        folder.keep = True
        raise
    finally:
        if folder.keep:
            sys.stderr.write(f"\n{name}: data and log kept in {folder.path}\n")
        else:
            shutil.rmtree(folder.path, ignore_errors=True)
