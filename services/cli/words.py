"""What the commands have in common: how a verb is added, how its words are read, how it runs."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from typing import Any, TypeVar

import uvloop

from shared.web.moments import day_or_moment, moment_of

SERVICES = ("intake", "router", "sla")
Command = Callable[[argparse.Namespace], int]
T = TypeVar("T")


def add_verb(verbs: Any, name: str, command: Command, about: str) -> argparse.ArgumentParser:
    """A verb below others; `command` gets the words that were given and returns the exit code."""
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about)
    verb.set_defaults(command=command)
    return verb


def day(text: str) -> date:
    """A day such as 2026-11-24, or a moment."""
    try:
        return day_or_moment(text)
    except ValueError as error:
        raise _unreadable(text, error, "2026-11-24 or 2026-11-24T08:00:00Z") from error


def moment(text: str) -> datetime:
    try:
        return moment_of(text)
    except ValueError as error:
        raise _unreadable(text, error, "2026-11-24T08:00:00Z") from error


def _unreadable(text: str, error: ValueError, right: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{text!r} {error}; write it like {right}")


def go(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, on the loop that the services run on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
