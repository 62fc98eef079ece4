"""Which facts exist, and on which topics they are published."""

from __future__ import annotations

from shared.bus.port import Topic
from shared.events.deadlines import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMoved,
    DeadlineStarted,
    DeadlineWarning,
)
from shared.events.inquiries import (
    InquiryAnswered,
    InquiryClosed,
    InquiryHeld,
    InquiryReceived,
    MessageAdded,
    MessageEdited,
    MessageWithdrawn,
    OwnPostSeen,
    ReplyWithdrawn,
)
from shared.events.todos import (
    TodoClaimed,
    TodoCompleted,
    TodoCreated,
    TodoDismissed,
    TodoReleased,
    TodoReopened,
    TodoRerouted,
)
from shared.messaging import control_events
from shared.messaging.codec import PREFIX
from shared.messaging.envelope import Fact

FACTS: tuple[type[Fact], ...] = (
    InquiryReceived,
    MessageAdded,
    MessageEdited,
    MessageWithdrawn,
    InquiryAnswered,
    InquiryHeld,
    ReplyWithdrawn,
    OwnPostSeen,
    InquiryClosed,
    TodoCreated,
    TodoClaimed,
    TodoReleased,
    TodoRerouted,
    TodoCompleted,
    TodoDismissed,
    TodoReopened,
    DeadlineStarted,
    DeadlineMoved,
    DeadlineWarning,
    DeadlineBreached,
    DeadlineMet,
    DeadlineCancelled,
    control_events.RelayCaughtUp,
    control_events.RecordDeadLettered,
)


INQUIRIES = f"{PREFIX}.inquiries"
TODOS = f"{PREFIX}.todos"
DEADLINES = f"{PREFIX}.deadlines"
PROGRESS = f"{PREFIX}.progress"
PARTITIONS = 8


def topics(*, retention_days: int) -> tuple[Topic, ...]:
    """The log is transport, not the archive: it forgets after `retention_days`, and at once what
    only the present needs.
    """
    seconds = retention_days * 86_400
    hour = 3_600
    return (
        Topic(INQUIRIES, PARTITIONS, seconds),
        Topic(TODOS, PARTITIONS, seconds),
        Topic(DEADLINES, PARTITIONS, seconds),
        Topic(PROGRESS, 1, hour),
    )
