"""`inbound-desk replay`: publish kept facts again, or deal with dead letters."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID

from services import root
from services.cli.letters import letters_of, listed, settle_letters
from services.cli.words import SERVICES, add_verb, go, moment
from shared.messaging.outbox import publish_again
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings


def add(verbs: Any) -> None:
    verb = add_verb(
        verbs, "replay", replay, "publish stored facts again; handled ones have no second effect"
    )
    verb.add_argument("what", choices=(*SERVICES, "dead-letters"))
    verb.add_argument("--since", type=moment, help="e.g. 2026-11-24T08:00:00Z")
    letters = verb.add_argument_group("dead-letters")
    letters.add_argument(
        "--list", action="store_true", help="list the waiting dead letters; change nothing"
    )
    letters.add_argument("--id", action="append", type=UUID, help="this letter; may be repeated")
    letters.add_argument("--service", choices=SERVICES, help="the letters of this service alone")
    letters.add_argument("--discard", metavar="REASON", help="give the letters up, for a reason")


def replay(options: argparse.Namespace) -> int:
    if options.what == "dead-letters":
        return _replay_letters(options)
    if (
        options.since is None
        or options.list
        or options.id
        or options.service
        or options.discard is not None
    ):
        raise ValueError(
            f"`replay {options.what}` takes --since and nothing else; --list, --id, --service and "
            "--discard belong to `replay dead-letters`"
        )
    count = go(_replay_service(options.what, read_settings(DeskSettings), options))
    print(f"{count} facts of {options.what} will be published again")
    return 0


def _replay_letters(options: argparse.Namespace) -> int:
    settings = read_settings(DeskSettings)
    services = (options.service,) if options.service else tuple(root.BUILDERS)
    if not (options.list or options.id or options.since):
        raise ValueError("which dead letters? --list shows them, --id or --since chooses")
    if options.discard is not None and (options.list or not options.discard.strip()):
        raise ValueError("--discard takes a reason and cannot be combined with --list")
    found = go(letters_of(services, settings, since=options.since, ids=options.id))
    if options.list:
        print(listed(found))
        return 0
    now = SystemClock().now()
    count = go(settle_letters(found, settings, discarded_for=options.discard, now=now))
    what = (
        "given up" if options.discard is not None else "will be tried once more by their consumers"
    )
    print(f"{count} dead letters {what}")
    return 0


async def _replay_service(service: str, settings: DeskSettings, options: argparse.Namespace) -> int:
    async with root.opened(root.database_of(service, settings), service) as database:
        return await database.write(publish_again, since=options.since)
