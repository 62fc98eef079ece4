"""`inbound-desk recover router`: what people did with ToDos whose rows are lost, from the bus."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from services import root
from services.cli.words import add_verb, go, moment
from services.router.todos.usecases.recovery import Recovered, recover
from shared.bus.port import Received, Subscription
from shared.db import Database
from shared.events.catalogue import TODOS
from shared.messaging.codec import MalformedRecordError, to_envelope
from shared.messaging.envelope import Envelope
from shared.policy import load_policy
from shared.runtime.clock import SystemClock
from shared.runtime.ids import new_id
from shared.runtime.settings import DeskSettings, read_settings

AT_ONCE = 400
FETCH_SECONDS = 0.5


def add(verbs: Any) -> None:
    verb = add_verb(
        verbs,
        "recover",
        _recover,
        "take what people did with ToDos from the bus, after the router lost its database",
    )
    verb.add_argument("what", choices=("router",))
    verb.add_argument("--since", type=moment, required=True, help="e.g. 2026-11-24T08:00:00Z")


def _recover(options: argparse.Namespace) -> int:
    found = go(_recover_router(read_settings(DeskSettings), options.since))
    print(f"{len(found.todos)} ToDos stand again as people had left them")
    if found.unknown:
        print(
            f"{len(found.unknown)} inquiries have no ToDo here: if the router has not caught up "
            "with intake yet, recover again when it has"
        )
    return 0


async def _recover_router(settings: DeskSettings, since: datetime) -> Recovered:
    """Raises DatabaseUnavailableError and BusUnavailableError."""
    bus = root.make_bus(settings, load_policy(settings.policy))
    async with root.opened(root.database_of("router", settings), "router") as database:
        await bus.start()
        try:
            # A group that nobody has used begins with the oldest that the bus still has.
            async with bus.subscribe(f"recover-{new_id()}", (TODOS,)) as subscription:
                return await _from_the_beginning(subscription, database, since)
        finally:
            await bus.stop()


async def _from_the_beginning(
    subscription: Subscription, database: Database, since: datetime
) -> Recovered:
    all_found, now = Recovered(frozenset(), frozenset()), SystemClock().now()
    while True:
        batches = await subscription.fetch(max_records=AT_ONCE, timeout_seconds=FETCH_SECONDS)
        for partition, records in batches.items():
            published = [each for each in map(_understood, records) if each and since <= each.time]
            found = await database.write(recover, published, now=now)
            all_found = Recovered(all_found.todos | found.todos, all_found.unknown | found.unknown)
            await subscription.commit(partition, records[-1].offset + 1)
        if not batches and await subscription.lag() == 0:
            return all_found


def _understood(record: Received) -> Envelope | None:
    """None for what would be a dead letter: it says nothing that the router once knew."""
    try:
        return to_envelope(record)
    except MalformedRecordError:
        return None
