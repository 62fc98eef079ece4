"""From the policy file to the router's compiled rules, and who is addressed directly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.router.deciding.addresses import HANDLE
from services.router.deciding.decision import Kind
from services.router.deciding.lexicon.load import shipped_finder
from services.router.deciding.lexicon.weigh import LexiconWords
from services.router.deciding.rules.terms import Term
from services.router.deciding.rules.words import PolicyWords
from shared.policy import Policy, Terms


@dataclass(frozen=True, slots=True)
class DirectAddresses:
    """The ways in which the policy lets a customer turn to one desk."""

    by_channel: Mapping[str, str]
    by_handle: Mapping[str, str]
    by_hashtag: Mapping[str, str]

    def desk(self, channel: str, text: str, hashtags: Iterable[str] = ()) -> str | None:
        """The addressed desk: by the channel, else the first handle in the text, else a hashtag."""
        if channel in self.by_channel:
            return self.by_channel[channel]
        if self.by_handle and "@" in text:
            for match in HANDLE.finditer(text):
                desk = self.by_handle.get(match[1].rstrip(".-").casefold())
                if desk is not None:
                    return desk
        return next((self.by_hashtag[tag] for tag in hashtags if tag in self.by_hashtag), None)


def policy_words(policy: Policy) -> PolicyWords:
    """Compile the policy's words; some milliseconds, so keep the result."""
    routing = policy.routing
    terms = (
        *_terms(routing.netiquette_terms, Kind.NETIQUETTE),
        *_terms(routing.technical_terms, Kind.TECHNICAL),
        *_terms(routing.general_terms, Kind.GENERAL),
    )
    return PolicyWords.compile(terms)


def weigher(policy: Policy) -> LexiconWords:
    """The shipped lexicon with the policy's words on top."""
    return LexiconWords(shipped_finder(), policy_words(policy))


def direct_addresses(policy: Policy) -> DirectAddresses:
    """Who is addressed by which channel, handle or hashtag."""
    channels = {name: each.desk for name, each in policy.channels.items() if each.desk is not None}
    handles = {handle: name for name, desk in policy.desks.items() for handle in desk.handles}
    hashtags = {tag: name for name, desk in policy.desks.items() for tag in desk.hashtags}
    return DirectAddresses(
        MappingProxyType(channels), MappingProxyType(handles), MappingProxyType(hashtags)
    )


def _terms(terms: Terms, kind: Kind) -> Iterator[Term]:
    for text in (*terms.de, *terms.en):
        yield Term(text, kind.value, float(terms.weights.get(text, 1.0)))
