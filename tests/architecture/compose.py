"""What docker-compose.yml comes to with a given environment, told without the engine.

Only what our file uses: `${NAME}`, `${NAME:-default}`, `${NAME:?complaint}`, variables without a
value, and optional `env_file`s, with the precedence that Compose documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_0-9]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class MissingVariableError(Exception):
    """Compose would refuse to start; the text is what it would say."""


def resolved(file: Path, shell: Mapping[str, str]) -> dict[str, Any]:
    """The services by name, as Compose starts them in `file`'s folder: `.env` there counts too.

    Raises MissingVariableError.
    """
    values = {**env_file(file.parent / ".env"), **shell}
    services = yaml.safe_load(file.read_text())["services"]
    return {name: _service(raw, file.parent, values) for name, raw in services.items()}


def env_file(path: Path) -> dict[str, str]:
    """Empty when there is no such file."""
    lines = path.read_text().splitlines() if path.exists() else []
    assignments = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in assignments}


def _service(raw: dict[str, Any], folder: Path, values: Mapping[str, str]) -> dict[str, Any]:
    service: dict[str, Any] = _interpolated(raw, values)
    environment: dict[str, str] = {}
    for each in service.get("env_file", []):
        assert (folder / each["path"]).exists() or each["required"] is False
        environment |= env_file(folder / each["path"])
    for name, value in service.get("environment", {}).items():
        found = values.get(name) if value is None else value
        environment.pop(name, None)  # without any value it is taken away, also what a file said
        if found is not None:
            environment[name] = found
    return {**service, "environment": environment}


def _interpolated(raw: Any, values: Mapping[str, str]) -> Any:
    match raw:
        case dict():
            return {key: _interpolated(value, values) for key, value in raw.items()}
        case list():
            return [_interpolated(value, values) for value in raw]
        case str():
            return _VARIABLE.sub(lambda match: _value(match, values), raw)
        case _:
            return raw


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    name, kind, rest = match["name"], match["kind"], match["rest"]
    if values.get(name):
        return values[name]
    if kind == "-":
        return str(rest)
    raise MissingVariableError(f"{name} {rest}")
