"""`inbound-desk router ...` on a file: train, list, go back, export and import."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert

from services.cli.main import main
from services.router.learning.domain.labels import Source
from services.router.tables import labels, messages, todos
from shared.db import Write, open_database
from shared.runtime.ids import new_id
from tests.services.router.conftest import NOON
from tests.services.router.learning_desk import alternating


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "var"))
    assert main(["migrate"]) == 0
    return tmp_path


def _label(tx: Write, count: int) -> None:
    for text, desk in alternating(count):
        inquiry = new_id()
        tx.execute(insert(todos).values(_todo(inquiry, desk)))
        words = {"message_id": new_id(), "received_at": NOON, "content": {"text": text}}
        tx.execute(insert(messages).values(inquiry_id=inquiry, **words))
        said = {"kind": "general", "desk": desk, "source": Source.MOVED.value, "weight": 1.0}
        tx.execute(insert(labels).values(inquiry_id=inquiry, received_at=NOON, at=NOON, **said))


def _todo(inquiry: UUID, desk: str) -> dict[str, object]:
    return {
        "id": new_id(), "inquiry_id": inquiry, "conversation_id": new_id(), "channel": "email",
        "desk": desk, "state": "open", "first_desk": "review", "kind": "unsure", "confidence": 0.0,
        "reasons": [], "received_at": NOON, "created_at": NOON, "due_at": NOON, "message_count": 1,
        "latest_message_id": new_id(),
    }  # fmt: skip


async def _labelled(folder: Path) -> None:
    database = open_database(f"sqlite:///{folder}/var/router.sqlite")
    await database.start()
    await database.write(_label, 40)
    await database.stop()


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Without what is logged beside it here, where nobody has set the level."""
    lines = capsys.readouterr().out.splitlines()
    return "\n".join(line for line in lines if "[info " not in line and "[warning " not in line)


def test_train_list_go_back_export_import(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys)
    assert main(["router", "train"]) == 1
    assert said(capsys).startswith("nothing was trained: too few labels")
    assert main(["router", "export", str(folder / "none")]) == 1
    assert "there is no current version" in capsys.readouterr().err

    asyncio.run(_labelled(folder))
    assert main(["router", "train"]) == 0
    assert "promoted: not worse than the lexicon" in said(capsys)
    assert main(["router", "models"]) == 0
    (line,) = said(capsys).splitlines()
    assert line.split()[:2] == ["1", "current"]
    assert "80 labels  macro-F1 " in line

    assert main(["router", "export", str(folder / "one.model")]) == 0
    assert said(capsys).startswith("version 1 is in ")
    assert main(["router", "import", str(folder / "one.model")]) == 0
    assert said(capsys).startswith("it is version 2 and only watches")
    assert main(["router", "rollback", "2"]) == 0
    assert said(capsys).startswith("version 2 decides")
    assert main(["router", "rollback"]) == 0
    assert said(capsys).startswith("version 1 decides")
    assert main(["router", "rollback", "0"]) == 0
    assert said(capsys).startswith("the lexicon alone decides")
    assert main(["router", "models"]) == 0
    assert said(capsys).splitlines()[-1].startswith("the lexicon alone decides")

    (folder / "bad").write_bytes(b"pickle")
    assert main(["router", "import", str(folder / "bad")]) == 1
    assert "it is no model for this program" in capsys.readouterr().err
    assert main(["router", "import", str(folder / "one.model"), "7"]) == 0
    assert said(capsys).startswith("it is version 7 and only watches")
    assert main(["router", "import", str(folder / "one.model"), "2"]) == 1
    assert "there is a version 7 already" in capsys.readouterr().err
    assert main(["router", "rollback", "9"]) == 1
    assert "there is no version 9" in capsys.readouterr().err
    # A file that is there is not written over.
    assert main(["router", "export", str(folder / "bad"), "1"]) == 1
