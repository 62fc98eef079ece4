"""What sla publishes about deadlines, on the topic of that name."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.messaging.envelope import Fact

DeadlineState = Literal["running", "paused", "met", "met_late", "breached", "cancelled"]
Target = Literal["first_answer", "follow_up", "hand_over"]
MoveCause = Literal["held", "paused", "resumed", "policy", "desk", "reopened"]


class DeadlineFact(Fact):
    """`state` and `due_at` are how the target stands after this fact.

    The answer's targets follow one another: first answer, follow-up. The hand-over to the technical
    desk is a target of its own and says nothing about the answer.
    """

    AGGREGATE: ClassVar[str] = "deadlines"

    inquiry_id: UUID
    conversation_id: UUID
    state: DeadlineState
    target: Target
    due_at: AwareDatetime
    at: AwareDatetime


class DeadlineStarted(DeadlineFact):
    TYPE: ClassVar[str] = "deadline.started"

    channel: str
    promise: str


class DeadlineMoved(DeadlineFact):
    """The due time or the state changed without an end: held, paused, resumed, policy changed."""

    TYPE: ClassVar[str] = "deadline.moved"

    cause: MoveCause


class DeadlineWarning(DeadlineFact):
    """`level` names the warning: a share of the target, a rest of time, or `window_closing`."""

    TYPE: ClassVar[str] = "deadline.warning"

    level: str


class DeadlineBreached(DeadlineFact):
    """The promise was not kept; published exactly once per deadline."""

    TYPE: ClassVar[str] = "deadline.breached"


class DeadlineMet(DeadlineFact):
    """Answered; `state` says whether in time (`met`) or after the breach (`met_late`)."""

    TYPE: ClassVar[str] = "deadline.met"


class DeadlineCancelled(DeadlineFact):
    TYPE: ClassVar[str] = "deadline.cancelled"

    reason: str
