"""The rules of the house about its tests and benchmarks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from tests.architecture.source import ROOT, nodes

EXCUSED = {
    ("tests/contracts/test_bus_kafka.py", "_build"): "a batch that only another client can write",
    ("tests/contracts/test_bus_kafka.py", "_buffer"): "the same",
    ("tests/contracts/test_bus_local.py", "_log"): "only its own connection can be made read-only",
    ("tests/contracts/test_bus_local.py", "_file"): "the same",
    ("tests/contracts/test_bus_local.py", "_durable"): "the same",
    ("tests/contracts/test_secured.py", "_connected"): "to look at a connection nothing is written",
    ("tests/services/sla/test_notifications.py", "_sender"): "a sender that fails as none should",
}
"""What a test may reach although it is private, and why."""
NAMED_TUPLES = {"_replace", "_asdict", "_fields", "_mapping"}
"""Public, whatever they look like."""


def _sources() -> list[Path]:
    found = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in found)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in NAMED_TUPLES


@cache
def _own(folder: Path) -> set[str]:
    """The names that the folder's modules give: functions, classes, fields."""
    found: set[str] = set()
    for node in chain.from_iterable(nodes(each) for each in (ROOT / folder).glob("*.py")):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                found.add(name)
    return found


def _reached(path: Path) -> Iterator[str]:
    """The private names of others that the module uses."""
    own = _own(path.parent)
    for node in nodes(path):
        match node:
            case ast.Attribute(attr=name) if _is_private(name) and name not in own:
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (each.name for each in aliases if _is_private(each.name))
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[*given]):
                named = [each.value for each in given if isinstance(each, ast.Constant)]
                last = [str(each).rpartition(".")[2] for each in named]
                yield from (each for each in last if _is_private(each))


def test_no_test_reaches_what_is_private() -> None:
    found = {(path.as_posix(), name) for path in _sources() for name in _reached(path)}
    wrong = sorted(found - EXCUSED.keys())
    assert not wrong, (
        f"{wrong}: test what the module promises (a service: `Service.handle` and `drain`), or "
        "give it a public name; what cannot be reached otherwise is excused here, with the reason"
    )
    over = sorted(EXCUSED.keys() - found)
    assert not over, f"{over} is not reached any more; take it off the list"
