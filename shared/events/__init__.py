"""The facts that the services tell each other, and nothing else."""

from shared.events.envelope import Envelope, Fact

__all__ = ["Envelope", "Fact"]
