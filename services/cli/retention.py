"""`inbound-desk retention`: remove now what the running services remove over time."""

from __future__ import annotations

import argparse
from typing import Any

from services.cli.removal import remove_old
from services.cli.words import add_verb, go
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings


def add(verbs: Any) -> None:
    verb = add_verb(verbs, "retention", retention, "remove what is older than messages_days")
    verb.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def retention(options: argparse.Namespace) -> int:
    settings, now = read_settings(DeskSettings), SystemClock().now()
    print(go(remove_old(settings, now=now, dry_run=options.dry_run)))
    return 0
