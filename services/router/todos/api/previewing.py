"""What would be decided on a text that never came in."""

from __future__ import annotations

from fastapi import APIRouter

from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.schemas.todo import DecisionOut, PreviewIn
from shared.access.keys import Caller
from shared.web.problems import documented


def add_previewing(api: APIRouter, service: TodoDependencies) -> None:
    reads = service.authorizer.requires("todos:read")

    @api.post("/decisions/preview", summary="Try a decision", responses=documented(400, 415))
    async def preview_decision(body: PreviewIn, _caller: Caller = reads) -> DecisionOut:
        """What the policy would decide on a text, and why. Nothing is stored."""
        channel = service.known_channel(body.channel) if body.channel is not None else ""
        decision = service.decider.preview(
            body.text, subject=body.subject, channel=channel, after_answer=body.after_answer
        )
        return DecisionOut.model_validate(decision)
