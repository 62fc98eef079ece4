"""The port: whatever decides on inquiries."""

from __future__ import annotations

from typing import Protocol

from services.router.deciding.decision import Decision, Inquiry


class Classifier(Protocol):
    def decide(self, inquiry: Inquiry) -> Decision:
        """Never fails, whatever the text is."""
        ...
