"""`inbound-desk backfill answers` and `inbound-desk router reindex`, by their words."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.main import main


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "var"))


def test_without_databases_both_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["backfill", "answers", "--since", "2026-01-01T00:00Z"], ["router", "reindex"]):
        assert main(words) == 1
        assert "inbound-desk migrate" in capsys.readouterr().err


def test_with_empty_databases_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    capsys.readouterr()
    assert main(["backfill", "answers", "--since", "2026-01-01T00:00Z"]) == 0
    assert capsys.readouterr().out == "0 answers will be published with their words\n"
    assert main(["router", "reindex"]) == 0
    said = "the index of answered questions is built, from 0 ToDos\n"
    assert capsys.readouterr().out == said


def test_the_backfill_has_to_know_since_when() -> None:
    with pytest.raises(SystemExit):
        main(["backfill", "answers"])
