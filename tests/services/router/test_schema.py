"""The migrations make exactly the tables that the code declares, and the documents are whole."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from openapi_spec_validator import validate
from sqlalchemy import text

from services.router.tables import metadata
from shared.db import Read
from shared.db.migrate import pending, upgrade, version_table
from tests.services.router.desk import Desk


async def test_migrations_and_tables_agree(desk: Desk) -> None:
    def differences(tx: Read) -> list[Any]:
        options = {"version_table": version_table("router"), "compare_type": True}
        context = MigrationContext.configure(tx.connection, opts=options)
        return list(compare_metadata(context, metadata))

    assert await desk.service.database.read(differences) == []
    assert await pending(desk.service.database, "router") is None


async def test_migrating_again_changes_nothing(desk: Desk) -> None:
    await desk.new_todo()
    await upgrade(desk.service.database, "router")
    assert len((await desk.get("/todos"))["items"]) == 1


async def test_the_outbox_is_vacuumed_early_on_postgresql(desk: Desk) -> None:
    def options(tx: Read) -> list[str]:
        query = text("SELECT reloptions FROM pg_class WHERE relname = 'outbox'")
        return list(tx.execute(query).scalar_one())

    if desk.service.database.dialect == "postgresql":
        found = await desk.service.database.read(options)
        assert "autovacuum_vacuum_scale_factor=0.01" in found


async def test_the_openapi_document_is_valid_and_has_examples(desk: Desk) -> None:
    document = (await desk.http.get("/router/openapi.json")).json()
    validate(document)
    for path in ("claim", "release", "complete", "reroute", "dismiss", "reopen"):
        operation = document["paths"][f"/router/v1/todos/{{todo_id}}/{path}"]["post"]
        assert operation["summary"]
        assert {"200", "404", "409", "422"} <= set(operation["responses"])
