"""Which program may run on which schema: an older one on a newer schema while only expansions lie
between, and never on one that took away what it reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from services.cli.main import main
from shared.db import Database, Write, open_database
from shared.db.migrate import SchemaMismatchError, oldest_program, pending, upgrade, version_table
from tests.architecture.source import ROOT, SERVICES
from tests.support.migrated import MigratedFiles

NEWER = "9999"


def migrations(service: str) -> list[Script]:
    """Of this program, oldest first."""
    config = Config()
    config.set_main_option("script_location", f"services.{service}:migrations")
    config.set_main_option("path_separator", "os")
    return list(ScriptDirectory.from_config(config).walk_revisions())[::-1]


def revisions(service: str) -> list[str]:
    return [each.revision for each in migrations(service)]


@pytest.fixture
async def database(tmp_path: Path, migrated_files: MigratedFiles) -> AsyncIterator[Database]:
    """A database of intake as this program leaves it."""
    database = open_database(await migrated_files.copy("intake", tmp_path / "intake.sqlite"))
    await database.start()
    yield database
    await database.stop()


def stored(allowed: str | None) -> Callable[[Write], None]:
    """As a newer program leaves it."""

    def verb(tx: Write) -> None:
        versions = sa.table(
            version_table("intake"), sa.column("version_num"), sa.column("oldest_program")
        )
        tx.execute(sa.update(versions).values(version_num=NEWER, oldest_program=allowed))

    return verb


async def test_a_newer_schema_that_allows_this_program(database: Database) -> None:
    for allowed in revisions("intake"):
        await database.write(stored(allowed))
        assert await pending(database, "intake") is None
        await upgrade(database, "intake")
        assert await database.read(lambda tx: tx.row(_ROW)) == {
            "version_num": NEWER,
            "oldest_program": allowed,
        }


@pytest.mark.parametrize("allowed", ["9998", None])
async def test_a_newer_schema_that_does_not(database: Database, allowed: str | None) -> None:
    await database.write(stored(allowed))
    said = await pending(database, "intake")
    assert said is not None
    assert f"is at revision {NEWER}" in said
    assert (
        f"none before revision {allowed or NEWER}; this one has {revisions('intake')[-1]}" in said
    )
    assert "Start the newer program again, or put back a backup" in said
    with pytest.raises(SchemaMismatchError) as refused:
        await upgrade(database, "intake")
    assert str(refused.value) == said
    assert "\n" not in said


@pytest.mark.parametrize(
    "words",
    [
        ["replay", "sla", "--since", "2026-11-24T08:00:00Z"],
        [
            *("sla", "simulate", "--policy", str(ROOT / "services" / "desk.toml")),
            *("--from", "2026-11-01", "--to", "2026-12-01"),
        ],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_command_on_a_database_without_tables(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path))
    (tmp_path / "sla.sqlite").touch()
    assert main(words) == 1
    assert capsys.readouterr().err == (
        "inbound-desk: the sla database is at revision none, this version needs "
        f"{revisions('sla')[-1]}; run `inbound-desk migrate`\n"
    )


async def test_a_schema_of_before_such_a_word_was_kept(database: Database) -> None:
    def without(tx: Write) -> None:
        table = version_table("intake")
        tx.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN oldest_program"))

    await database.write(without)
    assert await pending(database, "intake") is None
    await upgrade(database, "intake")
    row = await database.read(lambda tx: tx.row(_ROW))
    assert row is not None
    assert row["oldest_program"] == oldest_program("intake", row["version_num"])


@pytest.mark.parametrize("service", SERVICES)
def test_each_migration_says_which_programs_it_allows(service: str) -> None:
    known = revisions(service)
    for number, each in enumerate(migrations(service)):
        named = getattr(each.module, "oldest_program", None)
        assert named in known[: number + 1], (
            f"{each.path}: `oldest_program` is the last migration of the oldest program that works "
            f"here: {known[number - 1]} after an expansion, {each.revision} where only this can "
            "read it; see docs/decisions/additive-changes.md"
        )
    allowed = [known.index(oldest_program(service, revision)) for revision in known]
    assert allowed == sorted(allowed), "what a migration took away, a later expansion does not give"


_ROW = sa.select(sa.text("version_num, oldest_program")).select_from(
    sa.table(version_table("intake"))
)
