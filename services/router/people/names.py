"""How a person is named in requests: as the assignee of a ToDo is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from shared.web.strict_json import CleanName, SafeStr


def trimmed(text: Any) -> Any:
    return text.strip() if isinstance(text, str) else text


def _not_empty(name: str) -> str:
    if not name:
        raise ValueError("text with a visible character")
    return name


Person = Annotated[
    SafeStr,
    BeforeValidator(trimmed),
    Field(min_length=1, max_length=200),
    CleanName,
    AfterValidator(_not_empty),
]
