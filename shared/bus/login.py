"""How we say to Kafka who we are (SASL)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str = field(repr=False)
    mechanism: Mechanism = "SCRAM-SHA-512"
