"""The life of an inquiry: what may be done in which state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class InquiryState(StrEnum):
    """`no_answer`: a person at a desk decided that it gets no answer, e.g. for netiquette."""

    OPEN = "open"
    HELD = "held"
    ANSWERED = "answered"
    CLOSED = "closed"
    NO_ANSWER = "no_answer"


AWAITS_ANSWER = frozenset({InquiryState.OPEN, InquiryState.HELD})


@dataclass(eq=False)  # not frozen: raising an exception writes to it
class NotAllowedError(Exception):
    """The inquiry's state does not allow this; `hint` says what would."""

    state: InquiryState
    wanted: str
    hint: str

    @classmethod
    def of(cls, state: InquiryState, wanted: str, reason: str | None) -> Self:
        match state:
            case InquiryState.NO_ANSWER:
                hint = (
                    f"a desk decided that it gets no answer ({reason}); its ToDo says who and when"
                )
            case InquiryState.ANSWERED:
                hint = "the customer's next message opens a new inquiry in the same conversation"
            case InquiryState.CLOSED:
                hint = f"it was closed as {reason}"
            case InquiryState.OPEN | InquiryState.HELD:
                hint = "it still awaits its answer"
        return cls(state, wanted, hint)

    def __str__(self) -> str:
        return f"an inquiry that is {self.state.value} cannot be {self.wanted}: {self.hint}"
