"""Schema changes: one Alembic line per service, run by `inbound-desk migrate` and by tests.

A service never changes its schema by itself when several run side by side; it only looks whether
its database is current, and waits.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from shared.db.database import Database, Read, Reader
from shared.errors import ConflictError, UnavailableError

_VERSION = "_version"


def _config(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", f"services.{service}:migrations")
    config.set_main_option("path_separator", "os")
    return config


def version_table(service: str) -> str:
    return f"{service}{_VERSION}"


async def upgrade(database: Database, service: str, *, revision: str = "head") -> None:
    """Bring the schema to `revision`. Safe to run from several processes at once.

    Raises ConflictError when another service's tables are there.
    """
    await database.migration(lambda connection: _upgrade(connection, service, revision))


def _upgrade(connection: Connection, service: str, revision: str) -> None:
    owner = _other_owner(connection, service)
    if owner is not None:
        raise ConflictError("database-taken", _taken(service, owner))
    config = _config(service)
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def require_current(database: Reader, service: str) -> None:
    """For a command that needs the tables. Raises UnavailableError that says what to do."""
    reason = await pending(database, service)
    if reason is not None:
        raise UnavailableError("not-accepting", reason)


async def pending(database: Reader, service: str) -> str | None:
    """None when the schema is current, else a sentence that says what to do."""
    found = await database.read(_revision, service)
    wanted = _head(service)
    if found == wanted:
        return None
    owner = await database.read(lambda tx: _other_owner(tx.connection, service))
    if owner is not None:
        return _taken(service, owner)
    return (
        f"the {service} database is at revision {found or 'none'}, this version needs {wanted}; "
        "run `inbound-desk migrate`"
    )


def _other_owner(connection: Connection, service: str) -> str | None:
    """Another service whose tables are in this database."""
    versions = [name for name in inspect(connection).get_table_names() if name.endswith(_VERSION)]
    others = sorted(set(versions) - {version_table(service)})
    return others[0].removesuffix(_VERSION) if others else None


def _taken(service: str, owner: str) -> str:
    return (
        f"the {service} database belongs to the service {owner}: each service needs one of its own;"
        f" set DESK_{service.upper()}_DATABASE_URL to another"
    )


@cache
def _head(service: str) -> str | None:
    # Readiness asks again and again; the scripts of a running process do not change.
    return ScriptDirectory.from_config(_config(service)).get_current_head()


def _revision(tx: Read, service: str) -> str | None:
    context = MigrationContext.configure(
        tx.connection, opts={"version_table": version_table(service)}
    )
    return context.get_current_revision()


def run_in_environment(context: Any, service: str, metadata: Any) -> None:
    """What each service's `migrations/env.py` does."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=version_table(service),
        render_as_batch=True,
        compare_type=True,
    )
    context.run_migrations()
