"""Lists of ToDos, and one with its messages and its history."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.api.filters import filter_of
from services.router.todos.api.shown import of_history, of_messages
from services.router.todos.schemas.query import TodoQuery
from services.router.todos.schemas.todo import (
    HistoryOut,
    MessageOut,
    TodoDetailOut,
    TodoOut,
)
from services.router.todos.store import pages
from services.router.todos.usecases.desk_work import unknown_todo
from shared.access.keys import Caller
from shared.bounds import MOST_SHOWN
from shared.web.paging import Cursors, CursorText, Limit, MessageLimit, Page
from shared.web.preconditions import NOT_MODIFIED, TAGGED, IfNoneMatch, not_modified, tagged
from shared.web.problems import documented


def add_reading(api: APIRouter, service: TodoDependencies) -> None:
    reads = service.authorizer.requires("todos:read")

    @api.get("/todos", summary="List ToDos", responses=documented(400))
    async def list_todos(
        query: Annotated[TodoQuery, Query()], _caller: Caller = reads
    ) -> Page[TodoOut]:
        """ToDos by desk, state, person, channel, kind, due time and age, in the order of `sort`."""
        now = service.clock.now()
        wanted = filter_of(query, service, now)
        cursors = Cursors("todos", wanted, query.sort)
        found = await service.database.read(
            pages.page,
            wanted,
            sort=query.sort,
            after=cursors.place(query.cursor),
            limit=query.limit + 1,
            now=now,
        )
        shown, following = cursors.page(found, limit=query.limit, key=lambda todo: todo.order)
        items = [TodoOut.model_validate(todo) for todo in shown]
        return Page(items=items, next_cursor=following)

    @api.get(
        "/todos/{todo_id}",
        summary="Show a ToDo",
        response_model=TodoDetailOut,
        responses={200: TAGGED, 304: NOT_MODIFIED, **documented(400, 404)},
    )
    async def show_todo(
        todo_id: UUID, answer: Response, at_hand: IfNoneMatch, _caller: Caller = reads
    ) -> TodoDetailOut | Response:
        """The ToDo with the words that decided, its newest messages, its deadline and its history;
        `/messages` and `/history` have what is earlier.
        """
        if at_hand is not None:
            version = await service.database.read(pages.version, todo_id)
            if version is not None and at_hand.has(version):
                return not_modified(version)
        detail = await service.shown(todo_id)
        answer.headers.update(tagged(detail.version))
        return detail

    @api.get(
        "/todos/{todo_id}/messages",
        summary="List the messages of a ToDo, newest first",
        responses=documented(404),
    )
    async def list_messages(
        todo_id: UUID,
        limit: MessageLimit = MOST_SHOWN,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[MessageOut]:
        """Very long messages make a page shorter than `limit`."""
        found = await service.database.read(
            pages.messages_page, todo_id, before=of_messages(todo_id).place(cursor), limit=limit
        )
        if found is None:
            raise unknown_todo(todo_id)
        items = [MessageOut.model_validate(message) for message in found.shown]
        return Page(items=items, next_cursor=of_messages(todo_id).of(found.earlier))

    @api.get(
        "/todos/{todo_id}/history",
        summary="List what happened to a ToDo, newest first",
        responses=documented(404),
    )
    async def list_history(
        todo_id: UUID,
        limit: Limit = MOST_SHOWN,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[HistoryOut]:
        """All that came after the opening, which the ToDo itself shows."""
        found = await service.database.read(
            pages.history_page, todo_id, before=of_history(todo_id).place(cursor), limit=limit
        )
        if found is None:
            raise unknown_todo(todo_id)
        items = [HistoryOut.model_validate(line) for line in found.lines]
        return Page(items=items, next_cursor=of_history(todo_id).of(found.earlier))
