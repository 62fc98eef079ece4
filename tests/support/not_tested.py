"""What this machine cannot test is skipped and named in the last line of the run.

In CI it is a failure. A part of pytest, see tests/conftest.py.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator

import pytest

from tests.support.processes import MissingBackingError

_NOT_TESTED = "not tested"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, MissingBackingError):
        missing = str(call.excinfo.value)
        report.user_properties.append((_NOT_TESTED, missing))
        report.longrepr = missing
        if not os.environ.get("CI"):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"Skipped: {missing}")
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """The last line of the run says what it did not test; reports come from all workers."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    reports = [report for kind in reporter.stats.values() for report in kind]
    missing = Counter(
        reason
        for report in reports
        for name, reason in getattr(report, "user_properties", ())
        if name == _NOT_TESTED
    )
    if missing:
        reasons = "; ".join(f"{count} for want of {why}" for why, count in sorted(missing.items()))
        reporter.write_line(f"!!! {missing.total()} NOT TESTED: {reasons}", red=True, bold=True)
