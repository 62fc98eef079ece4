"""A customer takes back what was written: what has nothing left to answer then has ended."""

from __future__ import annotations

from services.intake.inquiries.domain.ends import INTAKE, WITHDRAWN, Cut, End, EndKind
from services.intake.inquiries.domain.thread import Inquiry, Thread


def end_withdrawn(thread: Thread) -> None:
    """End each inquiry of nothing but withdrawn messages when the last of them was withdrawn.

    Like every end it counts by its moment: one that had ended earlier stays as it was, one that
    was reopened since goes on.
    """
    for inquiry in tuple(thread.inquiries.values()):
        end = _end(inquiry)
        if end is not None:
            thread.add(inquiry, end)


def _end(inquiry: Inquiry) -> End | None:
    moments = {each.id: each.withdrawn_at for each in inquiry.messages}
    known = sorted((at, message_id) for message_id, at in moments.items() if at is not None)
    if not known or len(known) < len(moments):
        return None
    at, message_id = known[-1]
    if inquiry.reopened_at is not None and at <= inquiry.reopened_at:
        return None
    ended_at = inquiry.verdict.ended_at
    if ended_at is not None and ended_at <= at:
        return None
    last = max(inquiry.messages, key=lambda each: each.place)
    cut = Cut(last.received_at, last.id)
    return End(message_id, EndKind.CLOSE, at, INTAKE, cut, WITHDRAWN)
