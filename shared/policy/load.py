"""Reading a policy file: its mistakes, or one frozen value.

Every section is validated by itself, and its mistakes are named all at once. What contradicts
itself between sections is named for the sections that are valid.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import get_type_hints

from pydantic import TypeAdapter, ValidationError

from shared.policy.calendar import Calendar
from shared.policy.consistency import inconsistencies
from shared.policy.model import Policy
from shared.policy.problems import PolicyError, PolicyProblem, nearest, path_text, problem_of

LARGEST_FILE_BYTES = 1_000_000
_PLACE = re.compile(r"(.*) \((?:at (line \d+, column \d+)|at (end of document))\)", re.DOTALL)


def load_policy(path: Path | None = None) -> Policy:
    """The policy in the file at `path`, or the shipped one; PolicyError names every mistake."""
    source = files("services") / "desk.toml" if path is None else path
    name = str(source)
    try:
        if path is not None and path.is_file() and path.stat().st_size > LARGEST_FILE_BYTES:
            raise _unreadable(name, "the file is larger than 1 MB", "a policy of some pages")
        text = source.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _unreadable(name, "there is no such file", "the path of a desk.toml") from None
    except UnicodeDecodeError as error:
        wrong = f"the bytes from {error.start} on are not UTF-8"
        raise _unreadable(name, wrong, "the file saved as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(name, reason, "a file that can be read") from None
    try:
        return parse_policy(_toml(text), folder=None if path is None else path.resolve().parent)
    except PolicyError as error:
        raise PolicyError(error.problems, file=name) from None


def parse_policy(raw: Mapping[str, object], *, folder: Path | None = None) -> Policy:
    """The policy in an already parsed TOML table; `folder` is where relative paths begin."""
    problems: list[PolicyProblem] = []
    parts: dict[str, object] = {}
    fields = Policy.model_fields
    for key in raw:
        if key not in fields:
            right = nearest(key, list(fields))
            problems.append(PolicyProblem(path_text((key,)), "there is no such section", right))
    for name, field in fields.items():
        if name not in raw:
            if field.is_required():
                right = "this section, as in the shipped desk.toml"
                problems.append(PolicyProblem(name, "is missing", right))
            else:
                parts[name] = field.get_default()
            continue
        try:
            parts[name] = _sections()[name].validate_python(raw[name])
        except ValidationError as error:
            problems += _problems(name, error)
    problems += inconsistencies(parts)
    parts = _with_ical_path(parts, folder, problems)
    if problems:
        raise PolicyError(tuple(problems))
    return Policy.model_validate(parts)


@cache
def _sections() -> Mapping[str, TypeAdapter[object]]:
    hints = get_type_hints(Policy, include_extras=True)
    return {name: TypeAdapter(hints[name]) for name in Policy.model_fields}


def _problems(section: str, error: ValidationError) -> list[PolicyProblem]:
    found = []
    for detail in error.errors(include_url=False):
        detail["loc"] = (section, *detail["loc"])
        problem = problem_of(detail, Policy)
        if problem not in found:
            found.append(problem)
    return found


def _with_ical_path(
    parts: dict[str, object], folder: Path | None, problems: list[PolicyProblem]
) -> dict[str, object]:
    calendar = parts.get("calendar")
    if not isinstance(calendar, Calendar) or calendar.ical_file is None:
        return parts
    path = (folder or Path()) / calendar.ical_file
    try:
        exists = path.is_file()
    except (OSError, ValueError):
        exists = False
    if not exists:
        right = "a path relative to the policy file, or an absolute one"
        problems.append(PolicyProblem("calendar.ical_file", f"there is no file {path}", right))
    return {**parts, "calendar": calendar.model_copy(update={"ical_file": path})}


def _toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _PLACE.fullmatch(str(error))
        place = (match[2] or match[3]) if match else "the file"
        wrong = match[1] if match else str(error)
        line = _line(text, place)
        right = f"valid TOML; the line reads: {line}" if line else "valid TOML"
        raise PolicyError((PolicyProblem(place, wrong, right),)) from None
    except (ValueError, RecursionError):
        wrong = "a number is too long or lists are nested too deeply"
        raise PolicyError((PolicyProblem("the file", wrong, "ordinary TOML"),)) from None


def _line(text: str, place: str) -> str:
    match = re.match(r"line (\d+)", place)
    lines = text.split("\n")
    return lines[int(match[1]) - 1].strip()[:80] if match and int(match[1]) <= len(lines) else ""


def _unreadable(name: str, wrong: str, right: str) -> PolicyError:
    return PolicyError((PolicyProblem(name, wrong, right),), file=name)
