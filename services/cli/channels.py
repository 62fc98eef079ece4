"""`inbound-desk channels check`: what of a channel works, and what is missing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from services.cli.reaching import public_address
from services.cli.words import add_verb, go
from services.intake.channels.checking import Configured, Finding, comes_by, configuration
from services.intake.connectors.registry import CONNECTORS
from services.intake.policy import channel_rules, examine, secret_variable
from services.intake.pulling.trial import trial
from shared.policy import Policy, load_policy
from shared.policy.problems import nearest
from shared.policy.pulling import AnyPull
from shared.runtime.clock import SystemClock
from shared.runtime.credentials import Credentials, channel_credentials
from shared.runtime.settings import DeskSettings, channel_secrets, read_settings


def add(verbs: Any) -> None:
    channels = verbs.add_parser("channels", help="the channels of the policy file")
    below = channels.add_subparsers(required=True, metavar="verb")
    verb = add_verb(below, "check", check, "try each channel, and say what is missing")
    verb.add_argument("name", nargs="*", help="left out: all of them")


@dataclass(frozen=True, slots=True)
class Environment:
    """What is configured, as the services would find it at their start."""

    public_url: str
    policy: Policy
    secrets: Mapping[str, Sequence[str]]
    credentials: Mapping[str, Credentials]


def check(options: argparse.Namespace) -> int:
    """Exit code 1 when something is missing."""
    settings = read_settings(DeskSettings)
    policy = load_policy(settings.policy)
    examine(policy)
    found = Environment(
        settings.public_url,
        policy,
        channel_secrets(os.environ),
        channel_credentials(os.environ),
    )
    missing = 0
    for each in _strange(found):
        print(each)
        missing += 1
    for name in _chosen(policy, options.name):
        findings = [*_findings(name, found)]
        _show(f"{name} ({policy.channels[name].connector})", findings)
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


def _strange(found: Environment) -> Iterable[str]:
    """What was set and belongs to no channel."""
    channels = [*found.policy.channels]
    for name in found.secrets:
        if name not in channels:
            right = nearest(name, channels)
            yield (
                f"{secret_variable(name)} belongs to no channel of the policy file; is it {right}?"
            )
    for name, credentials in found.credentials.items():
        one = credentials.password or credentials.token
        channel = found.policy.channels.get(name)
        if one is not None and (channel is None or channel.pull is None):
            yield (
                f"{one.variable} belongs to no channel that the desk fetches: the policy file has "
                f"no section [channels.{name}.pull]"
            )


def _findings(name: str, found: Environment) -> Iterable[Finding]:
    policy, channel = found.policy, found.policy.channels[name]
    secrets = found.secrets.get(name, ())
    configured = Configured(
        name,
        channel,
        CONNECTORS[channel.connector],
        secrets,
        comes_by(name, policy),
        found.public_url,
    )
    zone = ZoneInfo(policy.calendar.timezone)
    yield from configuration(configured, now=SystemClock().now(), zone=zone)
    if channel.pull is not None:
        yield _fetched(configured, channel.pull, found.credentials)
    if secrets or channel.pull is None:
        yield public_address(found.public_url, name)


def _fetched(
    configured: Configured, pull: AnyPull, credentials: Mapping[str, Credentials]
) -> Finding:
    """By logging in and asking what there is."""
    # Its webhook's secrets are another matter.
    rules = channel_rules(configured.name, configured.channel, configured.connector, secrets=())
    wrong = go(trial(rules, pull, credentials, clock=SystemClock()))
    if wrong is not None:
        return Finding("missing", f"it cannot be fetched: {wrong}")
    return Finding("ok", "its source lets the desk in, and each place of it was read")


def _show(title: str, findings: Sequence[Finding]) -> None:
    print(f"\n{title}")
    for each in findings:
        print(f"  {each.verdict:<9}  {each.text}")


def _summary(missing: int) -> str:
    if not missing:
        return "nothing is missing"
    return "1 thing is missing" if missing == 1 else f"{missing} things are missing"
