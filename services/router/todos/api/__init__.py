"""The router's routes: parse, verb, respond."""

from __future__ import annotations

from fastapi import APIRouter

from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.api.previewing import add_previewing
from services.router.todos.api.problems import on_illegal_transition
from services.router.todos.api.reading import add_reading
from services.router.todos.api.working import add_ending, add_working
from shared.web.app import api_router

__all__ = ["TodoDependencies", "on_illegal_transition", "routers"]


def routers(service: TodoDependencies) -> list[APIRouter]:
    todos, decisions = api_router("router", "todos"), api_router("router", "decisions")
    add_reading(todos, service)
    add_working(todos, service)
    add_ending(todos, service)
    add_previewing(decisions, service)
    return [todos, decisions]
