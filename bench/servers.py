"""Starting what is measured, and driving it with wrk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.prepared import API_KEY, SECRET, Prepared
from tests.support.processes import Process, free_port

HERE = Path(__file__).parent
# Another checkout can be measured against this one: its folder in BENCH_ROOT.
ROOT = Path(os.environ.get("BENCH_ROOT", HERE.parent))


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Round:
    """What wrk saw: every answer was 2xx, or `drive` raises. Latencies in seconds.

    `processor` is the processor time of the server per request, in seconds.
    """

    requests: int
    processor: float
    rate: float
    p50: float
    p99: float


@contextmanager
def noop(folder: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "bench.noop", str(port)]
    with _running(command, folder / "noop.log", {}, port, "/docs") as server:
        yield server


@contextmanager
def desk(
    name: str, folder: Path, settings: Mapping[str, str], *, root: Path = ROOT
) -> Iterator[Server]:
    """`inbound-desk <name>`, its schema brought up to date first; `run` does that by itself."""
    port = free_port()
    environment = {
        "DESK_PORT": str(port),
        "DESK_DATA_DIR": str(folder),
        "DESK_API_KEY": API_KEY,
        "DESK_SECRET_FACEBOOK": SECRET,
        "DESK_KEY_RATE": "0",
        "DESK_CHANNEL_RATE": "0",
        "PYTHONPATH": str(root),
        **settings,
    }
    services = [sys.executable, "-m", "services"]
    if name != "run":
        subprocess.run(
            [*services, "migrate", name],
            check=True,
            env={**os.environ, **environment},
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
    log = folder / f"{name}.log"
    with _running([*services, name], log, environment, port, "/health/ready") as server:
        yield server


@contextmanager
def _running(
    command: list[str], log: Path, environment: Mapping[str, str], port: int, path: str
) -> Iterator[Server]:
    process = Process(command, log=log, environment={"PYTHONPATH": str(ROOT), **environment})
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            answer = httpx.get(url + path, timeout=5)
        except httpx.HTTPError:
            return False
        return path != "/health/ready" or answer.json().get("status") == "ok"

    try:
        process.wait_until(answers, seconds=60)
        yield Server(url, process.pid)
    finally:
        process.terminate(seconds=10)


def drive(
    server: Server, prepared: Prepared, *, first: int, connections: int, seconds: float
) -> Round:
    """One round of wrk from the request number `first` on.

    Raises AssertionError when any answer was not 2xx or the connection broke.
    """
    script = [str(HERE / "replay.lua"), "--", str(prepared.path), str(prepared.size), str(first)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s"]
    before = processor_seconds(server.pid)
    done = subprocess.run(
        [*command, script[0], server.url, *script[1:], str(prepared.count - first)],
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    said = json.loads(done.stdout.strip().splitlines()[-1])
    if said["not_2xx"] or said["broken"] or "more requests" in done.stderr + done.stdout:
        raise AssertionError(f"not every answer was 2xx: {done.stdout} {done.stderr}")
    return Round(
        said["requests"],
        (processor_seconds(server.pid) - before) / max(1, said["requests"]),
        said["requests"] / (said["microseconds"] / 1e6),
        said["p50"] / 1e6,
        said["p99"] / 1e6,
    )


def processor_seconds(pid: int) -> float:
    """User and system time that the process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
