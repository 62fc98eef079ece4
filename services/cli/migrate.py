"""`inbound-desk migrate`: bring the schemas of the databases up to date."""

from __future__ import annotations

import argparse
from typing import Any

from services import root
from services.cli.words import add_verb, go
from shared.runtime.settings import DeskSettings, read_settings


def add(verbs: Any) -> None:
    verb = add_verb(verbs, "migrate", migrate, "bring the databases up to date")
    verb.add_argument("services", nargs="*", metavar="service", help="all, if none is named")


def migrate(options: argparse.Namespace) -> int:
    unknown = set(options.services) - set(root.BUILDERS)
    if unknown:
        raise ValueError(
            f"no service is named {min(unknown)}; known are {', '.join(root.BUILDERS)}"
        )
    services = options.services or list(root.BUILDERS)
    go(root.migrate(services, read_settings(DeskSettings)))
    print(f"up to date: {', '.join(services)}")
    return 0
