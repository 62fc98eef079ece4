"""Intake's rate as a share of FastAPI's own no-op POST, measured side by side in one run.

    python -m bench.intake [--quick] [postgres] [postgres-kafka] [embedded]

Each round of the no-op is followed by a round of the desk; medians are compared. Every request is
signed and has another external id, every answer is checked to be 2xx, and the stored rows are
counted afterwards. Before the next round of the no-op the desk has drained its backlog, and the
rate over both, accepting and draining, is reported as "sustained". "processor" is the no-op's
processor time for a request as a share of the desk's for a message until all is drained: on a
machine that others use, too, it says most.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.desk_rows import Counted, postgres_rows, sqlite_rows
from bench.prepared import Route, prepare
from bench.servers import Round, Server, desk, drive, noop, processor_seconds
from tests.support import backing

TARGETS = {"postgres": 0.6, "postgres-kafka": 0.6, "embedded": 0.3}
HIGHEST_RATE = 15_000
LONGEST_DRAIN_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    noop_seconds: float
    desk_seconds: float


@dataclass(frozen=True, slots=True)
class Setup:
    """A running desk, how its rows are counted, and how much of its work is left."""

    server: Server
    rows: Callable[[], Counted]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modes", nargs="*", choices=[[], *TARGETS])
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    options = parser.parse_args()
    plan = Plan(2, 2, 3) if options.quick else Plan(5, 3, 5)
    with tempfile.TemporaryDirectory(prefix="inbound-desk-bench-") as name:
        for mode in options.modes or TARGETS:
            folder = Path(name) / mode
            folder.mkdir()
            measure(mode, folder, plan)


def measure(mode: str, folder: Path, plan: Plan) -> None:
    with noop(folder) as reference, setup(mode, folder) as measured:
        variants: list[tuple[Route, int]] = [("webhook", 32), ("webhook", 128), ("rest", 32)]
        for route, connections in variants:
            print(f"{mode}, {route}, {connections} connections:", flush=True)
            compare(folder / "requests", reference, measured, plan, (route, connections))


@contextmanager
def setup(mode: str, folder: Path) -> Iterator[Setup]:
    with ExitStack() as stack:
        if mode == "embedded":
            server = stack.enter_context(desk("run", folder, {}))
            yield Setup(server, lambda: sqlite_rows(folder))
            return
        url = stack.enter_context(backing.postgres())
        settings = {"DESK_INTAKE_DATABASE_URL": url}
        if mode == "postgres-kafka":
            settings["DESK_BUS_URL"] = f"kafka://{stack.enter_context(backing.kafka())}"
        server = stack.enter_context(desk("intake", folder, settings))
        yield Setup(server, lambda: postgres_rows({"intake": url}))


def compare(
    path: Path, reference: Server, measured: Setup, plan: Plan, variant: tuple[Route, int]
) -> None:
    route, connections = variant
    accepting, sustained, processor, latency, references = [], [], [], [], []
    last: Round | None = None
    for _ in range(plan.rounds):
        prepared = prepare(path, route, int(HIGHEST_RATE * plan.desk_seconds) + 1000)
        baseline = drive(
            reference, prepared, first=0, connections=connections, seconds=plan.noop_seconds
        )
        references.append(baseline.rate)
        before = measured.rows().stored
        spent = processor_seconds(measured.server.pid)
        began = time.monotonic()
        last = drive(
            measured.server, prepared, first=0, connections=connections, seconds=plan.desk_seconds
        )
        drained = _drain(measured)
        spent = processor_seconds(measured.server.pid) - spent
        stored = measured.rows().stored - before
        # What was on its way when wrk stopped is stored, but nobody saw its answer.
        if not last.requests <= stored <= last.requests + connections:
            raise AssertionError(f"{last.requests} answers, but {stored} rows")
        accepting.append(last.rate / baseline.rate)
        sustained.append(stored / (drained - began) / baseline.rate)
        processor.append(baseline.processor * stored / spent)
        latency.append(last.p50 / baseline.p50)
    if last is not None:
        print(
            f"  accepting {_shares(accepting)}  sustained {_shares(sustained)}"
            f"  processor {_shares(processor)}  median {median(latency):.1f} times the no-op's"
            f"  (this machine: no-op {median(references):.0f}/s, 202 after {last.p50 * 1e3:.1f} ms"
            f" in the median, {last.p99 * 1e3:.1f} ms at the 99th percentile)",
            flush=True,
        )


def _drain(measured: Setup) -> float:
    """When the backlog was drained; AssertionError when it takes too long."""
    deadline = time.monotonic() + LONGEST_DRAIN_SECONDS
    while measured.rows().waiting:
        if time.monotonic() > deadline:
            raise AssertionError("the backlog was not drained")
        time.sleep(0.02)
    return time.monotonic()


def _shares(values: list[float]) -> str:
    each = " ".join(f"{value:.2f}" for value in values)
    return f"{median(values):.2f} [{each}]"


if __name__ == "__main__":
    main()
