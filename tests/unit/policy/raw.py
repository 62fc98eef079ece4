"""The shipped policy as the raw TOML table, to be changed by a test."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from shared.policy import PolicyError, parse_policy


def shipped() -> dict[str, Any]:
    return tomllib.loads((files("services") / "desk.toml").read_text("utf-8"))


def problems(raw: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What is wrong and what would be right, by path; nothing when the policy is accepted."""
    try:
        parse_policy(raw)
    except PolicyError as error:
        return {problem.path: (problem.wrong, problem.right) for problem in error.problems}
    return {}
