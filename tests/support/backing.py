"""The real PostgreSQL and Kafka behind the tests, the benchmarks, and anybody who wants to look.

    python -m tests.support.backing up DIR

starts both in DIR, prints their two URLs and keeps them until Ctrl-C; the data stay in DIR.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.support.kafka_broker import Broker, supervised
from tests.support.postgres import Postgres
from tests.support.processes import Scratch, scratch

DATABASE_VARIABLE = "TEST_DESK_DATABASE_URL"
KAFKA_VARIABLE = "TEST_DESK_KAFKA"


@contextlib.contextmanager
def postgres(folder: Scratch | None = None) -> Iterator[str]:
    """The URL (`postgresql://...`) of a server on which databases may be created.

    Raises MissingBackingError when there is none.
    """
    given = os.environ.get(DATABASE_VARIABLE)
    if given:
        yield given
        return
    with contextlib.ExitStack() as stack:
        folder = folder or stack.enter_context(scratch("postgres"))
        server = Postgres(folder.path)
        stack.callback(server.kill)
        server.start()
        yield server.url


@contextlib.contextmanager
def kafka(folder: Scratch | None = None) -> Iterator[str]:
    """The bootstrap servers (`host:port,...`) of a running Kafka.

    Raises MissingBackingError when there is none.
    """
    given = os.environ.get(KAFKA_VARIABLE)
    if given:
        yield given
        return
    with broker(folder) as running:
        yield running.bootstrap


@contextlib.contextmanager
def broker(folder: Scratch | None = None) -> Iterator[Broker]:
    """A started broker of one's own that may be stopped, killed and started again.

    Raises MissingBackingError when this machine cannot run one.
    """
    with contextlib.ExitStack() as stack:
        folder = folder or stack.enter_context(scratch("kafka"))
        running = supervised(folder.path)
        stack.callback(running.remove)
        running.start()
        yield running


def _up(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    database, kafka_broker = Postgres(directory / "postgres"), supervised(directory / "kafka")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        stack.callback(database.stop)
        database.start()
        stack.callback(kafka_broker.stop)
        kafka_broker.start()
        sys.stdout.write(f"{database.url}\nkafka://{kafka_broker.bootstrap}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["up", folder_name]:
            _up(Path(folder_name).absolute())
        case _:
            sys.exit(__doc__)
