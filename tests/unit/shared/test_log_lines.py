"""The log keeps its form and its measure, whatever a library says, however long a bus is away."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from shared.bus.kafka.client_log import follow_client, last_words
from shared.bus.outage import Outage
from shared.runtime.lifecycle import unless

_SAYS = """
import logging, warnings
import structlog
from shared.bus.kafka.client_log import follow_client, last_words
from shared.runtime.telemetry import configure_logging

configure_logging("info")
follow_client()
structlog.get_logger().info("desk.ours", number=1)
logging.getLogger("asyncio").error("Unclosed %s\\nsecond line", "client")
warnings.warn("a library warns")
for _ in range(100):
    logging.getLogger("aiokafka.conn").error("Unable connect to node with id %s", 1)
"""


def test_every_line_has_one_form() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", _SAYS], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(each["level"], each["event"]) for each in lines] == [
        ("info", "desk.ours"),
        ("error", "library.said"),
        ("warning", "library.said"),
    ]
    assert lines[1]["message"] == "Unclosed client"
    assert [each.get("logger") for each in lines] == [None, "asyncio", "py.warnings"]
    assert all("timestamp" in each for each in lines)


@pytest.fixture
def client() -> Iterator[logging.Logger]:
    logger = logging.getLogger("aiokafka")
    before = logger.handlers, logger.propagate, logger.level
    follow_client()
    yield logging.getLogger("aiokafka.client")
    logger.handlers, logger.propagate, logger.level = before


def test_an_outage_is_said_when_it_begins_once_a_minute_and_when_it_ends(
    client: logging.Logger,
) -> None:
    seconds = 0.0
    outage = Outage(lambda: seconds, problem="not connected yet", client=last_words)
    assert outage.problem is not None, "who comes before the first connection need not say so"
    with structlog.testing.capture_logs() as logs:
        outage.answered()
        assert outage.problem is None
        for second in range(150):
            seconds = float(second)
            client.error("Unable connect to node with id %s: refused", second)
            outage.failed("no answer")
        assert outage.problem == "no answer"
        seconds = 200.0
        outage.answered()
        outage.answered()
    said = [each for each in logs if each["log_level"] != "debug"]
    assert [(each["event"], each.get("seconds")) for each in said] == [
        ("bus.unavailable", None),
        ("bus.still_unavailable", 60),
        ("bus.still_unavailable", 120),
        ("bus.available", 200),
    ]
    assert said[0]["client"] == "Unable connect to node with id 0: refused"
    assert {each["event"] for each in logs if each["log_level"] == "debug"} == {"bus.client"}


def test_an_outage_goes_on_while_some_writes_still_find_room() -> None:
    seconds = 0.0
    outage = Outage(lambda: seconds, calm_seconds=10.0)
    with structlog.testing.capture_logs() as logs:
        for second in range(30):
            seconds = float(second)
            outage.failed("the disk is full")
            outage.answered()
        assert outage.problem == "the disk is full"
        seconds = 39.0
        outage.answered()
    assert outage.problem is None
    assert [each["event"] for each in logs] == ["bus.unavailable", "bus.available"]


async def test_work_ends_when_it_is_told_to_stop() -> None:
    stop, never = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        raise LookupError("no")

    assert await unless(stop, asyncio.sleep(0))
    with pytest.raises(LookupError, match="no"):
        await unless(stop, fail())
    asyncio.get_running_loop().call_later(0.01, stop.set)
    assert not await unless(stop, never.wait())
