"""Loads what is kept here into databases of its own, and brings them up to date."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import asyncpg
from sqlalchemy import inspect, select, text

from shared.db import Database, Read, open_database
from shared.db.migrate import pending, upgrade
from shared.messaging.outbox import OUTBOX
from tests.support.postgres import fresh_database

HERE = Path(__file__).parent
SERVICES = ("intake", "router", "sla")

Said = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Filled:
    """Databases of before, up to date now. `rows` and `waiting` were seen before that: how many
    there were in each table, and the ids in the outbox that nobody had published yet.
    """

    engine: str
    urls: Mapping[str, str]
    rows: Mapping[str, Mapping[str, int]]
    waiting: Mapping[str, Sequence[UUID]]

    def said(self, service: str) -> list[Said]:
        """What the desk of before answered last, by path."""
        lines = (HERE / self.engine / f"{service}.jsonl").read_text().splitlines()
        return [(each["path"], each["body"]) for each in map(json.loads, lines)]

    @property
    def now(self) -> datetime:
        """The moment of those answers in which time matters."""
        [report] = [path for path, _ in self.said("sla") if "/reports/" in path]
        return datetime.fromisoformat(dict(parse_qsl(urlsplit(report).query))["to"])


@asynccontextmanager
async def loaded(engine: str, place: Path | str) -> AsyncIterator[Filled]:
    """`place` is a folder for SQLite, the URL of a server for PostgreSQL."""
    urls: dict[str, str] = {}
    rows: dict[str, Mapping[str, int]] = {}
    waiting: dict[str, Sequence[UUID]] = {}
    async with AsyncExitStack() as stack:
        for service in SERVICES:
            dump = (HERE / engine / f"{service}.sql").read_text()
            if isinstance(place, Path):
                urls[service] = _load_file(place / f"{service}.sqlite", dump)
            else:
                urls[service] = await stack.enter_async_context(fresh_database(place))
                await _load_database(urls[service], dump)
            async with opened(urls[service]) as database:
                rows[service] = await database.read(counted)
                waiting[service] = await database.read(_waiting)
                said = await pending(database, service)
                assert said is not None, f"the {service} database has no migration to do"
                await upgrade(database, service)
        yield Filled(engine, urls, rows, waiting)


def _load_file(path: Path, dump: str) -> str:
    connection = sqlite3.connect(path)
    connection.executescript(dump)
    connection.close()
    return f"sqlite:///{path}"


async def _load_database(url: str, dump: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(dump)
    finally:
        await connection.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = open_database(url, pool_size=2)
    await database.start()
    try:
        yield database
    finally:
        await database.stop()


def counted(tx: Read) -> dict[str, int]:
    names = inspect(tx.connection).get_table_names()
    return {
        name: tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608 - ours
        for name in names
        if not name.endswith("_version")
    }


def _waiting(tx: Read) -> list[UUID]:
    query = select(OUTBOX.c.id).where(OUTBOX.c.published_at.is_(None)).order_by(OUTBOX.c.seq)
    return list(tx.execute(query).scalars())
