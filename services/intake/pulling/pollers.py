"""From the policy and the credentials to the pollers of the channels that are fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from services.intake.dependencies import IntakeDependencies
from services.intake.policy import ChannelRules, IntakeRules
from services.intake.pulling.credentials import check_names, credential_of
from services.intake.pulling.imap import ImapSource
from services.intake.pulling.mastodon import MastodonSource
from services.intake.pulling.poller import Counts, HandOver, Poller
from services.intake.pulling.source import Source
from services.intake.pulling.youtube import YoutubeSource
from shared.policy.pulling import AnyPull, ImapPull, MastodonPull, YoutubePull
from shared.runtime.clock import Clock
from shared.runtime.credentials import Credential, Credentials

SourceOf = Callable[[ChannelRules, AnyPull, Credential, Clock], Source]


def pulled(rules: IntakeRules) -> Mapping[str, timedelta]:
    """The channels that are fetched, with the pause between two rounds."""
    channels = rules.channels.values()
    return {each.name: each.pull.every for each in channels if each.pull is not None}


def pollers(
    desk: IntakeDependencies,
    credentials: Mapping[str, Credentials],
    hand_over: HandOver,
    sources: SourceOf,
) -> Iterator[tuple[str, Poller]]:
    """By the names of their loops. Raises ValueError for a credential that is missing, or that
    belongs to no channel that is fetched.
    """
    rules = desk.rules
    check_names(credentials, pulled(rules))
    counts = Counts.of(desk.metrics)
    for channel in rules.channels.values():
        if channel.pull is None:
            continue
        credential = credential_of(channel, channel.pull, credentials)
        source = sources(channel, channel.pull, credential, desk.clock)
        yield (
            f"pull-{channel.name}",
            Poller(
                channel,
                source,
                every=channel.pull.every,
                hand_over=hand_over,
                database=desk.database,
                clock=desk.clock,
                counts=counts,
            ),
        )


def source_of(channel: ChannelRules, pull: AnyPull, credential: Credential, clock: Clock) -> Source:
    match pull:
        case ImapPull():
            return ImapSource(channel.name, pull, credential, clock)
        case MastodonPull():
            return MastodonSource(pull, credential, clock)
        case YoutubePull():
            return YoutubeSource(pull, credential, clock)
