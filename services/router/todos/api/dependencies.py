"""What the routes of ToDos need of the service, and do alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from starlette.responses import Response

from services.router.deciding.decide import Decider
from services.router.todos.api.shown import detail_out
from services.router.todos.schemas.todo import ActIn, AssignIn, TodoChanged, TodoDetailOut
from services.router.todos.store import pages
from services.router.todos.usecases.desk_work import By, unknown_todo
from shared.access.authorizer import Authorizer, require_scope
from shared.access.keys import Caller, Scope
from shared.db import Database, Write
from shared.errors import FieldProblem, InvalidError
from shared.policy import Policy
from shared.runtime.clock import Clock
from shared.web.entity_tags import Versions
from shared.web.preconditions import tagged

P = ParamSpec("P")

SUPERVISE: Scope = "todos:supervise"


@dataclass(frozen=True, slots=True)
class TodoDependencies:
    """What the routes need of the service."""

    database: Database
    authorizer: Authorizer
    clock: Clock
    policy: Policy
    decider: Decider
    wake_relay: Callable[[], None]

    async def act(
        self, verb: Callable[Concatenate[Write, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        await self.database.write(verb, *args, **kwargs)
        self.wake_relay()

    async def shown(self, todo_id: UUID) -> TodoDetailOut:
        detail = await self.database.read(pages.detail, todo_id)
        if detail is None:
            raise unknown_todo(todo_id)
        return detail_out(detail)

    async def changed(
        self, todo_id: UUID, caller: Caller, answer: Response
    ) -> TodoDetailOut | TodoChanged:
        """What a move answers; a key that may not read gets no contents back."""
        detail = await self.shown(todo_id)
        answer.headers.update(tagged(detail.version))
        if caller.may("todos:read"):
            return detail
        return TodoChanged(
            id=detail.id, inquiry_id=detail.inquiry_id, state=detail.state, version=detail.version
        )

    def by(self, caller: Caller, act: ActIn | None, read: Versions | None = None) -> By:
        """`read` are the versions that the caller may have seen.

        Raises RefusedError (403) for a supervisor whose key may not supervise.
        """
        act = act or ActIn()
        if act.as_supervisor:
            require_scope(caller, SUPERVISE)
        return By(caller.name, self.clock.now(), act.by, act.as_supervisor, read)

    def assigning(self, caller: Caller, act: AssignIn, read: Versions | None = None) -> By:
        """Raises RefusedError (403) when it is to somebody else, and the key may not supervise."""
        person = act.by or caller.name
        to_another = act.assignee != person
        if to_another or act.as_supervisor:
            require_scope(caller, SUPERVISE)
        supervisor = to_another or act.as_supervisor
        return By(caller.name, self.clock.now(), person, supervisor, read)

    def known_desk(self, desk: str) -> str:
        return _known("desk", desk, self.policy.desks)

    def known_channel(self, channel: str) -> str:
        return _known("channel", channel, self.policy.channels)


def _known(field: str, name: str, known: Any) -> str:
    if name not in known:
        raise InvalidError(
            f"unknown-{field}",
            f"the policy has no such {field}",
            FieldProblem(field, "is not in the policy", f"one of: {', '.join(sorted(known))}"),
        )
    return name
