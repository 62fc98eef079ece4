"""From the policy file and the secrets to what intake knows of each channel."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.intake.connectors import standard_webhooks
from services.intake.connectors.port import Connector
from services.intake.connectors.registry import CONNECTORS, OWN_TOOLS, Connectors
from shared.errors import FieldProblem, InvalidError, NotFoundError
from shared.policy import (
    Audience,
    Channel,
    KnownHashtags,
    OwnPosts,
    Policy,
    ServiceLevel,
    Verification,
    known_hashtags,
)
from shared.policy.problems import PolicyError, PolicyProblem, nearest
from shared.policy.pulling import AnyPull
from shared.policy.values import shown
from shared.runtime.secret_files import SUFFIX
from shared.runtime.settings import SECRET_PREFIX

USUAL_FORM_CHANNEL = "web_form"
FORM_CONNECTORS = (standard_webhooks.CONNECTOR.name, OWN_TOOLS)
"""What the form keeps aside is kept in their format, so that it can be tried again as theirs."""
PULLED: Mapping[str, str] = {"imap": "email", "mastodon": "mastodon", "youtube": "youtube"}
"""The connector that reads what is fetched, by the type of the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRules:
    """`own_posts`: what a post of ours on the platform counts as. `keys` are what the connector
    made of the channel's secrets, None where it has none. What does not prove who sent it is
    refused where that is `enforced`. `expires_on`: when the platform's secret or token ends.
    `connector_name`: what the policy file calls it.
    `retention`, `profile_retention`: for how long its terms let us keep words, and people.
    """

    name: str
    connector: Connector[Any]
    keys: Any
    own_ids: frozenset[str]
    staff_ids: frozenset[str]
    audience: Audience
    own_posts: OwnPosts
    promised: bool
    enforced: bool
    expires_on: date | None
    connector_name: str
    retention: timedelta | None
    profile_retention: timedelta | None
    pull: AnyPull | None


@dataclass(frozen=True, slots=True)
class IntakeRules:
    channels: Mapping[str, ChannelRules]
    hashtags: KnownHashtags

    def channel(self, name: str) -> ChannelRules:
        """Raises NotFoundError that names the known ones."""
        found = self.channels.get(name)
        if found is None:
            raise NotFoundError("unknown-channel", self._unknown(name))
        return found

    def channel_field(self, name: str) -> ChannelRules:
        """As `channel`, for a name in a body: raises InvalidError."""
        found = self.channels.get(name)
        if found is None:
            raise InvalidError(
                "unknown-channel",
                self._unknown(name),
                FieldProblem("channel", "is not in the policy", f"one of {self._names()}"),
            )
        return found

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name[:80], self.channels, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {self._names()}"
        return f"the policy has no such channel; {hint}"

    def _names(self) -> str:
        return ", ".join(sorted(self.channels))


def intake_rules(
    policy: Policy,
    secrets: Mapping[str, Sequence[str]],
    connectors: Connectors = CONNECTORS,
    *,
    public_url: str = "",
) -> IntakeRules:
    """`public_url` is where the outside reaches the desk, as far as it is known.

    Raises PolicyError for a connector that is not known, and ValueError that names the variable
    when a secret cannot be one, or says of each channel that lacks one what to paste where.
    """
    examine(policy, connectors)
    for name in secrets:
        if name not in policy.channels:
            raise ValueError(
                f"{secret_variable(name)} belongs to no channel of the policy file; "
                f"known are {', '.join(sorted(policy.channels))}"
            )
    if missing := tuple(_missing_secrets(policy, secrets, connectors, public_url)):
        raise ValueError("\n".join(missing))
    return IntakeRules(
        {
            name: channel_rules(
                name, channel, connectors[channel.connector], secrets=secrets.get(name, ())
            )
            for name, channel in policy.channels.items()
        },
        known_hashtags(policy.hashtags),
    )


def channel_rules(
    name: str, channel: Channel, connector: Connector[Any], *, secrets: Sequence[str]
) -> ChannelRules:
    """Raises ValueError that names the variable when a secret cannot be one."""
    return ChannelRules(
        name=name,
        connector=connector,
        keys=_keys(name, connector, secrets),
        own_ids=frozenset(channel.own_ids),
        staff_ids=frozenset(channel.staff_ids),
        audience=channel.audience,
        own_posts=channel.own_posts,
        promised=channel.service_level is ServiceLevel.PROMISED,
        enforced=channel.verification is Verification.ENFORCE,
        expires_on=channel.expires,
        connector_name=channel.connector,
        retention=channel.retention,
        profile_retention=channel.profile_retention,
        pull=channel.pull,
    )


def examine(policy: Policy, connectors: Connectors = CONNECTORS) -> None:
    """What of a policy only intake can judge. Raises PolicyError."""
    problems = [
        PolicyProblem(
            f"channels.{name}.connector",
            f"{shown(channel.connector)} is not a known connector",
            nearest(channel.connector, list(connectors)),
        )
        for name, channel in policy.channels.items()
        if channel.connector not in connectors
    ]
    problems += [
        PolicyProblem(
            f"channels.{name}.pull.type",
            f"what is fetched there is not in the format {shown(channel.connector)}",
            f'connector = "{PULLED[channel.pull.type]}" for this channel',
        )
        for name, channel in policy.channels.items()
        if channel.pull is not None and channel.connector != PULLED[channel.pull.type]
    ]
    if policy.form.channel is not None and form_channel(policy) is None and policy.form.enabled:
        wrong = f"the form cannot write to {policy.form.channel}, which has a format of its own"
        right = " or ".join(f'"{name}"' for name in FORM_CONNECTORS)
        problems.append(PolicyProblem("form.channel", wrong, f"a channel with connector {right}"))
    if problems:
        raise PolicyError(tuple(problems))


def form_channel(policy: Policy) -> str | None:
    """The channel of the web form; None where there is no form."""
    name = policy.form.channel or USUAL_FORM_CHANNEL
    channel = policy.channels.get(name)
    if not policy.form.enabled or channel is None or channel.connector not in FORM_CONNECTORS:
        return None
    return name


def _missing_secrets(
    policy: Policy,
    secrets: Mapping[str, Sequence[str]],
    connectors: Connectors,
    public_url: str,
) -> Iterator[str]:
    for name, channel in policy.channels.items():
        connector = connectors[channel.connector]
        enforced = channel.verification is Verification.ENFORCE
        if channel.pull is not None:
            continue  # it may be fetched only
        if enforced and connector.setup.needs_secret and not secrets.get(name):
            yield missing_secret(name, connector, public_url)


def missing_secret(name: str, connector: Connector[Any], public_url: str) -> str:
    """What to do about it, as a sentence for whoever starts the desk."""
    setup, variable = connector.setup, secret_variable(name)
    address = f"{public_url.rstrip('/') or '<this desk>'}{webhook_path(name)}"
    return (
        f"the channel {name} has no secret: paste {address} into: {setup.address}; and set "
        f"{variable} (or {variable}{SUFFIX} to a file with it) to: {setup.secrets}; "
        f"docs/channels/{connector.name}.md has the whole of it"
    )


def secret_variable(channel: str) -> str:
    return f"{SECRET_PREFIX}{channel.upper()}"


def webhook_path(channel: str) -> str:
    return f"/intake/v1/webhooks/{channel}"


def _keys(name: str, connector: Connector[Any], secrets: Sequence[str]) -> Any:
    if not secrets:
        return None
    try:
        return connector.keys(secrets)
    except ValueError as error:
        raise ValueError(f"{secret_variable(name)}: {error}") from error
