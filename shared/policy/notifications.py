"""Who is notified outside the desk, of what, and by which way."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

from pydantic import model_validator

from shared.policy.parts import Items, Part, refuse
from shared.policy.values import Name, WebAddress


class NotificationKind(StrEnum):
    """What a notification can be about: deadlines, and ToDos as the facts about them are called.

    `met_late` is the answer that came after the breach.
    """

    WARNING = "warning"
    WINDOW_CLOSING = "window_closing"
    BREACHED = "breached"
    MET = "met"
    MET_LATE = "met_late"
    MOVED = "moved"
    CANCELLED = "cancelled"
    TODO_CREATED = "todo.created"
    TODO_CLAIMED = "todo.claimed"
    TODO_RELEASED = "todo.released"
    TODO_REROUTED = "todo.rerouted"
    TODO_COMPLETED = "todo.completed"
    TODO_DISMISSED = "todo.dismissed"
    TODO_REOPENED = "todo.reopened"


TODO_KINDS: Final = frozenset(kind for kind in NotificationKind if kind.startswith("todo."))
"""Of which the router notifies."""
DEADLINE_KINDS: Final = frozenset(NotificationKind) - TODO_KINDS
"""Of which sla notifies."""


class Way(StrEnum):
    WEBHOOK = "webhook"
    APPRISE = "apprise"


class NotificationTarget(Part):
    """Who is notified of deadlines and ToDos, outside the desk. Secrets are environment variables.

    `url`: only a webhook's, and only when there is no secret in it; else, and then instead of it,
    it is in `DESK_NOTIFY_<NAME>_URL`. `desks`: none named, every inquiry.
    """

    name: Name
    via: Way
    url: WebAddress | None = None
    kinds: Items[NotificationKind] = (
        NotificationKind.WARNING,
        NotificationKind.WINDOW_CLOSING,
        NotificationKind.BREACHED,
    )
    desks: Items[Name] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings: list[tuple[tuple[int | str, ...], str, str]] = []
        if not self.kinds:
            everything = ", ".join(f'"{kind}"' for kind in NotificationKind)
            findings.append((("kinds",), "nothing would ever be sent", f"some of {everything}"))
        if self.via is Way.APPRISE and self.url is not None:
            right = f"leave it out here and set DESK_NOTIFY_{self.name.upper()}_URL"
            findings.append((("url",), "an Apprise URL holds a secret", right))
        refuse(tuple(findings))
        return self
