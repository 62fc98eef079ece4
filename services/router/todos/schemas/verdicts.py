"""The HTTP bodies of verdicts and appeals."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from services.router.todos.domain.verdict import Verdict
from services.router.todos.schemas.todo import EndIn, ReopenIn, Why, Word


class VerdictIn(EndIn):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"verdict": "technical", "by": "Anna"}, {"verdict": "netiquette"}]
        },
    )

    verdict: Verdict = Field(
        description="`technical` and `general`: the inquiry goes to that desk. The others: it gets "
        "no answer, for that reason."
    )
    desk: Word | None = Field(
        None,
        description="Which desk answers a `general` inquiry, where the policy has more than "
        "`inbound`.",
        examples=["inbound"],
    )
    reason: Why | None = Field(None, description="Why; the history has it.")


class AppealIn(ReopenIn):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "it was a quotation", "by": "Anna"}]},
    )

    desk: Word | None = Field(
        None, description="Which desk looks at it; default: `review`.", examples=["review"]
    )
