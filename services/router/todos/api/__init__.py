"""The router's routes: parse, verb, respond."""

from __future__ import annotations

from fastapi import APIRouter

from services.router.todos.api.bulk import add_bulk
from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.api.previewing import add_previewing
from services.router.todos.api.problems import on_illegal_transition
from services.router.todos.api.queues import add_counts, add_queues
from services.router.todos.api.reading import add_reading
from services.router.todos.api.verdicts import add_verdicts
from services.router.todos.api.working import add_ending, add_working
from shared.web.app import api_router

__all__ = ["TodoDependencies", "on_illegal_transition", "routers"]


def routers(service: TodoDependencies) -> list[APIRouter]:
    todos, decisions = api_router("router", "todos"), api_router("router", "decisions")
    queues = api_router("router", "queues")
    add_reading(todos, service)
    add_bulk(todos, service)
    add_queues(queues, service)
    add_counts(queues, service)
    add_working(todos, service)
    add_ending(todos, service)
    add_verdicts(todos, service)
    add_previewing(decisions, service)
    return [todos, queues, decisions]
