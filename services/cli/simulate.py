"""`inbound-desk sla simulate`: what another policy would have meant."""

from __future__ import annotations

import argparse
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services import root
from services.cli.words import add_verb, day, go
from services.sla.previews.simulate import simulate as simulate_policy
from shared.policy import Policy, load_policy
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings
from shared.web.moments import midnight


def add(verbs: Any) -> None:
    """Below `sla`, which is there already."""
    below = verbs.choices["sla"].add_subparsers(metavar="verb")
    verb = add_verb(below, "simulate", simulate, "what another policy would have meant")
    verb.add_argument("--policy", type=Path, required=True)
    verb.add_argument("--from", dest="start", type=day, required=True, help="a day, or a moment")
    verb.add_argument("--to", dest="end", type=day, required=True, help="excluded from the span")
    verb.add_argument("--json", action="store_true")


def simulate(options: argparse.Namespace) -> int:
    policy = load_policy(options.policy)

    async def work() -> str:
        reader = root.reader_of("sla", read_settings(DeskSettings))
        async with root.opened(reader, "sla") as database:
            found = await simulate_policy(
                database,
                policy,
                start=_midnight(options.start, policy),
                end=_midnight(options.end, policy),
                now=SystemClock().now(),
            )
        return json.dumps(found.as_json(), indent=2) if options.json else found.as_text()

    print(go(work()))
    return 0


def _midnight(moment: date, policy: Policy) -> datetime:
    """A day begins at midnight where the desk is; a moment is what it is."""
    if isinstance(moment, datetime):
        return moment
    return midnight(ZoneInfo(policy.calendar.timezone), moment)
