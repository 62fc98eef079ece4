"""Whatever pydantic finds is said in the desk's words, and the value is never repeated."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.web.problems import field_problems
from shared.web.strict_json import SafeStr

PYDANTICS = ("Input should", "input should", "Value error", "String should", "validation error")
SECRET = "geheim"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[SafeStr, Field(max_length=3)]


CASES: list[tuple[Any, Any, str, str]] = [
    (str, 1, "is not text", "text"),
    (int, SECRET, "is not a whole number", "a whole number"),
    (int, 1.5, "is not a whole number", "a whole number"),
    (float, SECRET, "is not a number", "a number"),
    (bool, SECRET, "is neither true nor false", "true or false"),
    (UUID, SECRET, "is not an id", "an id such as"),
    (date, SECRET, "is not a day", "2026-11-24"),
    (datetime, SECRET, "is not a moment", "with its zone"),
    (AwareDatetime, "2026-11-24T08:00:00", "has no zone", "with its zone"),
    (list[int], SECRET, "is not a list", "a list"),
    (dict[str, int], SECRET, "is not an object", "an object"),
    (Inner, SECRET, "is not an object", "an object"),
    (Inner, {}, "is missing", "give a value"),
    (Inner, {"name": "a", SECRET: 1}, "is not a field that is known here", "leave it out"),
    (Inner, {"name": SECRET}, "is too long", "at most 3 characters"),
    (Inner, {"name": "a\0"}, "is not valid", "text without NUL characters"),
    (Literal["a", "b"], SECRET, "is not one of those that are known", "one of: a, b"),
    (Colour, SECRET, "is not one of those that are known", "one of: red, blue"),
    (Annotated[int, Field(ge=2)], 1, "is too small", "at least 2"),
    (Annotated[int, Field(gt=2)], 1, "is too small", "more than 2"),
    (Annotated[int, Field(le=2)], 3, "is too large", "at most 2"),
    (Annotated[int, Field(lt=2)], 3, "is too large", "less than 2"),
    (Annotated[int, Field(multiple_of=5)], 3, "is not a multiple", "a multiple of 5"),
    (Annotated[str, Field(min_length=1)], "", "is too short", "at least 1 characters"),
    (Annotated[str, Field(pattern="^a$")], SECRET, "does not have the right form", "^a$"),
    (Annotated[list[int], Field(max_length=1)], [1, 2], "is too long", "at most 1 items"),
    (Path, 1, "is not a path", "the path of a file"),
    (complex, SECRET, "does not fit", "the API document"),
]


@pytest.mark.parametrize(("kind", "value", "wrong", "right"), CASES, ids=str)
def test_a_finding_is_said_in_our_words(kind: Any, value: Any, wrong: str, right: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    (problem,) = field_problems(caught.value.errors())
    assert problem.problem == wrong
    assert right in problem.expected
    said = f"{problem.problem} {problem.expected}"
    assert SECRET not in said
    assert not [each for each in PYDANTICS if each in said]
