"""From an inquiry to its decision, by the policy as it was compiled at start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.router.deciding.policy import DirectAddresses, direct_addresses, routing_rules
from services.router.deciding.rules.classify import Decision, RoutingRules, classify
from shared.policy import KnownHashtags, Policy, extract_hashtags, known_hashtags


@dataclass(frozen=True, slots=True)
class Decider:
    rules: RoutingRules
    addresses: DirectAddresses
    hashtags: KnownHashtags

    @classmethod
    def of(cls, policy: Policy) -> Decider:
        """Compile the policy; takes some milliseconds, so keep the result."""
        return cls(routing_rules(policy), direct_addresses(policy), known_hashtags(policy.hashtags))

    def decide(
        self, text: str, *, subject: str | None, channel: str, hashtags: Iterable[str]
    ) -> Decision:
        """`hashtags` are the tags without their years, as intake found them."""
        tags = tuple(hashtags)
        addressed = self.addresses.desk(channel, text, tags)
        return classify(text, subject, hashtags=tags, addressed_desk=addressed, rules=self.rules)

    def preview(self, text: str, *, subject: str | None, channel: str) -> Decision:
        """The same for a text that never came in: its hashtags are looked for here."""
        whole = text if subject is None else f"{subject}\n{text}"
        tags = [found.tag for found in extract_hashtags(whole, self.hashtags)]
        return self.decide(text, subject=subject, channel=channel, hashtags=tags)
