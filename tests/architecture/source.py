"""The project's own files, read as text and as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "router", "sla")


@cache
def modules() -> tuple[Path, ...]:
    """Every module of ours that runs in production, relative to the root."""
    found = [*(ROOT / "shared").rglob("*.py"), *(ROOT / "services").rglob("*.py")]
    return tuple(sorted(path.relative_to(ROOT) for path in found))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(tree(path))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the last part of what is called: `log.info(...)` is `info`."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node


def imports(path: Path) -> Iterator[str]:
    """The modules that a module imports, with full names."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def literals(node: ast.expr) -> list[str] | None:
    """The texts that an expression may be, or None when the tree does not tell."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=other):
            first, second = literals(body), literals(other)
            return None if first is None or second is None else [*first, *second]
        case _:
            return None


def page(name: str) -> str:
    return (ROOT / name).read_text()


def section(name: str, heading: str) -> str:
    """The text under `## heading` of a page."""
    _, _, rest = page(name).partition(f"\n## {heading}\n")
    assert rest, f"{name} has no section `## {heading}`; write it"
    return rest.partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The rows of a page's tables whose first cell is in backticks, without the backticks there."""
    found = []
    for line in text.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found.append([cells[0].strip().strip("`"), *(cell.strip() for cell in cells[1:])])
    return found
