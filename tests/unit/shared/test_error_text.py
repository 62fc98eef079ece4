"""What the log shows of an error: where it came from, never what was at work."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError

from shared.bus.port import BusUnavailableError
from shared.runtime.error_text import LONGEST, described, stack
from shared.runtime.telemetry import configure_logging

WORDS = "Wo bleibt mein Paket?"


class Model(BaseModel):
    number: int


def violation() -> asyncpg.PostgresError:
    """As the server's message makes it."""
    fields = {
        "C": "23505",
        "M": f"duplicate {WORDS}",
        "D": f"Key (text)=({WORDS}) already exists.",
        "n": "uq_messages_external_id",
        "t": "messages",
    }
    error: asyncpg.PostgresError = asyncpg.PostgresError.new(fields)
    return error


def invalid() -> ValidationError:
    try:
        TypeAdapter(Model).validate_python({"number": WORDS})
    except ValidationError as error:
        return error
    raise AssertionError("it is invalid")


def sqlite_error() -> sqlite3.Error:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (x UNIQUE)")
        connection.execute("INSERT INTO t VALUES (1)")
        try:
            connection.execute("INSERT INTO t VALUES (1)")
        except sqlite3.Error as error:
            return error
    raise AssertionError("it is there already")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (KeyError(WORDS), "KeyError"),
        (ValueError(f"bad {WORDS}"), "ValueError"),
        (UnicodeEncodeError("utf-8", WORDS, 0, 1, "x"), "UnicodeEncodeError"),
        (Exception(WORDS), "Exception"),
        (invalid(), "ValidationError"),
        (asyncpg.DataError(f"invalid input for query argument $1: {WORDS}"), "DataError"),
        (RuntimeError("no HTTP surface yet"), "RuntimeError: no HTTP surface yet"),
        (BusUnavailableError("the bus is away"), "BusUnavailableError: the bus is away"),
        (ConnectionRefusedError(111, "refused"), "ConnectionRefusedError: [Errno 111] refused"),
        (sqlite_error(), "IntegrityError: SQLITE_CONSTRAINT_UNIQUE"),
        (
            violation(),
            "UniqueViolationError: SQLSTATE 23505 uq_messages_external_id messages",
        ),
        (
            IntegrityError("INSERT", {"text": WORDS}, violation()),
            "IntegrityError: UniqueViolationError: SQLSTATE 23505 uq_messages_external_id messages",
        ),
    ],
    ids=lambda each: each.partition(":")[0] if isinstance(each, str) else "",
)
def test_one_line(error: Exception, shown: str) -> None:
    assert described(error).replace("DataError: SQLSTATE 22000", "DataError") == shown


def test_one_line_is_bounded() -> None:
    assert len(described(RuntimeError("x\n" * 10_000))) < LONGEST + 20


def test_a_stack_names_every_cause_and_each_place() -> None:
    try:
        try:
            dict[str, str]()[WORDS]
        except LookupError as error:
            raise IntegrityError("INSERT", {"text": WORDS}, violation()) from error
    except IntegrityError as error:
        text = stack(ExceptionGroup(WORDS, [error, ValueError(WORDS)]))
    assert WORDS not in text
    for part in ("KeyError", "IntegrityError: UniqueViolation", "ValueError", "in test_a_stack"):
        assert part in text
    assert text.index("KeyError\n") < text.index("IntegrityError: ")


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert stack(first).count("Traceback") == 2


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    lines, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.setattr(sys, "stderr", lines)
    configure_logging("info")
    # A logger that is first used meanwhile must not keep this for the tests after it.
    structlog.configure(cache_logger_on_first_use=False)
    yield lines
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


async def test_no_line_of_the_log_has_the_words(logged: io.StringIO) -> None:
    async def fails() -> None:
        raise violation()

    try:
        await fails()
    except asyncpg.PostgresError:
        structlog.get_logger().exception("loop.failed")
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    # asyncio puts the task's error into the text of its line.
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    loop.default_exception_handler(
        {"message": "Task exception was never retrieved", "future": task,
         "exception": task.exception()}
    )  # fmt: skip
    lines: list[dict[str, Any]] = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [line.get("message", line["event"]) for line in lines] == [
        "loop.failed",
        "Exception in ASGI application",
        "Task exception was never retrieved",
    ]
    assert all("SQLSTATE 23505" in line["exception"] for line in lines)
    assert WORDS not in logged.getvalue()
