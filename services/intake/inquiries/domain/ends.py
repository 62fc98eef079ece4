"""How an inquiry ends: which ends it has, what each covers, and which of them decides.

An end covers only what its author could have seen. Ends are heard late, twice and in any order, so
the state follows from when they happened: of all that stand the earliest decides, the later ones
are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.intake.inquiries.domain.inquiry import InquiryState

NETIQUETTE, WITHDRAWN = "netiquette", "withdrawn"
INTAKE = "intake"
"""Who ends an inquiry when no person does."""


class EndKind(StrEnum):
    """`complete` and `dismiss` are the desk's. A holding reply ends nothing, but is kept here."""

    ANSWER = "answer"
    HOLDING = "holding"
    CLOSE = "close"
    COMPLETE = "complete"
    DISMISS = "dismiss"


ANSWERS = frozenset({EndKind.ANSWER, EndKind.COMPLETE})
"""A ToDo that was completed by hand, as after a call, is an answer."""
DESK_DECISIONS = frozenset({EndKind.CLOSE, EndKind.COMPLETE, EndKind.DISMISS})
"""What the reopening of a ToDo takes back; an answer stands until it is classified again."""


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """The last message that somebody could have seen, in the order of receipt.

    Without a message: everything received up to that moment.
    """

    received_at: datetime
    message_id: UUID | None = None

    def covers(self, received_at: datetime, message_id: UUID) -> bool:
        if received_at != self.received_at or self.message_id is None:
            return received_at <= self.received_at
        return message_id <= self.message_id


@dataclass(frozen=True, slots=True)
class End:
    """`at` is when it happened (UTC), not when it was heard. `id` is the reply's or post's message,
    or the event that told of it; `key_name` the API key through which it was recorded.

    `cut` is None for a post on the platform, which covers by the platform's own times.
    `edits_until` is the last edit that its author could have seen; None: all until `at`.
    """

    id: UUID
    kind: EndKind
    at: datetime
    by: str
    cut: Cut | None = None
    reason: str | None = None
    follow_up_at: datetime | None = None
    taken_back: bool = False
    revision: int = 0
    key_name: str | None = None
    edits_until: datetime | None = None

    @property
    def saw_until(self) -> datetime:
        """Until when edits are covered."""
        return self.at if self.edits_until is None else self.edits_until


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the ends make of an inquiry. `ended_at` is the deciding end's moment."""

    state: InquiryState
    deciding: End | None = None
    follow_up_at: datetime | None = None

    @property
    def ended_at(self) -> datetime | None:
        return None if self.deciding is None else self.deciding.at

    @property
    def answered_at(self) -> datetime | None:
        """The earliest answer's moment, where an answer decides."""
        return self.ended_at if self.state is InquiryState.ANSWERED else None

    @property
    def closed_at(self) -> datetime | None:
        return None if self.state is InquiryState.ANSWERED else self.ended_at

    @property
    def reason(self) -> str | None:
        return None if self.deciding is None else self.deciding.reason


def verdict(ends: Iterable[End], *, reopened_at: datetime | None = None) -> Verdict:
    """The earliest end that stands decides; at one moment an answer comes before any other.

    What a desk or a person decided until `reopened_at` was taken back then, whenever it is heard.
    """
    standing = [each for each in ends if stands(each, reopened_at)]
    holds = [each for each in standing if each.kind is EndKind.HOLDING]
    latest_hold = max(holds, key=lambda each: (each.at, each.id), default=None)
    final = [each for each in standing if each.kind is not EndKind.HOLDING]
    deciding = min(final, key=_order, default=None)
    return Verdict(
        _state(deciding, held=bool(holds)),
        deciding,
        None if latest_hold is None else latest_hold.follow_up_at,
    )


def stands(end: End, reopened_at: datetime | None) -> bool:
    """Whether nobody has taken the end back."""
    if reopened_at is not None and end.kind in DESK_DECISIONS and end.at <= reopened_at:
        return False
    return not end.taken_back


def _order(end: End) -> tuple[datetime, bool, UUID]:
    return end.at, end.kind not in ANSWERS, end.id


def _state(deciding: End | None, *, held: bool) -> InquiryState:
    if deciding is None:
        return InquiryState.HELD if held else InquiryState.OPEN
    match deciding.kind:
        case EndKind.CLOSE:
            return InquiryState.CLOSED
        case EndKind.DISMISS:
            return InquiryState.NO_ANSWER
        case _:
            return InquiryState.ANSWERED
