"""Schema changes: one Alembic line per service, run by `inbound-desk migrate` and by tests.

A service never changes its schema by itself when several run side by side; it only looks whether
its database fits, and waits. Each migration names in `oldest_program` the oldest program that works
with the schema it leaves, by the newest migration which that program has; the database keeps that,
so that an older program knows whether it may run on a newer schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, inspect

from shared.db.database import Database, Read, Reader
from shared.errors import ConflictError, UnavailableError

_VERSION = "_version"


class SchemaMismatchError(UnavailableError):
    """This program may not run on the schema; the detail says what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__("schema-mismatch", detail)


def _config(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", f"services.{service}:migrations")
    config.set_main_option("path_separator", "os")
    return config


def version_table(service: str) -> str:
    return f"{service}{_VERSION}"


async def upgrade(database: Database, service: str, *, revision: str = "head") -> None:
    """Bring the schema to `revision`; a newer one that allows this program stays as it is.

    Safe to run from several processes at once. Raises SchemaMismatchError, and ConflictError when
    another service's tables are there.
    """
    await database.migration(lambda connection: _upgrade(connection, service, revision))


def _upgrade(connection: Connection, service: str, revision: str) -> None:
    owner = _other_owner(connection, service)
    if owner is not None:
        raise ConflictError("database-taken", _taken(service, owner))
    found = _revision(connection, service)
    if _is_newer(found, service):
        refused = _refusal(connection, service, found)
        if refused is not None:
            raise SchemaMismatchError(refused)
        return
    config = _config(service)
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    _keep_oldest_program(connection, service)


def _keep_oldest_program(connection: Connection, service: str) -> None:
    """In the row of Alembic's version table, so that the two can never disagree."""
    allowed = oldest_program(service, _revision(connection, service))
    if not _has_oldest_program(connection, service):
        column = sa.Column("oldest_program", sa.String(32))
        operations = Operations(MigrationContext.configure(connection))
        operations.add_column(version_table(service), column)
    if _oldest_program(connection, service) != allowed:
        connection.execute(sa.update(_versions(service)).values(oldest_program=allowed))


async def require(database: Reader, service: str) -> None:
    """For a command beside the service. Raises SchemaMismatchError."""
    reason = await pending(database, service)
    if reason is not None:
        raise SchemaMismatchError(reason)


async def pending(database: Reader, service: str) -> str | None:
    """None when this program may run on the schema, else a sentence that says what to do."""
    return await database.read(_pending, service)


def _pending(tx: Read, service: str) -> str | None:
    found, wanted = _revision(tx.connection, service), _scripts(service)[-1].revision
    if found == wanted:
        return None
    if _is_newer(found, service):
        return _refusal(tx.connection, service, found)
    owner = _other_owner(tx.connection, service)
    if owner is not None:
        return _taken(service, owner)
    return (
        f"the {service} database is at revision {found or 'none'}, this version needs {wanted}; "
        "run `inbound-desk migrate`"
    )


def oldest_program(service: str, revision: str | None) -> str:
    """Of all migrations up to `revision` the one that asks for the most decides.

    A migration that does not say allows none before itself.
    """
    scripts = _scripts(service)
    known = [script.revision for script in scripts]
    until = known.index(revision) if revision in known else len(known) - 1
    wanted = [getattr(each.module, "oldest_program", each.revision) for each in scripts]
    return known[max(known.index(each) for each in wanted[: until + 1])]


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


def _refusal(connection: Connection, service: str, found: str | None) -> str | None:
    """Why this program may not run on that newer schema; None when it may."""
    known = [script.revision for script in _scripts(service)]
    allowed = _oldest_program(connection, service)
    if allowed in known:
        return None
    return (
        f"the {service} database is at revision {found}, of a newer program, and allows none "
        f"before revision {allowed or found}; this one has {known[-1]}. Start the newer program "
        "again, or put back a backup from before its migration"
    )


def _is_newer(found: str | None, service: str) -> bool:
    return found is not None and found not in {script.revision for script in _scripts(service)}


@cache
def _scripts(service: str) -> Sequence[Script]:
    """The service's migrations, oldest first."""
    # Readiness asks again and again; the scripts of a running process do not change.
    return list(ScriptDirectory.from_config(_config(service)).walk_revisions())[::-1]


def _revision(connection: Connection, service: str) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": version_table(service)})
    return context.get_current_revision()


def _oldest_program(connection: Connection, service: str) -> str | None:
    if not _has_oldest_program(connection, service):
        return None
    found: str | None = connection.scalar(sa.select(_versions(service).c.oldest_program))
    return found


def _has_oldest_program(connection: Connection, service: str) -> bool:
    columns = sa.inspect(connection).get_columns(version_table(service))
    return any(column["name"] == "oldest_program" for column in columns)


def _versions(service: str) -> sa.TableClause:
    return sa.table(version_table(service), sa.column("oldest_program", sa.String))


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
