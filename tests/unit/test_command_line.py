"""The words of the command line."""

from __future__ import annotations

import tomllib

import pytest

from services.cli.main import main
from tests.architecture.source import ROOT


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"inbound-desk {project['version']}\n"


@pytest.mark.parametrize(
    ("since", "wrong"),
    [
        ("yesterday", "is no moment; write it like 2026-11-24T08:00:00Z"),
        ("2026-11-24T08:00:00", "has no zone; write it like"),
        ("0001-01-01T00:00:00+14:00", "lies outside the years 1990 to 2099; write it like"),
    ],
)
def test_what_is_no_moment(capsys: pytest.CaptureFixture[str], since: str, wrong: str) -> None:
    with pytest.raises(SystemExit):
        main(["replay", "intake", "--since", since])
    assert f"'{since}' {wrong}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("day", "wrong"),
    [
        ("2026-02-30", "is no day of the calendar; write it like 2026-11-24 or"),
        ("2100-06-01", "lies outside the years 1990 to 2099; write it like"),
    ],
)
def test_what_is_no_day(capsys: pytest.CaptureFixture[str], day: str, wrong: str) -> None:
    with pytest.raises(SystemExit):
        main(["sla", "simulate", "--policy", "desk.toml", "--from", day, "--to", day])
    assert f"'{day}' {wrong}" in capsys.readouterr().err
