"""What people decide about an inquiry without writing: they close it, or end its ToDo."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.intake.inquiries.domain import covering, taking_back
from services.intake.inquiries.domain.ends import Cut, End, EndKind
from services.intake.inquiries.domain.inquiry import AWAITS_ANSWER, NotAllowedError
from services.intake.inquiries.domain.thread import Inquiry
from services.intake.inquiries.store.reading import cut_of, read_until_cut
from services.intake.inquiries.store.storing import WriteContext, store
from services.intake.inquiries.usecases.replies import locked, locked_to_take_back, still_there
from shared.db import Write
from shared.errors import ConflictError, NotFoundError
from shared.events.inquiries import CloseReason
from shared.events.todos import TodoCompleted, TodoDismissed, TodoReopened
from shared.runtime.ids import new_id

_TICK = timedelta(microseconds=1)


def close(
    tx: Write,
    *,
    inquiry_id: UUID,
    reason: CloseReason,
    closed_by: str,
    key_name: str | None,
    read_until: UUID | None,
    context: WriteContext,
) -> None:
    """End an inquiry without an answer.

    Raises NotFoundError, NotAllowedError, NewerMessageError, InvalidError, and ConflictError for
    one that is part of another.
    """
    loaded, inquiry = locked(tx, inquiry_id)
    if inquiry.merged_into is not None:
        raise ConflictError("inquiry-merged", f"it is part of the inquiry {inquiry.merged_into}")
    still_there(inquiry)
    verdict = inquiry.verdict
    if verdict.state not in AWAITS_ANSWER:
        raise NotAllowedError.of(verdict.state, "closed", verdict.reason)
    cut = _last(inquiry) if read_until is None else read_until_cut(tx, inquiry, read_until)
    at = context.now
    if inquiry.reopened_at is not None:
        at = max(at, inquiry.reopened_at + _TICK)
    covering.end(
        loaded.thread,
        inquiry,
        End(new_id(), EndKind.CLOSE, at, closed_by, cut, reason, key_name=key_name),
    )
    store(tx, loaded, context)


def todo_ended(
    tx: Write, fact: TodoCompleted | TodoDismissed, *, event_id: UUID, context: WriteContext
) -> None:
    """A desk ended the ToDo by hand: it covers the messages that the ToDo had.

    What the ToDo did not have has an inquiry of its own. An unknown inquiry is passed over.
    """
    try:
        loaded, inquiry = locked(tx, fact.inquiry_id)
    except NotFoundError:
        return
    if not inquiry.messages:
        return  # merged meanwhile: what was seen is part of another inquiry; or removed
    covering.end(loaded.thread, inquiry, _end(tx, fact, event_id))
    store(tx, loaded, context)


def _end(tx: Write, fact: TodoCompleted | TodoDismissed, event_id: UUID) -> End:
    known = None if fact.covers_until is None else cut_of(tx, fact.covers_until)
    match fact:
        case TodoCompleted(completed_at=at, completed_by=by):
            end = End(event_id, EndKind.COMPLETE, at, by, known or Cut(at))
        case TodoDismissed(dismissed_at=at, dismissed_by=by, reason=reason):
            end = End(event_id, EndKind.DISMISS, at, by, known or Cut(at), reason)
    return replace(end, key_name=fact.key_name, edits_until=fact.edits_until)


def reopened(tx: Write, fact: TodoReopened, *, context: WriteContext) -> None:
    """A person took back how the ToDo had ended; other ends of the inquiry stand."""
    try:
        loaded, inquiry = locked_to_take_back(tx, fact.inquiry_id)
    except NotFoundError:
        return
    if not inquiry.messages:
        return  # merged meanwhile, and so not ended by a desk; or removed
    taking_back.reopen(loaded.thread, inquiry, fact.reopened_at)
    store(tx, loaded, context)


def _last(inquiry: Inquiry) -> Cut:
    last = max(inquiry.messages, key=lambda each: each.place)
    return Cut(last.received_at, last.id)
