"""The lists and the detail of ToDos, as people see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select

from services.router.deadlines.store import Deadline
from services.router.tables import deadlines, history, messages, pending_verdicts, todos
from services.router.todos.domain.verdict import PendingVerdict, Verdict
from services.router.todos.store.walks import Filter, Sort, chosen, in_order
from shared.bounds import MOST_SHOWN
from shared.db import Read
from shared.db.newest import Endless, Place, newest

EXCERPT_CHARACTERS = 200
LARGEST_NUMBER = 2**63 - 1
"""Of a line in the history; a cursor that somebody made up may hold a larger one."""
_MESSAGES = Endless(
    messages,
    messages.c.received_at,
    messages.c.message_id,
    func.length(messages.c.content["text"].as_string()),
)


@dataclass(frozen=True, slots=True)
class ListedTodo:
    id: UUID
    version: int
    inquiry_id: UUID
    conversation_id: UUID
    channel: str
    desk: str
    state: str
    assignee: str | None
    assignee_key_name: str | None
    first_desk: str
    kind: str
    confidence: float
    decided_by: str | None
    language: str | None
    leaning: str | None
    received_at: datetime
    created_at: datetime
    follow_up_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    ended_by_key_name: str | None
    dismiss_reason: str | None
    pending_verdict: PendingVerdict | None
    reopened_at: datetime | None
    merged_into: UUID | None
    removed_at: datetime | None
    words_removed_at: datetime | None
    own_post_at: datetime | None
    message_count: int
    latest_message_at: datetime | None
    excerpt: str | None
    url: str | None
    deadline: Deadline | None
    order: tuple[datetime, UUID]
    """Its place in the list that was asked for."""

    @property
    def due_at(self) -> datetime | None:
        return None if self.deadline is None else self.deadline.due_at


@dataclass(frozen=True, slots=True)
class ShownMessage:
    message_id: UUID
    received_at: datetime
    subject: str | None
    text: str | None
    url: str | None
    edited_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    at: datetime
    who: str
    key_name: str | None
    as_supervisor: bool
    what: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Messages:
    """Newest first; `earlier` is the place before which others are."""

    shown: Sequence[ShownMessage]
    earlier: Place | None


@dataclass(frozen=True, slots=True)
class History:
    """Newest first; `earlier` is the place before which others are."""

    lines: Sequence[HistoryEntry]
    earlier: Place | None


@dataclass(frozen=True, slots=True)
class TodoDetail:
    todo: ListedTodo
    reasons: Sequence[Mapping[str, Any]]
    messages: Messages
    history: History


def page(
    tx: Read,
    wanted: Filter,
    *,
    sort: Sort,
    after: tuple[datetime, UUID] | None,
    limit: int,
    now: datetime,
) -> list[ListedTodo]:
    """At most `limit` ToDos behind the place `after`."""
    return listed(tx, chosen(wanted, sort=sort, after=after, limit=limit, now=now), sort)


def listed(tx: Read, rows: Select[*tuple[Any, ...]], sort: Sort) -> list[ListedTodo]:
    """These rows of ToDos, as a list shows them."""
    return [_listed(row, by_due=sort is Sort.DUE) for row in tx.execute(_with_joins(rows, sort))]


def detail(tx: Read, todo_id: UUID) -> TodoDetail | None:
    """A ToDo with the newest of its messages and of its history; None for an unknown id."""
    one = select(todos).where(todos.c.id == todo_id)
    row = tx.execute(_with_joins(one, Sort.DUE)).one_or_none()
    if row is None:
        return None
    return TodoDetail(
        _listed(row, by_due=True), row.reasons, _messages(tx, row.inquiry_id), _history(tx, todo_id)
    )


def version(tx: Read, todo_id: UUID) -> int | None:
    """None for an unknown id."""
    found: int | None = tx.execute(select(todos.c.version).where(todos.c.id == todo_id)).scalar()
    return found


def _with_joins(chosen: Select[*tuple[Any, ...]], sort: Sort) -> Select[*tuple[Any, ...]]:
    """Only the chosen rows are joined, and only the beginning of a text is read."""
    t = chosen.subquery("chosen")
    moment = t.c.due_at if sort is Sort.DUE else t.c.received_at
    excerpt = func.substr(messages.c.content["text"].as_string(), 1, EXCERPT_CHARACTERS)
    latest = and_(
        messages.c.inquiry_id == t.c.inquiry_id, messages.c.message_id == t.c.latest_message_id
    )
    d, p = deadlines.c, pending_verdicts.c
    rows = (
        select(
            t,
            excerpt.label("excerpt"),
            messages.c.url.label("url"),
            messages.c.received_at.label("latest_message_at"),
            d.state.label("deadline_state"),
            d.target.label("deadline_target"),
            d.due_at.label("deadline_due_at"),
            d.warning.label("deadline_warning"),
            p.verdict.label("pending_verdict"),
            p.by.label("pending_by"),
            p.at.label("pending_at"),
            p.key_name.label("pending_key_name"),
        )
        .select_from(t)
        .outerjoin(messages, latest)
        .outerjoin(deadlines, d.inquiry_id == t.c.inquiry_id)
        .outerjoin(pending_verdicts, p.todo_id == t.c.id)
    )
    return in_order(rows, sort, moment, t.c.id)


def _listed(row: Row[*tuple[Any, ...]], *, by_due: bool) -> ListedTodo:
    deadline = None
    if row.deadline_state is not None:
        deadline = Deadline(
            row.deadline_state, row.deadline_target, row.deadline_due_at, row.deadline_warning
        )
    return ListedTodo(
        id=row.id,
        version=row.version,
        inquiry_id=row.inquiry_id,
        conversation_id=row.conversation_id,
        channel=row.channel,
        desk=row.desk,
        state=row.state,
        assignee=row.assignee,
        assignee_key_name=_assignee_key_name(row),
        first_desk=row.first_desk,
        kind=row.kind,
        confidence=row.confidence,
        decided_by=row.decided_by,
        language=row.language,
        leaning=row.leaning,
        received_at=row.received_at,
        created_at=row.created_at,
        follow_up_at=row.follow_up_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        ended_by_key_name=row.ended_by_key_name,
        dismiss_reason=row.dismiss_reason,
        pending_verdict=_pending(row),
        reopened_at=row.reopened_at,
        merged_into=row.merged_into,
        removed_at=row.removed_at,
        words_removed_at=row.words_removed_at,
        own_post_at=row.own_post_at,
        message_count=row.message_count,
        latest_message_at=row.latest_message_at,
        excerpt=row.excerpt,
        url=row.url,
        deadline=deadline,
        order=(row.due_at if by_due else row.received_at, row.id),
    )


def _pending(row: Row[*tuple[Any, ...]]) -> PendingVerdict | None:
    if row.pending_verdict is None:
        return None
    verdict = Verdict(row.pending_verdict)
    return PendingVerdict(verdict, row.pending_by, row.pending_at, row.pending_key_name)


def _assignee_key_name(row: Row[*tuple[Any, ...]]) -> str | None:
    """The key that claimed it; whoever ended what nobody had claimed is its assignee too."""
    if row.assignee is None:
        return None
    key_name: str | None = row.claimed_through or row.ended_by_key_name
    return key_name


def messages_page(tx: Read, todo_id: UUID, *, before: Place | None, limit: int) -> Messages | None:
    """The newest messages before that place; None for an unknown ToDo."""
    row = tx.execute(select(todos.c.inquiry_id).where(todos.c.id == todo_id)).first()
    return None if row is None else _messages(tx, row[0], before=before, limit=limit)


def history_page(tx: Read, todo_id: UUID, *, before: Place | None, limit: int) -> History | None:
    """The newest lines before that place; None for an unknown ToDo."""
    known = tx.execute(select(todos.c.id).where(todos.c.id == todo_id)).first()
    return None if known is None else _history(tx, todo_id, before=before, limit=limit)


def _messages(
    tx: Read, inquiry_id: UUID, *, before: Place | None = None, limit: int = MOST_SHOWN
) -> Messages:
    here = messages.c.inquiry_id == inquiry_id
    found = newest(tx, _MESSAGES, here, before=before, limit=limit)
    return Messages([_shown(row) for row in found.rows], found.earlier)


def _shown(row: Mapping[str, Any]) -> ShownMessage:
    content = row["content"]
    return ShownMessage(
        row["message_id"],
        row["received_at"],
        content and content.get("subject"),
        content and content["text"],
        row["url"],
        row["edited_at"],
        row["withdrawn_at"],
    )


def _history(
    tx: Read, todo_id: UUID, *, before: Place | None = None, limit: int = MOST_SHOWN
) -> History:
    """In the order of writing. A line's place is its number, written as the cursor wants it."""
    h = history.c
    chosen = select(h.id, h.at, h.who, h.key_name, h.as_supervisor, h.what, h.why).where(
        h.todo_id == todo_id
    )
    if before is not None:
        chosen = chosen.where(h.id < min(before[1].int, LARGEST_NUMBER))
    rows = tx.execute(chosen.order_by(h.id.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    earlier = (shown[-1].at, UUID(int=shown[-1].id)) if len(rows) > limit else None
    return History([HistoryEntry(*row[1:]) for row in shown], earlier)
