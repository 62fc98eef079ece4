"""Names are the field's own words: a private one that hides a standard term does not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import modules, nodes

INSTEAD = {
    "told": "published, reported, sent, recorded",
    "heard": "arrived, received, seen",
    "look": "query, check, examine, view",
    "beside": "the thing that is there",
    "fold": "evolve (events to a state), project (a state to rows)",
    "edition": "policy version",
    "salvage": "validate",
    "mend": "repair",
    "surface": "description, interface",
    "ear": "event handlers",
    "gate": "authorizer",
    "courier": "delivery worker",
    "caretaker": "housekeeping",
}


def test_names_say_the_standard_term() -> None:
    for path in modules():
        if "migrations" in path.parts:
            continue
        for line, name in _names(path):
            private = _words(name) & set(INSTEAD)
            assert not private, (
                f"{path}:{line} names something {name}: say "
                f"{' or '.join(INSTEAD[word] for word in sorted(private))}"
            )


def _names(path: Path) -> Iterator[tuple[int, str]]:
    """Whatever the module names: functions, classes, parameters, variables."""
    for node in nodes(path):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name


def _words(name: str) -> set[str]:
    return set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"))
