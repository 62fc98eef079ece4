"""What platforms send, as recorded, over HTTP to a running desk (tests.support.webhook_cases)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from services.intake.connectors.registry import FORMATS
from tests.support.webhook_cases.__main__ import main, run
from tests.support.webhook_cases.case import cases
from tests.system.desk import PROJECT

FOLDER = PROJECT / "tests" / "data" / "webhooks"


def test_every_connector_has_cases() -> None:
    assert {each.name for each in FORMATS} == {each.connector for each in cases(FOLDER).values()}


@pytest.mark.parametrize("kafka", [False, True], ids=["embedded", "distributed"])
async def test_each_case_becomes_what_it_should(kafka: bool) -> None:
    found = cases(FOLDER)
    assert await run(found, list(found.values()), kafka=kafka) == {}


def test_what_is_not_as_expected_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command itself: a line for the case, the count, and the exit code."""
    folder = tmp_path / "standard_webhooks"
    folder.mkdir()
    for name in ("own_author", "message_created", "malformed_json"):
        for path in (FOLDER / "standard_webhooks").glob(f"{name}.*"):
            shutil.copy(path, folder)
    for name, change in (
        ("message_created", {"ignored": 3, "inquiries": []}),
        ("malformed_json", {"status": ["2xx"], "uncertain": "it is only a try"}),
    ):
        path = folder / f"{name}.expect.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    unknown = tmp_path / "pigeon_post"
    unknown.mkdir()
    (unknown / "letter.json").write_text("{}")
    (unknown / "letter.expect.json").write_text("{}")

    assert main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pigeon_post/letter: there is no connector pigeon_post"
    assert lines[1].startswith("standard_webhooks/malformed_json (uncertain): status 400, ")
    assert lines[2].startswith("standard_webhooks/message_created: a message that should not be")
    assert lines[2].endswith("0 items made no inquiry, expected 3")
    assert lines[3:] == ["1 of 4 as expected"]


def test_names_that_fit_no_case_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(FOLDER), "standard_webhooks/no_such_case"]) == 2
    assert "there is no case standard_webhooks/no_such_case" in capsys.readouterr().err
    assert main([str(FOLDER / "nowhere")]) == 2
    assert "there is no case in" in capsys.readouterr().err
