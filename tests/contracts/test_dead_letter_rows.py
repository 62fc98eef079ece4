"""Dead letters on both databases: what a hostile record holds, and two instances at one letter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.bus.port import Partition, Received
from shared.db import Database, Write, open_database
from shared.db.types import new_metadata
from shared.messaging import dead_letters

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_metadata = new_metadata()
dead_letters.dead_letters_table(_metadata)
HOSTILE = Received(
    Partition("t", 7),
    2**40,
    "\0" + "k" * 5_000 + "\ufffd\U0001f98a",
    bytes(range(256)) * 4_000,
    (("\0name", b"\xff\x00"), ("ce_type", b"a\r\nb\x00"), ("ce_type", b"twice")),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'x.sqlite'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = open_database(url)
    await database.start()
    await database.migration(_metadata.create_all)
    yield database
    await database.stop()


async def test_every_record_can_be_kept_and_comes_back_whole(database: Database) -> None:
    reason = "bad \0 words\n" * 1_000
    for _ in range(2):
        kept = await database.write(
            dead_letters.keep, HOSTILE, consumer="test", reason=reason, now=NOW
        )
    (head,) = await database.read(dead_letters.heads, since=NOW, limit=9, after=None)
    assert (head.id, head.attempts, head.headers) == (kept, 2, HOSTILE.headers)
    assert await database.read(dead_letters.heads, limit=9, after=kept) == []
    assert await database.write(dead_letters.ask, [kept]) == 1
    assert await database.read(dead_letters.next_asked, ["test"]) == kept
    assert await database.read(dead_letters.next_asked, ["other"]) is None
    assert await database.write(dead_letters.take, kept) == ("test", HOSTILE)


async def test_of_two_instances_one_has_the_letter(database: Database) -> None:
    kept = await database.write(dead_letters.keep, HOSTILE, consumer="test", reason="r", now=NOW)
    await database.write(dead_letters.ask, [kept])

    def work_off(tx: Write) -> bool:
        taken = dead_letters.take(tx, kept)
        if taken is None:
            return False
        dead_letters.settle(tx, [kept], state=dead_letters.State.HANDLED, now=NOW)
        return True

    assert sorted(await asyncio.gather(*(database.write(work_off) for _ in range(4)))) == [
        False, False, False, True,
    ]  # fmt: skip
