"""A ToDo as its page shows it."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from services.router.deciding.decision import Kind
from services.router.todos.schemas.todo import HistoryOut, TodoDetailOut, TodoOut
from services.router.todos.store import pages
from services.router.todos.store.work import What
from shared.web.paging import Cursors


def detail_out(detail: pages.TodoDetail) -> TodoDetailOut:
    todo = detail.todo
    # The opening is no row of its own: it would be one more for every inquiry that comes in.
    opening = HistoryOut(
        at=todo.created_at,
        who="router",
        key_name=None,
        as_supervisor=False,
        what=What.CREATED.value,
        why=f"{Kind(todo.kind).value}, at {todo.first_desk}",
    )
    lines = [HistoryOut.model_validate(line) for line in detail.history.lines[::-1]]
    return TodoDetailOut.model_validate(
        {
            **TodoOut.model_validate(todo).model_dump(),
            "reasons": detail.reasons,
            "messages": [asdict(message) for message in detail.messages.shown[::-1]],
            "messages_cursor": of_messages(todo.id).of(detail.messages.earlier),
            "history": [opening, *lines],
            "history_cursor": of_history(todo.id).of(detail.history.earlier),
        }
    )


def of_messages(todo_id: UUID) -> Cursors:
    return Cursors("messages", todo_id)


def of_history(todo_id: UUID) -> Cursors:
    return Cursors("history", todo_id)
