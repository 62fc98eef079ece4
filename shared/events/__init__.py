"""The facts that the services tell each other, and nothing else."""

from shared.messaging.envelope import Envelope, Fact

__all__ = ["Envelope", "Fact"]
