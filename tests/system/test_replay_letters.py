"""`inbound-desk replay dead-letters`: what it shows, which letters it takes, what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.cli.main import main
from shared.bus.port import Partition, Received
from shared.db import open_database
from shared.messaging import dead_letters
from tests.support.migrated import MigratedFiles

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = "2026-11-25T00:00:00Z"
EVER = "2020-01-01T00:00:00Z"


def record(offset: int) -> Received:
    headers = (("ce_type", b"inquiry.received\n\x1b[31m"), ("ce_id", b"an-id"))
    return Received(Partition("inbound-desk.inquiries", 1), offset, "k", b"geheim", headers)


@pytest.fixture
async def letters(
    tmp_path: Path, migrated_files: MigratedFiles, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Two of the router's, one of sla's."""
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path))
    found: list[str] = []
    for service, offsets in {"intake": [], "router": [1, 2], "sla": [1]}.items():
        database = open_database(await migrated_files.copy(service, tmp_path / f"{service}.sqlite"))
        await database.start()
        kept = [
            await database.write(
                dead_letters.keep, record(offset), consumer=service, reason="why\n", now=NOW
            )
            for offset in offsets
        ]
        await database.stop()
        found += map(str, kept)
    return found


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["replay", "dead-letters", *words])
    out, err = capsys.readouterr()
    return code, out + err


def states(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    code, text = said(capsys, "--list", *words)
    assert code == 0
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    return {row[0]: row[2] for row in rows}


def test_the_list_shows_what_waits_and_never_its_words(
    letters: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, "--list")
    head, *rows = [line.split("\t") for line in text.splitlines()]
    assert code == 0
    assert [row[0] for row in rows] == letters
    assert dict(zip(head, rows[0], strict=True)) == {
        "id": letters[0],
        "service": "router",
        "state": "waiting",
        "attempts": "1",
        "failed_at": NOW.isoformat(),
        "from": "inbound-desk.inquiries/1/1",
        "type": "inquiry.received  [31m",
        "event_id": "an-id",
        "reason": "why ",
    }
    assert "geheim" not in text
    assert list(states(capsys, "--service", "sla")) == [letters[2]]
    assert states(capsys, "--since", LATER) == {}


def test_letters_are_chosen_by_id_or_by_time(
    letters: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "--id", letters[1])[1].startswith("1 dead letters will be tried once more")
    assert states(capsys) == dict(zip(letters, ("waiting", "asked", "waiting"), strict=True))
    # What was asked for is not asked for twice.
    assert said(capsys, "--since", NOW.isoformat())[1].startswith(
        "2 dead letters will be tried once more"
    )
    assert set(states(capsys).values()) == {"asked"}
    assert said(capsys, "--since", LATER)[1].startswith("0 dead letters")


def test_letters_are_given_up_for_a_reason(
    letters: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, "--id", letters[0], "--id", letters[2], "--discard", "a test")
    assert (code, text) == (0, "2 dead letters given up\n")
    assert list(states(capsys)) == [letters[1]]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "--list shows them, --id or --since chooses"),
        (("--since", EVER, "--discard", ""), "--discard takes a reason"),
        (("--list", "--discard", "x"), "cannot be combined with --list"),
        (("--discard", "x"), "--list shows them, --id or --since chooses"),
        (("--id", "00000000-0000-0000-0000-000000000000"), "no waiting dead letter has the id"),
    ],
)
def test_what_is_not_clear_is_refused_and_changes_nothing(
    letters: list[str], capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    code, text = said(capsys, *words)
    assert code == 1
    assert sentence in text
    assert set(states(capsys).values()) == {"waiting"}


def test_the_facts_of_a_service_are_replayed_by_time_alone(
    letters: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "sla"]) == 1
    assert main(["replay", "sla", "--since", LATER, "--list"]) == 1
    assert capsys.readouterr().err.count("takes --since and nothing else") == 2


def test_without_databases_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path))
    code, text = said(capsys, "--since", LATER)
    assert code == 1
    assert "there is no database" in text
    assert list(tmp_path.iterdir()) == []
