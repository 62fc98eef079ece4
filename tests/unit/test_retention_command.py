"""`inbound-desk retention` says what would go, and takes it away."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from services.cli.main import main


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "var"))


def _policy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = (files("services") / "desk.toml").read_text(encoding="utf-8")
    path = folder / "own.toml"
    path.write_text(f"{shipped}\nmessages_days = 30\n", encoding="utf-8")
    monkeypatch.setenv("DESK_POLICY", str(path))


def test_without_an_age_everything_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retention"]) == 0
    assert capsys.readouterr().out == "messages_days is not set in the policy: everything stays\n"


def test_what_would_go_is_counted_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _policy(tmp_path, monkeypatch)
    assert main(["retention", "--dry-run"]) == 1
    assert "there is no database" in capsys.readouterr().err
    assert main(["migrate"]) == 0
    capsys.readouterr()
    for words, removed in (
        (["retention", "--dry-run"], "would be removed"),
        (["retention"], "removed"),
    ):
        assert main(words) == 0
        said = capsys.readouterr().out
        what = "0 conversations with 0 messages, and the customers' texts of 0 ToDos"
        assert said.startswith(f"{removed}: {what}, which ended before ")
