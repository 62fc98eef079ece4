"""From corrections to a model that decides alone, on both databases and with the real process."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from services.router.learning.store import models
from services.router.learning.store.models import State
from services.router.learning.usecases import versions
from services.router.tables import history, labels, messages, shadow_decisions
from services.router.tables import models as model_rows
from shared.db import Read, Write
from tests.services.router.desk import Desk, Inquiry
from tests.services.router.learning_desk import (
    alternating,
    corrected,
    runs,
    texts,
    train,
    trainer,
)

UNSEEN = "Die Flanschette fiept im Keller und wobbelt."


def _labels(tx: Read) -> list[dict[str, Any]]:
    return tx.rows(select(labels))


async def learned(desk: Desk, url: str, **more: Any) -> int:
    """A current version, taught by 40 corrections of each desk."""
    await corrected(desk, 40)
    await runs(desk, "labels")
    version = await train(desk, url, **more)
    assert version is not None
    await runs(desk, "models")
    return version


async def test_unsure_corrected_learned_decided_alone(desk: Desk, database_url: str) -> None:
    assert (await desk.new_todo(UNSEEN))["kind"] == "unsure"
    version = await learned(desk, database_url, own_process=True)
    todo = await desk.new_todo(UNSEEN)
    assert (todo["kind"], todo["desk"]) == ("technical", "technical")
    assert todo["decided_by"] == f"model:{version}"
    assert 0.9 < todo["confidence"] < 1
    heaviest = todo["reasons"][0]
    assert heaviest["rule"] == "learned_word"
    assert heaviest["weight"] > 0
    start, end = heaviest["span"]
    assert UNSEEN[start:end] == heaviest["word"]
    other = await desk.new_todo("Zur Feier wünschen wir uns Luftballons.")
    assert (other["kind"], other["desk"]) == ("general", "inbound")
    stored = (await desk.service.database.read(models.versions))[0]
    assert stored.state is State.CURRENT
    assert stored.metrics["promoted"]
    assert stored.metrics["candidate"]["macro_f1"] > 0.95


async def test_too_few_labels_teach_nothing(desk: Desk, database_url: str) -> None:
    await corrected(desk, 10)
    await runs(desk, "labels")
    assert await train(desk, database_url) is None
    assert await desk.service.database.read(models.versions) == []


async def test_it_is_trained_once_a_day(desk: Desk, database_url: str) -> None:
    first = await learned(desk, database_url)
    assert await train(desk, database_url) is None
    desk.clock.advance(timedelta(days=1, seconds=1))
    again = await train(desk, database_url)
    assert again == first + 1


async def test_a_version_that_cannot_be_used_is_said_aloud(desk: Desk, database_url: str) -> None:
    version = await learned(desk, database_url)
    assert (await desk.service.ready()).checks["model"].status == "ok"

    def spoil(tx: Write) -> None:
        data = models.data_of(tx, version)
        assert data is not None
        tx.execute(update(model_rows).values(version=version + 1, data=data[:-5]))

    await desk.service.database.write(spoil)
    await runs(desk, "models")
    todo = await desk.new_todo(UNSEEN)
    assert (todo["kind"], todo["decided_by"]) == ("unsure", "lexicon")
    metrics = (await desk.http.get("/router/metrics")).text
    assert "desk_router_models_unusable_total 1.0" in metrics
    assert "desk_router_model 0.0" in metrics


async def test_a_corrupt_current_version_degrades(desk: Desk, database_url: str) -> None:
    version = await learned(desk, database_url)
    spoilt = update(model_rows).values(version=version + 1, data=b"no model at all")
    await desk.service.database.write(_run, spoilt)
    await runs(desk, "models")
    health = await desk.service.ready()
    assert health.checks["model"].status == "degraded"
    assert "does not begin as a model does" in (health.checks["model"].reason or "")


async def test_going_back_and_forth(desk: Desk, database_url: str) -> None:
    first = await learned(desk, database_url)
    database, now = desk.service.database, desk.clock.now()
    assert await database.write(versions.go_back, None, now=now) == versions.LEXICON
    await runs(desk, "models")
    assert (await desk.new_todo(UNSEEN))["decided_by"] == "lexicon"

    # What was chosen by hand stays, until somebody trains by hand.
    desk.clock.advance(timedelta(days=2))
    second = await train(desk, database_url)
    assert second == first + 1
    assert await database.read(models.current) is None
    assert await database.write(versions.go_back, first, now=now) == first
    await runs(desk, "models")
    assert (await desk.new_todo(UNSEEN))["decided_by"] == f"model:{first}"
    by_hand = trainer(desk, database_url)
    third = await by_hand.train(by_hand.job, asyncio.Event(), by_hand=True)
    assert await database.read(models.current) == third == first + 2
    assert await database.write(versions.go_back, None, now=now) == first


async def test_what_comes_from_elsewhere_watches_first(desk: Desk, database_url: str) -> None:
    version = await learned(desk, database_url)
    database, now = desk.service.database, desk.clock.now()
    number, data = await database.read(versions.exported, None)
    assert number == version
    assert await database.write(versions.bring_in, data, now=now) == version + 1
    assert await database.read(models.current) == version
    with pytest.raises(versions.VersionError, match="sha256"):
        await database.write(versions.bring_in, data[:-1] + b"?", now=now)
    with pytest.raises(versions.VersionError, match="no version 99"):
        await database.write(versions.go_back, 99, now=now)


async def test_a_version_that_watches_is_counted_and_decides_nothing(
    desk: Desk, database_url: str
) -> None:
    await learned(desk, database_url)
    database, now = desk.service.database, desk.clock.now()
    await database.write(versions.go_back, versions.LEXICON, now=now)
    desk.clock.advance(timedelta(days=2))
    watching = await train(desk, database_url)
    await runs(desk, "models")
    todo = await desk.new_todo(UNSEEN)
    assert todo["decided_by"] == "lexicon"
    for _ in range(2):  # again is the same
        await runs(desk, "shadow")
    rows = await database.read(lambda tx: tx.rows(select(shadow_decisions)))
    assert len(rows) == 81
    mine = [row for row in rows if str(row["inquiry_id"]) == todo["inquiry_id"]]
    assert [(row["version"], row["kind"], row["desk"]) for row in mine] == [
        (watching, "technical", "technical")
    ]


async def test_words_that_were_removed_are_not_learned_from(desk: Desk, database_url: str) -> None:
    await corrected(desk, 40)
    await runs(desk, "labels")
    await desk.service.database.write(_run, update(messages).values(content=None))
    assert await train(desk, database_url) is None


async def test_labels_follow_what_people_do(desk: Desk) -> None:
    database = desk.service.database
    one = Inquiry(desk.clock.now())
    await desk.hears(one.received(texts("technical", 1)[0]))
    path = f"/todos/{(await desk.todo_of(one))['id']}"
    await runs(desk, "labels")
    assert await database.read(_labels) == []

    await desk.post(f"{path}/reroute", {"desk": "technical", "reason": "theirs"})
    await runs(desk, "labels")
    (label,) = await database.read(_labels)
    assert (label["kind"], label["desk"], label["source"]) == ("technical", "technical", "verdict")
    desk.clock.advance(timedelta(minutes=1))
    await desk.post(f"{path}/reroute", {"desk": "inbound", "reason": "no, theirs"})
    await runs(desk, "labels")
    (label,) = await database.read(_labels)
    assert (label["kind"], label["desk"], label["weight"]) == ("general", "inbound", 1.0)
    await desk.post(f"{path}/dismiss", {"reason": "spam"})
    await runs(desk, "labels")
    (label,) = await database.read(_labels)
    assert (label["kind"], label["desk"]) == ("spam", None)
    desk.clock.advance(timedelta(minutes=1))
    await desk.post(f"{path}/reopen", {"reason": "it was none"})
    await desk.post(f"{path}/reroute", {"desk": "review", "reason": "look again"})
    await runs(desk, "labels")
    assert await database.read(_labels) == []


async def test_a_verdict_that_dismissed_and_was_taken_back_moved_nothing(desk: Desk) -> None:
    database = desk.service.database
    todo = await desk.new_todo("Der Server ist abgestürzt.")
    path = f"/todos/{todo['id']}"
    said = {"verdict": "spam", "by": "Anna", "as_supervisor": True}
    assert (await desk.post(f"{path}/verdict", said)).is_success
    await runs(desk, "labels")
    (label,) = await database.read(_labels)
    assert label["kind"] == "spam"
    desk.clock.advance(timedelta(minutes=1))
    assert (await desk.post(f"{path}/reopen", {"reason": "a mistake"})).is_success
    await runs(desk, "labels")
    assert await database.read(_labels) == []
    assert (await desk.post(f"{path}/complete")).is_success
    await runs(desk, "labels")
    (label,) = await database.read(_labels)
    assert (label["kind"], label["source"], label["weight"]) == ("technical", "ended", 0.5)


async def test_an_answer_where_it_was_is_a_weak_label(desk: Desk) -> None:
    one = Inquiry(desk.clock.now())
    await desk.hears(one.received("Der Server ist abgestürzt."), one.answered())
    await runs(desk, "labels")
    (label,) = await desk.service.database.read(_labels)
    assert (label["desk"], label["source"], label["weight"]) == ("technical", "ended", 0.5)


async def test_a_line_that_appears_late_is_read_after_all(desk: Desk) -> None:
    """Its transaction had taken its number before others that had committed already."""
    everyone = await corrected(desk, 2)
    database = desk.service.database
    moved = select(history).where(history.c.what == "rerouted")
    hidden = (await database.read(lambda tx: tx.rows(moved)))[0]
    await database.write(_run, delete(history).where(history.c.id == hidden["id"]))
    await runs(desk, "labels", "labels")
    assert len(await database.read(_labels)) == len(everyone) - 1
    await database.write(_run, insert(history).values(**hidden))
    await runs(desk, "labels")
    assert len(await database.read(_labels)) == len(everyone) - 1
    desk.clock.advance(timedelta(minutes=3))
    await runs(desk, "labels")
    assert len(await database.read(_labels)) == len(everyone)


def _run(tx: Write, statement: Any) -> None:
    tx.execute(statement)


async def test_texts_of_the_fixture_are_different() -> None:
    every = [text for text, _ in alternating(40)]
    assert len(set(every)) == len(every)
