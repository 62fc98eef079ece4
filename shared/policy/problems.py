"""Every mistake in a policy file, by its key's path: what is wrong and what would be right."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from shared.policy.values import NAME_PATTERN, shown
from shared.text.wording import words_of

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_IN_TOML = {
    "string_type": "text in quotes",
    "bool_type": "true or false, without quotes",
    "int_type": "a whole number, without quotes",
    "float_type": "a number, without quotes",
    "date_type": "a day without quotes, such as 2026-12-24",
    "tuple_type": 'a list in brackets, such as ["..."]',
}
"""What would be right, as TOML writes it."""
MOST_NAMED = 50
_TABLES = {
    "mapping_type": "a table of names and values",
    "dict_type": "a table of names and values",
    "model_type": "a table of keys and values",
}


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One mistake: `path` as in `calendar.hours.monday[1]`, or the place in a broken file."""

    path: str
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}. Right would be: {self.right}."


class PolicyError(ValueError):
    """The policy cannot be used; `problems` names everything that is wrong, in the file's order.

    `file` is where it stands, as far as that is known where the mistake was found.
    """

    def __init__(self, problems: tuple[PolicyProblem, ...], *, file: str | None = None) -> None:
        super().__init__(problems)
        self.problems = problems
        self.file = file

    def __str__(self) -> str:
        return "\n".join(f"- {problem}" for problem in self.problems)

    def sentence(self) -> str:
        """The mistakes under the name of their file."""
        count = len(self.problems)
        name = self.file or "the policy"
        return f"{name} has {count} {'mistake' if count == 1 else 'mistakes'}:\n{self}"


def nearest(word: object, known: list[str]) -> str:
    """What was probably meant, or the choice there is."""
    match = get_close_matches(str(word)[:100].casefold(), known, n=1, cutoff=0.6)
    if match:
        return f'"{match[0]}"'
    if not known:
        return "nothing is defined here yet"
    more = ", ..." if len(known) > MOST_NAMED else ""
    return "one of " + ", ".join(f'"{name}"' for name in known[:MOST_NAMED]) + more


def path_text(location: tuple[int | str, ...]) -> str:
    """The key's path as a person writes it: names joined by dots, places in a list in brackets."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = step if _BARE_KEY.fullmatch(step) else shown(step)
            text += f".{name}" if text else name
    return text or "the file"


def problem_of(error: ErrorDetails, root: object) -> PolicyProblem:
    """Say one finding of pydantic in the policy's words; `root` is the type that was validated."""
    location = tuple(step for step in error["loc"] if step != "[key]")
    wrong, right = _words(error, _type_at(root, location[:-1]))
    return PolicyProblem(path_text(location), wrong, right)


def _words(error: ErrorDetails, parent: object) -> tuple[str, str]:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "policy":
        return context["wrong"], context["right"]
    if kind == "missing":
        return "is missing", "this key with a value, as in the shipped desk.toml"
    if kind == "extra_forbidden":
        return "there is no such key", nearest(error["loc"][-1], _keys(parent))
    if kind in ("enum", "literal_error"):
        choice = re.findall(r"'([^']+)'", context["expected"])
        return f"{shown(value)} is not known", nearest(value, choice)
    if kind == "string_pattern_mismatch":
        return _bad_form(error)
    return _in_toml(error)


def _in_toml(error: ErrorDetails) -> tuple[str, str]:
    kind, value = error["type"], shown(error["input"])
    if kind == "string_too_short":
        return "is empty", "some text"
    if kind in _TABLES:
        return f"{value} is not a table", _TABLES[kind]
    wrong, right = words_of(error)
    return f"{value} {wrong}", _IN_TOML.get(kind, right)


def _bad_form(error: ErrorDetails) -> tuple[str, str]:
    if "[key]" in error["loc"] or error["ctx"]["pattern"] == NAME_PATTERN:
        wrong = f"{shown(error['input'])} cannot be used as a name"
        return wrong, "small letters, digits and _, beginning with a letter"
    return f"{shown(error['input'])} cannot be used here", "one word of letters and digits"


def _keys(parent: object) -> list[str]:
    if isinstance(parent, type) and issubclass(parent, BaseModel):
        return [field.alias or name for name, field in parent.model_fields.items()]
    return []


def _type_at(root: object, location: tuple[int | str, ...]) -> object:
    """The declared type of the value at `location`, found by walking the models."""
    found = _bare(root)
    for step in location:
        if isinstance(found, type) and issubclass(found, BaseModel):
            fields = {field.alias or name: field for name, field in found.model_fields.items()}
            found = _bare(fields[str(step)].annotation) if step in fields else None
        elif get_origin(found) in (tuple, Mapping):
            found = _bare(get_args(found)[0 if get_origin(found) is tuple else 1])
        else:
            return None
    return found


def _bare(annotation: Any) -> object:
    """The type under Annotated and under "or None"."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation
