"""To which desk a verdict brings an inquiry that is answered."""

from __future__ import annotations

from services.router.deciding.decision import INBOUND_DESK, REVIEW_DESK, TECHNICAL_DESK
from services.router.todos.api.dependencies import TodoDependencies
from services.router.todos.domain.verdict import Verdict
from shared.errors import FieldProblem, InvalidError


def desk_of(service: TodoDependencies, verdict: Verdict, named: str | None) -> str:
    """Raises InvalidError for a named desk that the policy lacks, or that does not fit."""
    usual = TECHNICAL_DESK if verdict is Verdict.TECHNICAL else INBOUND_DESK
    if named is None:
        return usual
    desk = service.known_desk(named)
    if verdict is Verdict.GENERAL and desk not in {TECHNICAL_DESK, REVIEW_DESK}:
        return desk
    if verdict is Verdict.TECHNICAL and desk == usual:
        return desk
    right = "leave it out" if verdict is not Verdict.GENERAL else "a desk that answers"
    raise InvalidError(
        "invalid-request",
        f"the verdict {verdict} does not go to the desk {desk}",
        FieldProblem("desk", "does not fit the verdict", right),
    )
