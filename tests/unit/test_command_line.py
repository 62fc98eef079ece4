"""The words of the command line."""

from __future__ import annotations

import tomllib

import pytest

from services.__main__ import main
from tests.architecture.source import ROOT


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"inbound-desk {project['version']}\n"
