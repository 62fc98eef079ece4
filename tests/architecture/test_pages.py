"""The reference pages say what the code does: settings, problems, log events, metrics."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from services.intake.inquiries.domain.inquiry import AWAITS_ANSWER, InquiryState
from services.intake.settings import IntakeSettings
from services.router.settings import RouterSettings
from services.sla.settings import SlaSettings
from shared.access.keys import ALL_SCOPES
from shared.runtime.settings import DeskSettings
from tests.architecture.source import (
    ROOT,
    calls,
    literals,
    modules,
    nodes,
    page,
    rows,
    section,
    tree,
)

SETTINGS: dict[str, type[BaseSettings]] = {
    "All services": DeskSettings,
    "Intake": IntakeSettings,
    "Router": RouterSettings,
    "Sla": SlaSettings,
}
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
METRIC_METHODS = {"counter", "gauge", "histogram"}
CODE_FIRST = {
    "InvalidError", "NotFoundError", "ConflictError", "ChangedError", "UnavailableError",
    "DeskError",
}  # fmt: skip
CODE_SECOND = {"RefusedError", "problem_response"}


@pytest.mark.parametrize("heading", SETTINGS)
def test_the_settings_page_is_the_settings(heading: str) -> None:
    settings = SETTINGS[heading]
    prefix = str(settings.model_config["env_prefix"])
    expected = [
        [f"{prefix}{name}".upper(), _default(field.default), field.description or ""]
        for name, field in settings.model_fields.items()
    ]
    assert rows(section("docs/settings.md", heading)) == expected, (
        f"the table under `## {heading}` in docs/settings.md is not what {settings.__name__} has; "
        f"it should be:\n" + "\n".join(f"| `{n}` | {d} | {m} |" for n, d, m in expected)
    )


def _default(value: object) -> str:
    assert value is not PydanticUndefined, "every setting has a default, so that one command runs"
    return "empty" if value == "" else "unset" if value is None else f"`{value}`"


def test_the_problems_page_is_the_problems() -> None:
    documented = [row[0] for row in rows(page("docs/problems.md"))]
    used = {code for path in modules() for code in _codes(path)}
    assert len(documented) == len(set(documented)), "docs/problems.md lists a code twice"
    assert used - set(documented) == set(), "describe these codes in docs/problems.md"
    assert set(documented) - used == set(), "no code raises these: take them out of the page"


def test_problem_codes_have_one_form() -> None:
    for code, status, *_ in rows(page("docs/problems.md")):
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code), f"{code}: write it like unknown-channel"
        assert re.fullmatch(r"\d{3}(, \d{3})*|command line", status), f"{code}: {status}"


def _codes(path: Path) -> Iterator[str]:
    for expression in _code_expressions(path):
        found = literals(expression)
        if found is None:
            found = _derived().get((str(path), ast.unparse(expression)))
        assert found is not None, (
            f"{path}:{expression.lineno} makes the code {ast.unparse(expression)}, which no reader "
            "of the page could find: write it as text, or add it to `_derived` here"
        )
        yield from found


def _code_expressions(path: Path) -> Iterator[ast.expr]:
    for name, call in calls(path):
        if name in CODE_FIRST:
            yield call.args[0]
        elif name in CODE_SECOND:
            yield call.args[1]
    for node in nodes(path):
        if isinstance(node, ast.ClassDef) and CODE_FIRST & {ast.unparse(b) for b in node.bases}:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and ast.unparse(inner.func) == "super().__init__":
                    yield inner.args[0]


def _derived() -> dict[tuple[str, str], list[str]]:
    """Codes that an expression makes; empty where it only hands on a code of somewhere else."""
    refused = [state for state in InquiryState if state not in AWAITS_ANSWER]
    return {
        ("shared/web/problems.py", "code"): [*_http_codes(), "refused"],
        ("shared/web/problems.py", "error.code"): [],
        ("shared/errors.py", "code"): [],
        ("services/router/todos/api/dependencies.py", "f'unknown-{field}'"): [
            "unknown-desk",
            "unknown-channel",
        ],
        ("services/router/todos/api/problems.py", "error.code.replace('_', '-')"): _todo_codes(),
        ("services/intake/app.py", "f\"inquiry-{error.state.value.replace('_', '-')}\""): [
            f"inquiry-{state.value.replace('_', '-')}" for state in refused
        ],
    }


def _http_codes() -> list[str]:
    for node in nodes(Path("shared/web/problems.py")):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_CODES":
            return [str(code) for code in ast.literal_eval(node.value).values()]
    raise AssertionError("shared/web/problems.py has no _CODES any more: correct this test")


def _todo_codes() -> list[str]:
    path = Path("services/router/todos/domain/todo.py")
    found = [call.args[0] for name, call in calls(path) if name == "_illegal"]
    for function in tree(path).body:
        if isinstance(function, ast.FunctionDef) and function.name.startswith("_objection"):
            returns = (node.value for node in ast.walk(function) if isinstance(node, ast.Return))
            found += [value for value in returns if value is not None]
    return [text.replace("_", "-") for value in found for text in literals(value) or _last(value)]


def _last(value: ast.expr) -> list[str]:
    """`None if ... else "code"` is a code; `objection` has been counted where it was made."""
    return (
        (literals(value.orelse) or []) + (literals(value.body) or [])
        if isinstance(value, ast.IfExp)
        else []
    )


def test_every_scope_is_in_the_table_of_scopes() -> None:
    documented = [row[0] for row in rows(section("docs/operations.md", "API keys"))]
    assert documented == list(ALL_SCOPES), "docs/operations.md, `## API keys`: one row for each"


def test_log_events_are_on_the_operations_page() -> None:
    used = {event for path in modules() for event in _events(path)}
    documented = {row[0] for row in rows(section("docs/operations.md", "Log events"))}
    assert used - documented == set(), "describe these under `## Log events`"
    assert documented - used == set(), "nothing logs these: take them out of docs/operations.md"


def _events(path: Path) -> Iterator[str]:
    for name, call in calls(path):
        if name in LOG_METHODS and ast.unparse(call.func) == f"log.{name}":
            found = literals(call.args[0])
            assert found is not None, (
                f"{path}:{call.lineno}: the name of a log event is constant; put what changes into "
                "a field"
            )
            assert re.fullmatch(r"[a-z]+\.[a-z_]+", found[0]), f"{found[0]}: write thing.happened"
            yield from found


def test_metrics_are_on_the_operations_page() -> None:
    documented = {row[0] for row in rows(section("docs/operations.md", "Metrics"))}
    used = metric_names()
    assert used - documented == set(), "describe these under `## Metrics` in docs/operations.md"
    assert documented - used == set(), "nothing counts these: take them out of the page"


def metric_names() -> set[str]:
    """As Prometheus shows them: a counter ends in _total."""
    found = set()
    for path in modules():
        for name, call in calls(path):
            if name in METRIC_METHODS and call.args and literals(call.args[0]):
                (metric,) = literals(call.args[0]) or [""]
                assert metric.startswith("desk_"), f"{path}: {metric} should begin with desk_"
                found.add(f"{metric}_total" if name == "counter" else metric)
    return found


def test_every_link_between_our_pages_leads_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), (
                f"{path.relative_to(ROOT)}: {target} is not there"
            )


def test_every_test_that_a_page_names_is_there() -> None:
    files = [*(ROOT / "tests").rglob("test_*.py")]
    there = {path.stem for path in files}
    for path in files:
        there |= set(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))
    for path in (ROOT / "docs").rglob("*.md"):
        gone = set(re.findall(r"\btest_\w+", path.read_text())) - there
        assert not gone, f"{path.relative_to(ROOT)} names {sorted(gone)}, which no test is called"


@pytest.mark.parametrize("name", ["docs/promises.md", "docs/architecture.md"])
def test_every_module_that_a_page_names_is_there(name: str) -> None:
    for named in re.findall(r"`((?:services|shared|tests)/[\w./]+)", page(name)):
        assert (ROOT / named).exists(), f"{name} names {named}, which is not there"
