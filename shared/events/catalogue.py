"""Which facts exist, and on which topics they are told."""

from __future__ import annotations

from shared.bus.port import Topic
from shared.events import facts
from shared.messaging import control_events
from shared.messaging.codec import PREFIX
from shared.messaging.envelope import Fact

FACTS: tuple[type[Fact], ...] = (
    facts.InquiryReceived,
    facts.MessageAdded,
    facts.InquiryAnswered,
    facts.InquiryHeld,
    facts.ReplyWithdrawn,
    facts.OwnPostSeen,
    facts.InquiryClosed,
    facts.TodoCreated,
    facts.TodoClaimed,
    facts.TodoReleased,
    facts.TodoRerouted,
    facts.TodoCompleted,
    facts.TodoDismissed,
    facts.TodoReopened,
    facts.DeadlineStarted,
    facts.DeadlineMoved,
    facts.DeadlineWarning,
    facts.DeadlineBreached,
    facts.DeadlineMet,
    facts.DeadlineCancelled,
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
