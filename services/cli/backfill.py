"""`inbound-desk backfill`: publish what facts of before did not carry."""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from services import root
from services.cli.words import add_verb, go, moment
from services.intake.inquiries.usecases.answers import NOBODY, publish_page
from shared.db import Database
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings

INQUIRIES_AT_ONCE = 200
PAUSE_SECONDS = 0.05
"""From one transaction to the next, in which others write."""


def add(verbs: Any) -> None:
    backfill = verbs.add_parser("backfill", help="publish what facts of before did not carry")
    kinds = backfill.add_subparsers(required=True, metavar="what")
    verb = add_verb(
        kinds, "answers", answers, "what answers say, so that the router finds them by their words"
    )
    verb.add_argument("--since", type=moment, required=True, help="e.g. 2026-01-01T00:00:00Z")
    verb.add_argument(
        "--after", type=UUID, default=NOBODY, help="go on after this inquiry, as the command said"
    )


def answers(options: argparse.Namespace) -> int:
    count = go(_answers(read_settings(DeskSettings), options.since, options.after))
    print(f"{count} answers will be published with their words")
    return 0


async def _answers(settings: DeskSettings, since: datetime, after: UUID) -> int:
    async with root.opened(root.database_of("intake", settings), "intake") as database:
        return await publish_answers(database, since=since, after=after)


async def publish_answers(database: Database, *, since: datetime, after: UUID = NOBODY) -> int:
    """In small transactions; how many answers. What was done before an interruption has been said,
    and doing it twice has no second effect. Raises DatabaseUnavailableError.
    """
    count, place, clock = 0, after, SystemClock()
    while True:
        page = await database.write(
            publish_page, since=since, after=place, limit=INQUIRIES_AT_ONCE, now=clock.now()
        )
        count += page.answers
        if page.after is None:
            return count
        place = page.after
        print(f"{count} answers; to go on from here: --after {place}")
        await asyncio.sleep(PAUSE_SECONDS)
