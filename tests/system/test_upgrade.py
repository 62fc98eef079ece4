"""A release is installed under load and put back: a wheel of this program beside a newer one, which
is the same with one more expansion in each service.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest
from sqlalchemy import select

from services.intake.tables import messages
from shared.messaging.outbox import OUTBOX
from tests.contracts.test_upgrades import revisions
from tests.support.processes import free_port
from tests.system.desk import (
    PROJECT,
    SERVICES,
    Caller,
    Desk,
    Instance,
    delivered,
    distributed,
    embedded,
)

EXPANSION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
oldest_program = "{allowed}"


def upgrade() -> None:
    op.add_column("{table}", sa.Column("more_{revision}", sa.Text(), nullable=True))
    op.create_table("more_{revision}", sa.Column("id", sa.Uuid(), primary_key=True))
"""
TABLES = {"intake": "messages", "router": "todos", "sla": "deadlines"}


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This program as its wheel brings it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    source, program = folder / "source", folder / "older"
    source.mkdir()
    for name in ("services", "shared"):
        shutil.copytree(PROJECT / name, source / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run(
        [sys.executable, *build, "--wheel-dir", str(folder), str(source)], check=True, cwd=folder
    )
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(program)
    return program


@pytest.fixture(scope="module")
def newer(older: Path) -> Path:
    return _with_one_more(older, "newer", step=1, allows_before=True)


def _with_one_more(program: Path, name: str, *, step: int, allows_before: bool) -> Path:
    """The program with a migration more; `step`: how many more than this program it has then."""
    made = shutil.copytree(program, program.with_name(name))
    for service in SERVICES:
        known = revisions(service)
        revision, before = (f"{int(known[-1]) + further:04}" for further in (step, step - 1))
        text = EXPANSION.format(
            revision=revision,
            before=before,
            allowed=known[-1] if allows_before else revision,
            table=TABLES[service],
        )
        versions = made / "services" / service / "migrations" / "versions"
        (versions / f"{revision}_one_more.py").write_text(text)
    return made


def _migrate(program: Path, desk: Desk) -> None:
    replace(desk, environment={**desk.environment, "PYTHONPATH": str(program)}).run("migrate")


def _install(program: Path, instance: Instance) -> None:
    instance.environment = {**instance.environment, "PYTHONPATH": str(program)}


async def test_one_process_goes_back(older: Path, newer: Path, tmp_path: Path) -> None:
    async with embedded(tmp_path) as desk:
        (only,) = desk.instances
        _install(older, only)
        await _works(desk, "before")
        await asyncio.to_thread(_migrate, newer, desk)
        await _works(desk, "after")
        contracted = _with_one_more(newer, "contracted", step=2, allows_before=False)
        await asyncio.to_thread(_migrate, contracted, desk)
        only.log.unlink()
        assert await asyncio.to_thread(only.spawn().exit_code, seconds=60) == 1
        (line,) = only.log.read_text().splitlines()
        assert line.startswith("inbound-desk: the intake database is at revision ")
        assert "Start the newer program again, or put back a backup" in line


async def _works(desk: Desk, name: str) -> None:
    """From a message to its ToDo with a due time, then to a clean end."""
    (only,) = desk.instances
    await asyncio.to_thread(desk.start)
    async with Caller(desk) as caller:
        answer = await caller.webhook("facebook", _message(name))
        (inquiry,) = answer.json()["inquiries"]
        await caller.todo_of(inquiry, lambda todo: todo["due_at"] is not None)
    assert await asyncio.to_thread(only.end, signal.SIGTERM, seconds=20) == 0
    assert "Traceback" not in only.log.read_text()


async def test_a_release_under_load_and_back(
    older: Path, newer: Path, postgres_url: str, tmp_path: Path
) -> None:
    nowhere = f"127.0.0.1:{free_port()}"  # the bus is away all the time: the outbox keeps the facts
    async with distributed(tmp_path, postgres=postgres_url, kafka=nowhere) as desk:
        first, second = desk.parts["intake"]
        for each in (first, second):
            await _replace(each, older)
        async with Caller(desk) as caller, _load(caller) as load:
            await load.goes_on()
            await asyncio.to_thread(_migrate, newer, desk)
            await load.goes_on()
            for each, program in ((first, newer), (second, newer), (first, older)):
                await _replace(each, program)
                await load.goes_on()
        assert set(load.statuses) <= {202, 503}, "nothing but a wait for a connection"
        await _all_there_once(desk, load)


async def _replace(instance: Instance, program: Path) -> None:
    if instance.process is not None:
        assert await asyncio.to_thread(instance.end, signal.SIGTERM, seconds=20) == 0
    _install(program, instance)
    await asyncio.to_thread(instance.start)
    ready = await asyncio.to_thread(instance.health, "ready")
    assert ready is not None
    assert ready["checks"]["migrations"] == {"status": "ok"}


async def _all_there_once(desk: Desk, load: Load) -> None:
    query = select(messages.c.external_id)
    rows = await desk.read("intake", lambda tx: tx.rows(query))
    assert Counter(row["external_id"] for row in rows) == Counter(load.accepted)
    told = select(OUTBOX.c.id).where(OUTBOX.c.type == "inquiry.received")
    assert len(await desk.read("intake", lambda tx: tx.rows(told))) == len(load.accepted)


@dataclass(slots=True)
class Load:
    """What was sent, until the desk took it, and each answer on the way."""

    caller: Caller
    accepted: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    taken: asyncio.Condition = field(default_factory=asyncio.Condition)
    stop: bool = False

    async def send(self, sender: int) -> None:
        number = 0
        while not self.stop:
            number += 1
            name = f"{sender}-{number}"

            async def once(name: str = name) -> httpx.Response:
                answer = await self.caller.webhook("facebook", _message(name))
                self.statuses[answer.status_code] += 1
                return answer

            await delivered(once)
            async with self.taken:
                self.accepted.append(name)
                self.taken.notify_all()
            await asyncio.sleep(0.02)

    async def goes_on(self) -> None:
        """Returns when the desk has taken many more."""
        wanted = len(self.accepted) + 20
        async with asyncio.timeout(60), self.taken:
            await self.taken.wait_for(lambda: len(self.accepted) >= wanted)


@asynccontextmanager
async def _load(caller: Caller) -> AsyncIterator[Load]:
    load = Load(caller)
    async with asyncio.TaskGroup() as senders:
        for sender in range(4):
            senders.create_task(load.send(sender))
        try:
            yield load
        finally:
            load.stop = True


def _message(name: str) -> dict[str, object]:
    return {"id": name, "author": {"id": f"of-{name}"}, "text": "Wann beginnt es?"}
