"""The index of answered questions: bounded, rebuilt, kept by several at once, alike everywhere."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from services.router.similar import worker
from services.router.similar.domain.features import FORMAT
from services.router.similar.store import lookup
from services.router.similar.usecases import reindex
from services.router.similar.worker import Indexer, rebuild
from services.router.tables import postings, questions, similar_state
from shared.db import DatabaseUnavailableError, Read, Write
from shared.runtime.ids import new_id
from tests.services.router.desk import (
    Desk,
    opened,
)
from tests.services.router.similar_desk import (
    DEVELOPMENT,
    FORGOTTEN,
    INVOICE,
    LIKE_IT,
    answered,
    indexed,
    rows,
    similar,
    withdrawal,
)
from tests.support.clock import ManualClock


@pytest.mark.parametrize(
    "text",
    [
        "😀" * 1000,
        "x" * 100_000,
        "a b " * 25_000,
        "https://example.org/" + "a" * 90_000,
        "؟ ﷺ " * 99,
    ],
)
async def test_hostile_texts_are_bounded(desk: Desk, text: str) -> None:
    await answered(desk, text)
    todo = await desk.new_todo(text)
    found = await similar(desk, todo, limit=20)
    assert len(json.dumps(found)) < 20_000
    assert (await rows(desk))[1] <= 48


async def test_the_index_reads_a_bounded_part(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MOST_CANDIDATES", 3)
    given = [await answered(desk, f"{FORGOTTEN} Nummer {n}") for n in range(6)]
    found = await similar(desk, await desk.new_todo(LIKE_IT), limit=20)
    newest = [str(one.inquiry_id) for one, _ in given[:2:-1]]
    assert [each["inquiry_id"] for each in found] == newest
    refused = await desk.request("GET", f"/todos/{new_id()}/similar", params={"limit": 21})
    assert refused.status_code == 422


async def test_what_shares_most_is_compared_however_old_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MOST_CANDIDATES", 3)
    one, _ = await answered(desk)
    for number in range(6):
        await answered(desk, f"Wie ändere ich ein Passwort für Konto {number}?")
    found = await similar(desk, await desk.new_todo(FORGOTTEN), limit=20)
    assert found[0]["inquiry_id"] == str(one.inquiry_id)


async def test_of_what_many_share_the_newest_are_compared(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But where two words meet, the question that has both is found behind all of them."""
    monkeypatch.setattr(lookup, "MOST_POSTINGS", 2)
    one, _ = await answered(desk, "Der Drucker meldet Papierstau")
    for number in range(3):
        await answered(desk, f"Der Drucker ist zu laut, Gerät {number}")
        await answered(desk, f"Papierstau im Kopierer, Fach {number}")
    found = await similar(desk, await desk.new_todo("Papierstau im Drucker"), limit=20)
    assert found[0]["inquiry_id"] == str(one.inquiry_id)


async def test_a_reindex_brings_back_what_was_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PAGE", 2)
    for number in range(5):
        await answered(desk, f"{FORGOTTEN} {'und nochmal ' * number}")
    await indexed(desk)
    before = await rows(desk)

    def damage(tx: Write) -> None:
        tx.execute(postings.delete())
        tx.execute(questions.delete().where(questions.c.id % 2 == 0))
        tx.execute(update(similar_state).values(format=FORMAT + 1, counts=b"damaged"))

    database = desk.service.database
    await database.write(damage)
    health = await desk.service.ready()
    assert health.checks["similar"].status == "degraded"
    assert "reindex" in (health.checks["similar"].reason or "")
    todo = await desk.new_todo(LIKE_IT)
    assert await similar(desk, todo) == []
    assert await rebuild(database, desk.clock) == 6
    assert await rows(desk) == before
    assert len(await similar(desk, todo)) == 5


async def test_an_interrupted_reindex_goes_on_where_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PAGE", 2)
    for _ in range(5):
        await answered(desk)

    class StoppedError(Exception):
        pass

    def stop(count: int) -> None:
        if count == 4:
            raise StoppedError

    database = desk.service.database
    with pytest.raises(StoppedError):
        await rebuild(database, desk.clock, on_page=stop)
    assert await database.read(reindex.interrupted_at) is not None
    assert "interrupted" in str(await worker.problem(database))
    assert await rebuild(database, desk.clock) == 1
    assert await worker.problem(database) is None
    assert (await rows(desk))[0] == 5


async def test_two_workers_and_the_end_of_answers_at_once(
    postgres_copy: str, tmp_path: Path, clock: ManualClock
) -> None:
    """Whoever comes first: no key is left of a question that is none any more."""
    async with opened(postgres_copy, tmp_path / "desk", clock) as desk:
        given = [await answered(desk, f"{FORGOTTEN} {number}") for number in range(30)]
        stop, database = asyncio.Event(), desk.service.database
        workers = [Indexer(database, clock).work_off(stop, at_once=3) for _ in range(2)]
        taken_back = [desk.hears(withdrawal(one, answer, revision=1)) for one, answer in given[::2]]
        made = await asyncio.gather(*workers, *taken_back, rebuild(database, clock))
        await indexed(desk)

        def left(tx: Read) -> tuple[int, int]:
            alone = select(postings.c.key).where(
                postings.c.question_id.not_in(select(questions.c.id))
            )
            waiting = select(questions.c.id).where(questions.c.format != FORMAT)
            return len(tx.execute(alone).all()), len(tx.execute(waiting).all())

        assert await database.read(left) == (0, 0)
        assert (await rows(desk))[0] == 15
        assert made[-1] == 30
        assert len(await similar(desk, await desk.new_todo(LIKE_IT), limit=20)) == 15


async def test_statistics_are_counted_in_batches(desk: Desk) -> None:
    for number in range(25):
        await answered(desk, f"{INVOICE} {number}")
    await indexed(desk)

    def state(tx: Read) -> tuple[int, int]:
        row = tx.execute(select(similar_state.c.version, similar_state.c.questions)).one()
        return row.version, row.questions

    assert await desk.service.database.read(state) == (1, 120)


async def test_the_development_set_is_found_through_the_index(desk: Desk) -> None:
    """As the pure ranking finds it (tests/unit/router/test_similar.py), on both databases."""
    lines = [json.loads(line) for line in DEVELOPMENT.read_text(encoding="utf-8").splitlines()]
    told: dict[str, str] = {}
    for line in lines:
        one, _ = await answered(desk, line["stored"])
        told[line["stored"]] = str(one.inquiry_id)
    await indexed(desk)
    shown = hit = first = 0
    asked = [line for line in lines if "asked" in line]
    for line in asked:
        found = await similar(desk, await desk.new_todo(line["asked"]))
        ids = [each["inquiry_id"] for each in found]
        shown += bool(found)
        hit += told[line["stored"]] in ids
        first += ids[:1] == [told[line["stored"]]]
    assert hit >= 85, f"of {len(asked)} {hit} are among the first five that are shown"
    assert first >= 80
    assert shown - hit <= 15, "what is shown should have what was asked for in it"


async def test_both_databases_find_the_same(
    sqlite_copy: str, postgres_copy: str, tmp_path: Path, clock: ManualClock
) -> None:
    lines = [json.loads(line) for line in DEVELOPMENT.read_text(encoding="utf-8").splitlines()]
    found: list[list[Any]] = []
    for name, url in (("sqlite", sqlite_copy), ("postgresql", postgres_copy)):
        async with opened(url, tmp_path / name, clock) as desk:
            for line in lines[::4]:
                await answered(desk, line["stored"])
            asked = [await desk.new_todo(line["asked"]) for line in lines[:60:4]]
            pages = [await similar(desk, todo, limit=20) for todo in asked]
        shown = ("question", "similarity", "words")
        found.append([[[each[part] for part in shown] for each in page] for page in pages])
    assert found[0] == found[1]
    assert sum(map(len, found[0])) > 10


async def test_answers_are_shown_while_the_database_takes_no_writes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That somebody asked is not counted then."""
    one, _ = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)
    await indexed(desk)

    async def refuses(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailableError("it is read-only")

    monkeypatch.setattr(type(desk.service.database), "write", refuses)
    found = (await desk.get(f"/todos/{todo['id']}/similar"))["items"]
    assert [each["inquiry_id"] for each in found] == [str(one.inquiry_id)]
