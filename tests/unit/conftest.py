"""Commands that run inside the tests leave the logging of the tests alone."""

from __future__ import annotations

import pytest

from services import __main__ as command_line
from services import process


@pytest.fixture(autouse=True)
def _logging_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger keeps what was configured when it was first used, also for the tests after it."""
    for module in (command_line, process):
        monkeypatch.setattr(module, "configure_logging", lambda _level: None)
