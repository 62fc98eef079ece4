"""`inbound-desk channels check`: what of a channel works, and what is missing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from services.cli.reaching import public_address
from services.cli.words import add_verb
from services.intake.channels.checking import Configured, Finding, comes_by, configuration
from services.intake.connectors.registry import CONNECTORS
from services.intake.policy import examine, secret_variable
from shared.policy import Policy, load_policy
from shared.policy.problems import nearest
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, channel_secrets, read_settings


def add(verbs: Any) -> None:
    channels = verbs.add_parser("channels", help="the channels of the policy file")
    below = channels.add_subparsers(required=True, metavar="verb")
    verb = add_verb(below, "check", check, "try each channel, and say what is missing")
    verb.add_argument("name", nargs="*", help="left out: all of them")


def check(options: argparse.Namespace) -> int:
    """Exit code 1 when something is missing."""
    settings = read_settings(DeskSettings)
    policy, secrets = load_policy(settings.policy), channel_secrets(os.environ)
    examine(policy)
    missing = _strange(policy, secrets)
    for name in _chosen(policy, options.name):
        channel = policy.channels[name]
        configured = Configured(
            name,
            channel,
            CONNECTORS[channel.connector],
            secrets.get(name, ()),
            comes_by(name, policy),
        )
        findings = [
            *configuration(
                configured, now=SystemClock().now(), zone=ZoneInfo(policy.calendar.timezone)
            ),
            public_address(settings.public_url, name),
        ]
        _show(f"{name} ({channel.connector})", findings)
        missing += sum(each.verdict == "missing" for each in findings)
    print(f"\n{_summary(missing)}")
    return 1 if missing else 0


def _chosen(policy: Policy, names: Sequence[str]) -> Sequence[str]:
    """Raises ValueError for one that is no channel."""
    for name in names:
        if name not in policy.channels:
            raise ValueError(
                f"the policy file has no channel {name}; is it {nearest(name, [*policy.channels])}?"
            )
    return list(dict.fromkeys(names)) or [*policy.channels]


def _strange(policy: Policy, secrets: Sequence[str] | dict[str, Any]) -> int:
    """Secrets of nobody; how many."""
    strange = [name for name in secrets if name not in policy.channels]
    for name in strange:
        right = nearest(name, [*policy.channels])
        print(f"{secret_variable(name)} belongs to no channel of the policy file; is it {right}?")
    return len(strange)


def _show(title: str, findings: Sequence[Finding]) -> None:
    print(f"\n{title}")
    for each in findings:
        print(f"  {each.verdict:<9}  {each.text}")


def _summary(missing: int) -> str:
    if not missing:
        return "nothing is missing"
    return "1 thing is missing" if missing == 1 else f"{missing} things are missing"
