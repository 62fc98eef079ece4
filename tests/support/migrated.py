"""Databases with a service's tables. A schema is migrated once, then copied: that costs less."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.db import open_database
from shared.db.migrate import upgrade
from tests.support.postgres import fresh_database


@dataclass(frozen=True, slots=True)
class MigratedFiles:
    """SQLite; `folder` keeps the files that are copied."""

    folder: Path

    async def copy(self, service: str, path: Path) -> str:
        """The URL of a database with the service's tables, made at `path`."""
        template = self.folder / f"{service}.sqlite"
        if not template.exists():
            await _migrate(f"sqlite:///{template}", service)
        return f"sqlite:///{shutil.copy(template, path)}"


@dataclass(frozen=True, slots=True)
class MigratedDatabases:
    """PostgreSQL; the databases that are copied live as long as `stack`."""

    server: str
    stack: AsyncExitStack
    _templates: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def copy(self, service: str) -> AsyncIterator[str]:
        """The URL of a database with the service's tables, dropped at the end."""
        if service not in self._templates:
            url = await self.stack.enter_async_context(fresh_database(self.server))
            await _migrate(url, service)
            self._templates[service] = url.rpartition("/")[2]
        async with fresh_database(self.server, template=self._templates[service]) as url:
            yield url


async def _migrate(url: str, service: str) -> None:
    database = open_database(url)
    await database.start()
    await upgrade(database, service)
    await database.tidy()
    await database.stop()
