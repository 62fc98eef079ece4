"""The migrations make exactly the tables that the code knows, on both databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Text, Uuid, insert, select, table, text
from sqlalchemy import column as col

from services.sla.deadlines.store import hand_overs
from services.sla.tables import deadlines, metadata
from shared.db import Database, Write, open_database
from shared.db.migrate import pending, upgrade, version_table
from shared.db.types import Utc
from tests.services.sla.desk import SlaBench
from tests.support.postgres import fresh_database


async def test_there_is_no_drift(bench: SlaBench) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(
            connection, opts={"version_table": version_table("sla"), "compare_type": True}
        )
        return list(compare_metadata(context, metadata))

    assert await bench.service.database.migration(differences) == []
    assert await pending(bench.service.database, "sla") is None


async def test_postgresql_cleans_up_after_a_storm_of_timers(bench: SlaBench) -> None:
    if bench.service.database.dialect == "sqlite":
        return
    options = await bench.service.database.read(
        lambda tx: tx.execute(
            text("SELECT reloptions FROM pg_class WHERE relname = 'deadlines'")
        ).scalar_one()
    )
    assert "autovacuum_vacuum_scale_factor=0" in options
    assert "autovacuum_analyze_threshold=10000" in options


WAITS = {"state": "running", "target": "first_answer", "due_at": "2026-03-03T09:00:00+00:00"}
SECOND = {"state": "running", "target": "hand_over", "due_at": "2026-03-02T12:00:00+00:00"}
BEFORE: dict[int, tuple[str | None, str | None]] = {
    1: (None, None),
    2: ("met", None),
    3: ("met_late", json.dumps({"hand_over": SECOND})),
    4: ("breached", json.dumps({"answer": WAITS, "hand_over": None})),
    5: (None, json.dumps({"answer": WAITS})),
}
"""By inquiry: how its hand-over stood in the answer's row, and what that row kept as said."""


@pytest.fixture
async def before(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A database as it was while the hand-over had its columns in the answer's row."""
    async with AsyncExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'sla.sqlite'}"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_url")
            url = await stack.enter_async_context(fresh_database(server))
        database = open_database(url)
        await database.start()
        stack.push_async_callback(database.stop)
        await upgrade(database, "sla", revision="0008")
        await database.write(_fill)
        yield database


def _fill(tx: Write) -> None:
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    names = ("hand_over_due_at", "hand_over_breached_at", "taken_over_at")
    old = table(
        "deadlines",
        *(col(name, Uuid()) for name in ("inquiry_id", "conversation_id")),
        *(col(name, Text()) for name in ("state", "hand_over_state", "said")),
        *(col(name, Utc()) for name in names),
    )
    for number, (state, said) in BEFORE.items():
        tx.execute(
            insert(old).values(
                inquiry_id=UUID(int=number),
                conversation_id=UUID(int=number),
                state="running",
                hand_over_state=state,
                said=said,
                hand_over_due_at=None if state is None else at,
                hand_over_breached_at=at if state in {"breached", "met_late"} else None,
                taken_over_at=at if state in {"met", "met_late"} else None,
            )
        )


@pytest.mark.parametrize("before", ["sqlite", "postgresql"], indirect=True)
async def test_hand_overs_and_what_waited_move_into_rows_of_their_own(before: Database) -> None:
    await upgrade(before, "sla")
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    second = await before.read(hand_overs.of, [UUID(int=number) for number in BEFORE])
    assert {
        key.int: (row.state, row.due_at, row.breached_at, row.taken_over_at)
        for key, row in second.items()
    } == {
        2: ("met", at, None, at),
        3: ("met_late", at, at, at),
        4: ("breached", at, at, None),
    }
    kept = {key.int: row.published for key, row in second.items()}
    assert {key: text and json.loads(text) for key, text in kept.items()} == {
        2: None,
        3: SECOND,
        4: None,
    }
    assert kept[4] == "null"  # nothing was published of it yet
    wanted = select(deadlines.c.inquiry_id, deadlines.c.published)
    rows = await before.read(lambda tx: tx.execute(wanted).all())
    said = {inquiry_id.int: text for inquiry_id, text in rows}
    waits = {key: json.loads(text) for key, text in said.items() if text is not None}
    assert waits == {4: WAITS, 5: WAITS}
