"""`python -m tests.support.webhook_cases FOLDER [--kafka] [NAMES...]`, see the package."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path

from httpx import HTTPError

from services.intake.connectors.registry import CONNECTORS
from tests.support.processes import scratch
from tests.support.webhook_cases.case import Case, cases, chosen
from tests.support.webhook_cases.comparing import differences
from tests.support.webhook_cases.stand import Stand, standing


def main(words: Sequence[str]) -> int:
    options = _parser().parse_args(words)
    try:
        found = cases(options.folder)
        wanted = chosen(found, options.names)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    wrong = asyncio.run(run(found, wanted, kafka=options.kafka))
    for case in wanted:
        if case.name in wrong:
            mark = " (uncertain)" if case.expected.get("uncertain") else ""
            sys.stdout.write(f"{case.name}{mark}: {'; '.join(wrong[case.name])}\n")
    sys.stdout.write(f"{len(wanted) - len(wrong)} of {len(wanted)} as expected\n")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.support.webhook_cases")
    parser.add_argument("folder", type=Path, help="has a folder for each channel")
    parser.add_argument("names", nargs="*", help="of cases or of channels; without any: all")
    parser.add_argument("--kafka", action="store_true", help="on PostgreSQL and Kafka")
    return parser


async def run(
    found: Mapping[str, Case], wanted: Sequence[Case], *, kafka: bool = False
) -> dict[str, list[str]]:
    """The differences of each case that has any. One desk takes all of them in turn."""
    wrong = {case.name: [reason] for case in wanted if (reason := unfit(case))}
    fitting = [case for case in wanted if case.name not in wrong]
    if not fitting:
        return wrong
    with scratch("webhook-cases") as folder:
        async with standing(folder.path, fitting, found, kafka=kafka) as stand:
            for case in fitting:
                if different := await _tried(stand, case):
                    wrong[case.name] = different
    return wrong


async def _tried(stand: Stand, case: Case) -> list[str]:
    """The differences; a case that cannot be delivered costs no other."""
    try:
        return differences(case, await stand.outcome(case))
    except (OSError, LookupError, ValueError, AssertionError, HTTPException, HTTPError) as error:
        return [f"it could not be tried: {error!r}"]


def unfit(case: Case) -> str | None:
    """Why no desk can have a channel for it: one that cannot be would keep it from starting."""
    connector = CONNECTORS.get(case.connector)
    if connector is None:
        return f"there is no connector {case.connector}"
    try:
        connector.keys(case.channel_secrets)
    except ValueError as error:
        return f"its secret cannot be one: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
