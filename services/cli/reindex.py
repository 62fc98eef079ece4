"""`inbound-desk router reindex`: build the index of answered questions anew."""

from __future__ import annotations

import argparse
from typing import Any

from services import root
from services.cli.words import add_verb, go
from services.router.similar.worker import rebuild
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings


def add(below: Any) -> None:
    """`below` are the verbs of `inbound-desk router`."""
    add_verb(
        below,
        "reindex",
        reindex,
        "build the index of answered questions anew, or go on where that was interrupted",
    )


def reindex(_options: argparse.Namespace) -> int:
    count = go(_reindex(read_settings(DeskSettings)))
    print(f"the index of answered questions is built, from {count} ToDos")
    return 0


async def _reindex(settings: DeskSettings) -> int:
    async with root.opened(root.database_of("router", settings), "router") as database:
        return await rebuild(database, SystemClock(), on_page=_say)


def _say(count: int) -> None:
    if count % 10_000 == 0 and count:
        print(f"{count} ToDos")
