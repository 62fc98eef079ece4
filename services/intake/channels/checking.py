"""What of a channel's configuration is right, and what is missing, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal

from services.intake.channels.states import WARNED_BEFORE, ending, expiry
from services.intake.connectors.port import Connector
from services.intake.connectors.registry import OWN_TOOLS
from services.intake.policy import form_channel, missing_secret, secret_variable
from shared.policy import Channel, Policy, Verification

Verdict = Literal["ok", "missing", "not tried"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`missing` is what somebody has to do something about, also where something is wrong."""

    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Configured:
    """A channel as it is configured, whether it could start so or not. `comes_by` says how messages
    come in other than by webhook.
    """

    name: str
    channel: Channel
    connector: Connector[Any]
    secrets: Sequence[str]
    comes_by: str | None = None
    public_url: str = ""


def comes_by(name: str, policy: Policy) -> str | None:
    """How messages come in on a channel that no webhook has to bring; None for the others."""
    if policy.channels[name].connector == OWN_TOOLS:
        return "your own tools write here, each with a key"
    if form_channel(policy) == name:
        return "the form at /form writes here"
    if policy.channels[name].pull is not None:
        return "the desk itself fetches what comes"
    return None


def configuration(configured: Configured, *, now: datetime, zone: tzinfo) -> Iterator[Finding]:
    """What can be said without asking anybody."""
    yield from _secret(configured)
    channel, setup = configured.channel, configured.connector.setup
    if setup.own_ids is not None and not channel.own_ids:
        yield Finding(
            "missing",
            "own_ids is empty, so what you post yourselves becomes an inquiry: list "
            f"{setup.own_ids}",
        )
    if channel.verification is Verification.OBSERVE:
        yield Finding(
            "missing",
            'verification is "observe": what does not prove who sent it is accepted; set it back '
            'to "enforce" once nothing fails any more',
        )
    expires_at = expiry(channel.expires, zone)
    if expires_at is not None:
        soon = now >= expires_at - WARNED_BEFORE
        yield Finding("missing" if soon else "ok", ending(configured.name, expires_at, now))


def _secret(configured: Configured) -> Iterator[Finding]:
    name, connector, secrets = configured.name, configured.connector, configured.secrets
    if not secrets:
        yield (
            Finding("missing", missing_secret(name, connector, configured.public_url))
            if configured.comes_by is None
            else Finding("ok", f"{configured.comes_by}, which needs no webhook secret")
        )
        return
    try:
        keys = connector.keys(secrets)
    except ValueError as error:
        yield Finding("missing", f"{secret_variable(name)}: {error}")
        return
    number = "a secret" if len(secrets) == 1 else f"{len(secrets)} secrets"
    yield Finding("ok", f"{secret_variable(name)} holds {number} of the right form")
    for lack in connector.lacks(keys):
        yield Finding("missing", lack)
