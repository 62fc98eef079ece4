"""What the form learns from sla: by when its inquiries are answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.intake.form import store
from services.intake.form.store import DueTime
from shared.db import Write
from shared.events import Envelope
from shared.events.catalogue import DEADLINES
from shared.events.deadlines import DeadlineFact, DeadlineMoved, DeadlineStarted
from shared.messaging.consumer import Listener


@dataclass(frozen=True, slots=True)
class DeadlineEvents:
    """`channel` is that of the form: other inquiries have no page. `announce` is called when more
    is known.
    """

    channel: str
    announce: Callable[[], None]

    def listener(self) -> Listener:
        return Listener(
            group="intake-form",
            topics=(DEADLINES,),
            handlers={},
            # What was reported later stays, so none of them has to be remembered.
            repeatable={DeadlineStarted.TYPE: self.started, DeadlineMoved.TYPE: self.moved},
            on_repeatable=self.announce,
        )

    def started(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        store.keep_due_times(
            tx,
            [
                due
                for each in envelopes
                if isinstance(each.data, DeadlineStarted) and each.data.channel == self.channel
                for due in _of_the_answer(each, each.data)
            ],
        )

    def moved(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        store.move_due_times(
            tx,
            [
                due
                for each in envelopes
                if isinstance(each.data, DeadlineMoved)
                for due in _of_the_answer(each, each.data)
            ],
        )


def _of_the_answer(envelope: Envelope, fact: DeadlineFact) -> list[DueTime]:
    """None for the hand-over, which is no customer's business."""
    if fact.target == "hand_over":
        return []
    return [DueTime(fact.inquiry_id, fact.due_at, fact.state == "paused", envelope.time)]
