"""Files that come with messages: kept once, handed out as downloads, gone with their message."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from services.intake.connectors.items import File, Item, NewMessage
from services.intake.connectors.port import Reading
from services.intake.connectors.standard_webhooks import CONNECTOR
from services.intake.files import store
from services.intake.files.domain import File as KeptFile
from services.intake.files.worker import WAITS_FOR_ITS_MESSAGE, sweep
from services.intake.tables import files
from services.intake.worker import Gone, remove_once
from shared.runtime.ids import new_id
from tests.services.intake.desk import ANNA, Desk, message, opened, problem
from tests.support.clock import ManualClock

MIB = 1 << 20
TEXT = b"Guten Tag"
DAY = timedelta(days=1)


def _read(raw: Any, reading: Reading) -> Item:
    brought = raw.pop("files", ())
    item = CONNECTOR.read(raw, reading)
    if not isinstance(item, NewMessage):
        return item
    received = tuple(File(_content(each), each.get("name"), each.get("type")) for each in brought)
    return replace(item, message=replace(item.message, files=received))


def _content(said: dict[str, Any]) -> bytes:
    """As much as it says, so that a small body brings large files."""
    return base64.b64decode(said["content"]) * int(said.get("times", 1))


WITH_FILES = replace(CONNECTOR, name="with_files", read=_read)


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    """Whose facebook brings files, of which each may have 1 MiB, and all of a message 2."""
    limits = {"file_mib": 1, "files_mib": 2}
    async with opened(database_url, tmp_path, clock, connector=WITH_FILES, intake=limits) as desk:
        yield desk


def file(content: bytes, name: str | None = "a.txt", type_: str = "text/plain") -> dict[str, Any]:
    return {"content": base64.b64encode(content).decode(), "name": name, "type": type_}


async def attached(desk: Desk, inquiry_id: str) -> list[dict[str, Any]]:
    (shown,) = (await desk.detail(inquiry_id))["messages"]
    found: list[dict[str, Any]] = shown["attachments"]
    return found


async def download(desk: Desk, url: str, method: str = "GET", **headers: str) -> httpx.Response:
    return await desk.http.request(
        method, url, headers={"authorization": f"Bearer {ANNA}", **headers}
    )


async def kept(desk: Desk) -> int:
    query = select(func.count()).select_from(files)
    return await desk.service.database.read(lambda tx: int(tx.execute(query).scalar_one()))


async def test_a_file_is_downloaded_as_it_came(desk: Desk) -> None:
    said = message(files=[file(TEXT, "../Übersicht.html", "text/html; x=y")])
    (inquiry_id,) = await desk.accepted(said)
    (shown,) = await attached(desk, inquiry_id)
    digest = sha256(TEXT).hexdigest()
    assert {name: shown[name] for name in ("name", "type", "size", "sha256")} == {
        "name": "Übersicht.html", "type": "text/html", "size": len(TEXT), "sha256": digest,
    }  # fmt: skip
    answer = await download(desk, shown["url"])
    assert (answer.status_code, answer.content) == (200, TEXT)
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''%C3%9Cbersicht.html" in answer.headers["content-disposition"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].endswith("; sandbox")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["etag"] == f'"{digest}"'

    unchanged = await download(desk, shown["url"], **{"if-none-match": f'W/"x", "{digest}"'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    other = await download(desk, shown["url"], **{"if-none-match": '"x"'})
    assert other.status_code == 200
    head = await download(desk, shown["url"], "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(TEXT))


async def test_nobody_else_gets_it(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(files=[file(TEXT)]))
    (other,) = await desk.accepted(message())
    url = (await attached(desk, inquiry_id))[0]["url"]
    assert (await desk.http.get(url)).status_code == 401
    for wrong in (
        url.replace("/files/0", "/files/1"),
        url.replace(inquiry_id, other),
        url.replace(inquiry_id, str(new_id())),
    ):
        problem(await download(desk, wrong), 404, "unknown-file")
    problem(await download(desk, url.replace("/files/0", "/files/-1")), 422, "invalid-request")


async def test_a_message_of_files_alone_is_one(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(text=..., files=[file(b"", None)]))
    (shown,) = await attached(desk, inquiry_id)
    assert (shown["name"], shown["size"]) == ("file", 0)
    assert (await download(desk, shown["url"])).content == b""


async def test_what_is_too_large_costs_itself_alone(desk: Desk) -> None:
    sizes = (MIB, MIB + 1, MIB, 1)
    said = message(files=[{**file(b"x"), "times": size} for size in sizes])
    (inquiry_id,) = await desk.accepted(said)
    shown = await attached(desk, inquiry_id)
    assert [each.get("omitted") for each in shown] == [None, "too large", None, "too large"]
    assert ["url" in each for each in shown] == [True, False, True, False]
    assert await kept(desk) == 2


async def test_a_repeat_writes_nothing_and_changes_nothing(desk: Desk) -> None:
    said = message(files=[file(TEXT)])
    (inquiry_id,) = await desk.accepted(said)
    again = {**said, "files": [file(b"other"), file(b"more")]}
    assert (await desk.deliver(again)).json()["duplicate"] == 1
    assert await kept(desk) == 1
    url = (await attached(desk, inquiry_id))[0]["url"]
    assert (await download(desk, url)).content == TEXT


async def test_an_interrupted_delivery_leaves_nothing_for_ever(
    desk: Desk, clock: ManualClock
) -> None:
    said = message(files=[file(TEXT)])
    digest = sha256(b"left").hexdigest()
    left = [KeptFile(place, "a", "text/plain", digest, None, b"left") for place in range(2)]
    await desk.service.database.write(
        store.keep, left, channel="facebook", external_id=said["id"], now=clock.now()
    )
    await desk.service.database.write(
        store.keep, left, channel="facebook", external_id="never", now=clock.now()
    )
    (inquiry_id,) = await desk.accepted(said)
    url = (await attached(desk, inquiry_id))[0]["url"]
    assert (await download(desk, url)).content == TEXT
    assert await kept(desk) == 3
    clock.advance(WAITS_FOR_ITS_MESSAGE - timedelta(seconds=1))
    assert await swept(desk) == 0
    clock.advance(timedelta(seconds=2))
    assert await swept(desk) == 2
    assert (await download(desk, url)).content == TEXT


async def swept(desk: Desk) -> int:
    """How many one turn of the loop has removed."""
    before = await kept(desk)
    stop = asyncio.Event()
    turn = asyncio.create_task(sweep(desk.service.database, desk.clock)(stop))
    await asyncio.sleep(0)
    stop.set()
    await turn
    return before - await kept(desk)


async def test_files_go_with_their_message(desk: Desk, clock: ManualClock) -> None:
    (inquiry_id,) = await desk.accepted(message(files=[file(TEXT)]))
    (other,) = await desk.accepted(message(files=[file(TEXT)]))
    urls = [(await attached(desk, each))[0]["url"] for each in (inquiry_id, other)]
    answer = {"kind": "answer", "text": "Gern."}
    assert (await desk.post(f"/inquiries/{inquiry_id}/replies", answer)).status_code == 201
    clock.advance(31 * DAY)
    gone, now = Gone(), clock.now()
    await remove_once(
        desk.service.database, before=now - 30 * DAY, now=now, gone=gone, stop=asyncio.Event()
    )
    assert gone.messages == 2
    problem(await download(desk, urls[0]), 404, "unknown-file")
    assert (await download(desk, urls[1])).content == TEXT
