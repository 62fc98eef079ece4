"""What is in a desk's databases: the accepted messages, and the work that still waits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_MOST = {
    "messages": "SELECT count(*) FROM messages",
    "inquiries": "SELECT count(*) FROM inquiries",
    "todos": "SELECT count(*) FROM todos",
    "deadlines": "SELECT count(*) FROM deadlines WHERE state <> 'awaited'",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """`waiting`: facts that are not published, and inquiries without ToDo or clock."""

    stored: int
    waiting: int
    todos: int = 0


def sqlite_rows(folder: Path) -> Counted:
    def ask(service: str, query: str) -> int:
        file = f"file:{folder / service}.sqlite?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=30)) as connection:
            return int(connection.execute(query).fetchone()[0])

    return _count(ask, ("intake", "router", "sla"))


def postgres_rows(urls: Mapping[str, str]) -> Counted:
    """Of the services that run."""

    def ask(service: str, query: str) -> int:
        return int(asyncio.run(_value(urls[service], query)))

    return _count(ask, tuple(urls))


async def _value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _count(ask: Callable[[str, str], int], services: tuple[str, ...]) -> Counted:
    stored = ask("intake", _MOST["messages"])
    waiting = sum(ask(service, _UNPUBLISHED) for service in services)
    todos = 0
    if "router" in services:
        inquiries = ask("intake", _MOST["inquiries"])
        todos = ask("router", _MOST["todos"])
        waiting += inquiries - todos
    if "sla" in services:
        waiting += ask("intake", _MOST["inquiries"]) - ask("sla", _MOST["deadlines"])
    return Counted(stored, waiting, todos)
