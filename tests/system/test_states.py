"""Databases that are read-only, away or without room: the desk says so, waits, and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.postgres import Postgres, fresh_database
from tests.support.processes import scratch
from tests.support.states import set_read_only
from tests.system.desk import SERVICES, Caller, Desk, Instance, delivered, embedded

WORDS = ("Wo bleibt mein Paket?", "Wann kommt die Lieferung?", "Frau Thaler", "Das ist geheim.")
WORK_SECONDS = 1.5
"""Long enough for every loop to try, and to try again."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A server that the test kills."""
    with scratch("states-postgres") as folder:
        server = Postgres(folder.path)
        server.start()
        yield server
        server.kill()
        folder.keep = bool(request.session.testsfailed)


@pytest.fixture
async def databases(server: Postgres) -> AsyncIterator[dict[str, str]]:
    """A database for each service."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(fresh_database(server.url)) for name in SERVICES
        }


async def test_postgres_read_only_and_killed(
    server: Postgres, databases: dict[str, str], tmp_path: Path
) -> None:
    urls = {f"DESK_{name.upper()}_DATABASE_URL": url for name, url in databases.items()}
    async with embedded(tmp_path, **urls) as desk, Caller(desk) as caller:
        desk.start()
        inquiry_id = await _whole_way(caller, "m-1")

        for url in databases.values():
            await set_read_only(url, read_only=True)
        await _nothing_is_taken(caller, inquiry_id)
        await _not_ready(_only(desk), "takes no writes")
        await asyncio.sleep(WORK_SECONDS)
        for url in databases.values():
            await set_read_only(url, read_only=False)
        await _whole_way(caller, "m-2")

        server.kill()
        await _nothing_is_taken(caller, inquiry_id)
        await _not_ready(_only(desk), "PostgreSQL does not answer")
        await asyncio.sleep(WORK_SECONDS)
        server.start()
        await _whole_way(caller, "m-3")
        _went_on(desk)

        todo = await caller.todo_of(inquiry_id)
        for name in ("router", "sla"):
            await _refuse_and_quote(databases[name])
        await _consumers_fail(desk, caller)
        claim = {"assignee": WORDS[2]}
        answer = await caller.call("POST", f"/router/v1/todos/{todo['id']}/claim", claim)
        assert answer.status_code == 500, answer.text
        await _refuse_and_quote(databases["intake"])
        await _everything_fails(caller, inquiry_id)
        _says_no_words(desk)


async def test_no_room_for_the_embedded_desk(tmp_path: Path) -> None:
    async with embedded(tmp_path) as desk, Caller(desk) as caller:
        desk.start()
        inquiry_id = await _whole_way(caller, "m-1")

        _room(desk, 0)
        await _nothing_is_taken(caller, inquiry_id)
        await _not_ready(_only(desk), "SQLite says")
        await asyncio.sleep(WORK_SECONDS)
        _room(desk, resource.RLIM_INFINITY)
        await _whole_way(caller, "m-2")
        _went_on(desk)

        for url in desk.databases.values():
            await asyncio.to_thread(_refuse, Path(url.removeprefix("sqlite:///")))
        await _everything_fails(caller, inquiry_id)
        _says_no_words(desk)


async def _whole_way(caller: Caller, message_id: str) -> str:
    """A message comes in, gets its ToDo, and that its due time: every service has written."""
    message = {
        "id": message_id,
        "thread_id": f"t-{message_id}",
        "author": {"id": "c-1", "name": WORDS[2]},
        "text": WORDS[0],
    }
    answer = await delivered(lambda: caller.webhook("facebook", message))
    (inquiry_id,) = answer.json()["inquiries"]
    await caller.todo_of(inquiry_id, lambda todo: todo["due_at"] is not None)
    return str(inquiry_id)


async def _nothing_is_taken(caller: Caller, inquiry_id: str) -> None:
    for answer in await _sent(caller, inquiry_id):
        _is_unavailable(answer)


async def _sent(caller: Caller, inquiry_id: str) -> list[httpx.Response]:
    """On each way in: by webhook, by REST, and what people do."""
    message = {"id": "refused", "author": {"id": "c-2", "name": WORDS[2]}, "text": WORDS[1]}
    inquiry = {"channel": "web_form", "author": {"email": "x@example.org"}, "text": WORDS[1]}
    return [
        await caller.webhook("facebook", message),
        await caller.call("POST", "/intake/v1/inquiries", inquiry, once="once"),
        await caller.call(
            "POST",
            f"/intake/v1/inquiries/{inquiry_id}/replies",
            {"kind": "answer", "text": WORDS[3], "author": WORDS[2]},
        ),
    ]


def _is_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"] == "urn:inbound-desk:problem:database-unavailable"
    assert int(answer.headers["retry-after"]) > 0


async def _not_ready(instance: Instance, reason: str) -> None:
    async with asyncio.timeout(15):
        while True:
            health: dict[str, Any] | None = await asyncio.to_thread(instance.health, "ready")
            if health is not None and health["status"] == "down":
                found = health["checks"]["intake.database"].get("reason", "")
                if reason in found:
                    return
            await asyncio.sleep(0.1)


def _only(desk: Desk) -> Instance:
    (instance,) = desk.instances
    assert instance.process is not None
    assert instance.process.running
    return instance


def _room(desk: Desk, size: int) -> None:
    """How far a file of the process may reach: no disk can be fuller than with none."""
    process = _only(desk).process
    assert process is not None
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _went_on(desk: Desk) -> None:
    """It is the same process all the time, and its log is short and says nobody's words."""
    log = _only(desk).log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    said = Counter(line["event"] for line in lines)
    assert "Traceback" not in log
    assert not [line for line in lines if line["level"] == "error"]
    assert said["database.unavailable"] <= 2 * len(SERVICES), said
    assert len(lines) < 40, said
    _says_no_words(desk)


QUOTE = """
CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'new row ' || NEW::text,
    DETAIL = 'Failing row contains ' || NEW::text;
END $$
"""
TRIGGER = "CREATE TRIGGER quote BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION quote()"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


async def _refuse_and_quote(url: str) -> None:
    """Every row that is written fails by its own fault, and the server's error quotes it."""
    connection = await asyncpg.connect(url)
    await connection.execute(QUOTE)
    for table in await connection.fetch(TABLES):
        await connection.execute(TRIGGER.format(table[0]))
    await connection.close()


def _refuse(path: Path) -> None:
    """The same on SQLite, whose errors quote nothing; SQLAlchemy's would name the parameters."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            if not table.startswith("sqlite_"):
                connection.execute(
                    f"CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table}"
                    " BEGIN SELECT RAISE(ABORT, 'no'); END"
                )


async def _consumers_fail(desk: Desk, caller: Caller) -> None:
    message = {"id": "m-4", "author": {"id": "c-1", "name": WORDS[2]}, "text": WORDS[0]}
    assert (await caller.webhook("facebook", message)).status_code == 202
    async with asyncio.timeout(20):
        while "consumer.batch_failed" not in _only(desk).log.read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _everything_fails(caller: Caller, inquiry_id: str) -> None:
    """Each request fails by a bug of ours, as far as anybody can tell."""
    for answer in await _sent(caller, inquiry_id):
        assert answer.status_code == 500, answer.text
        for words in WORDS:
            assert words not in answer.text


def _says_no_words(desk: Desk) -> None:
    log = _only(desk).log.read_text()
    for words in WORDS:
        assert words not in log
