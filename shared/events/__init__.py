"""The only language between the services. Field meanings hold for every consumer.

All moments are aware and in UTC. Every fact about an inquiry carries it and its conversation; the
conversation is the key on the bus, so one conversation's facts of one topic stay in order.
Facts on different topics may arrive in any order: a consumer must not count on it.

`key_name` names the API key through which a person acted: None when no key did, or in a fact from
before keys were recorded.
"""

from shared.messaging.envelope import Envelope, Fact

__all__ = ["Envelope", "Fact"]
