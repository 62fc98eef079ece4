"""The router's rules: what an inquiry is about, and what may happen to its ToDo. Pure."""

from services.router.domain.classify import Decision, Kind, Reason, RoutingRules, Rule, classify
from services.router.domain.ends import End, EndKind, Verdict, status_after, verdict
from services.router.domain.terms import Term
from services.router.domain.todo import (
    SYSTEM,
    Action,
    Actor,
    DismissReason,
    IllegalTransition,
    Role,
    TodoState,
    TodoStatus,
    allowed_actions,
    check_reopen,
    claim,
    complete,
    dismiss,
    release,
    reroute,
)

__all__ = [
    "SYSTEM",
    "Action",
    "Actor",
    "Decision",
    "DismissReason",
    "End",
    "EndKind",
    "IllegalTransition",
    "Kind",
    "Reason",
    "Role",
    "RoutingRules",
    "Rule",
    "Term",
    "TodoState",
    "TodoStatus",
    "Verdict",
    "allowed_actions",
    "check_reopen",
    "claim",
    "classify",
    "complete",
    "dismiss",
    "release",
    "reroute",
    "status_after",
    "verdict",
]
