"""The migrations make exactly the tables that the code knows, on both databases."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from services.sla.tables import metadata
from shared.db.migrate import pending, version_table
from tests.services.sla.desk import SlaBench


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
