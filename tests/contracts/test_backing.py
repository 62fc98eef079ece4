"""What the tests run on: a PostgreSQL that keeps its promises; what is missing is said loudly."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import pytest

from shared.db import open_database
from shared.db.migrate import pending, upgrade
from tests.support.postgres import Postgres, wheel_programs
from tests.support.processes import scratch
from tests.support.scratch_space import scratch_space

PROJECT = Path(__file__).parents[2]


async def test_a_database_is_empty_and_durable(postgres_database: str) -> None:
    connection = await asyncpg.connect(postgres_database)
    try:
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert await connection.fetchval(tables) == 0
    finally:
        await connection.close()


async def test_a_killed_server_comes_back_with_what_was_committed(postgres_url: str) -> None:
    with scratch("postgres-killed") as folder:
        server = Postgres(folder.path)
        try:
            await asyncio.to_thread(server.start)
            await _execute(server.url, "CREATE TABLE kept AS SELECT 1")
            await asyncio.to_thread(server.kill)
            with pytest.raises(OSError, match="Connect"):
                await _execute(server.url, "SELECT 1")
            await asyncio.to_thread(server.start)
            await _execute(server.url, "SELECT * FROM kept")
        finally:
            await asyncio.to_thread(server.kill)


async def test_the_wheel_brings_a_whole_server() -> None:
    with scratch("postgres-wheel") as folder:
        server = Postgres(folder.path, programs=wheel_programs())
        await asyncio.to_thread(server.start)
        database = open_database(server.url)
        try:
            await database.start()
            await upgrade(database, "intake")
            assert await pending(database, "intake") is None
        finally:
            await database.stop()
            await asyncio.to_thread(server.kill)


@pytest.mark.parametrize(
    ("ci", "words", "code"), [("", ["-p", "xdist", "-n", "1"], 0), ("true", [], 1)]
)
def test_what_was_not_tested_is_the_last_line(
    tmp_path: Path, ci: str, words: list[str], code: int
) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(_NEEDS_WHAT_IS_NOWHERE)
    # Without the other plugins, which take longer than everything else here.
    variables = {"PYTHONPATH": str(PROJECT), "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.not_tested", *words, str(file)],
        cwd=tmp_path,
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last == "!!! 3 NOT TESTED: 2 for want of Kafka: none here; 1 for want of nowhere"


_NEEDS_WHAT_IS_NOWHERE = """
import pytest
from tests.support.processes import MissingBackingError, needs

@pytest.fixture(scope="session")
def broker():
    raise MissingBackingError("Kafka: none here")

def test_one(broker): pass
def test_another(broker): pass
def test_a_program(): needs("sh", "nowhere")
def test_what_runs(): assert True
"""


def test_nothing_is_left_of_a_scratch_folder() -> None:
    with scratch("short") as folder:
        (folder.path / "file").touch()
    assert not Path(folder.path).exists()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def test_data_are_kept_in_memory_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    usual = Path(tempfile.gettempdir())
    executable = not os.statvfs(tmp_path).f_flag & os.ST_NOEXEC
    assert scratch_space(tmp_path, needed=1) == (tmp_path if executable else usual)
    assert scratch_space(tmp_path, needed=2**62) == usual
    assert scratch_space(tmp_path / "nowhere", needed=1) == usual
    monkeypatch.setenv("TMPDIR", str(usual))
    assert scratch_space(tmp_path, needed=1) == usual
