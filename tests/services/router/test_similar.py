"""Answers that were given before are found from the first question like theirs, and leave the index
with what they stand on.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from services.router.similar import worker
from services.router.similar.domain.features import FORMAT
from services.router.similar.store import lookup
from services.router.similar.usecases import reindex
from services.router.similar.worker import Indexer, rebuild
from services.router.tables import postings, questions, similar_state
from services.router.todos.terms import hold_once
from services.router.todos.worker import remove_once
from shared.db import DatabaseUnavailableError, Read, Write
from shared.events.inquiries import (
    InquiryAnswered,
    InquiryHeld,
    MessageEdited,
    MessageWithdrawn,
    ReplyWithdrawn,
)
from shared.runtime.ids import new_id
from tests.services.router.desk import (
    READER,
    TOLD_AT,
    Desk,
    Inquiry,
    everything_kept,
    history,
    opened,
    record_of,
)
from tests.support.clock import ManualClock

DAY = timedelta(days=1)
FORGOTTEN = "Ich habe mein Passwort vergessen und bekomme keine Mail zum Zurücksetzen."
LIKE_IT = "Passwort vergessen, die Mail zum Zurücksetzen kommt nicht an"
INVOICE = "Wo finde ich die Rechnung zu meiner Bestellung?"
ADVICE = "Bitte sehen Sie im Ordner für unerwünschte Mails nach."
DEVELOPMENT = Path(__file__).parents[2] / "data" / "similar_dev.jsonl"


async def indexed(desk: Desk) -> int:
    return await Indexer(desk.service.database, desk.clock).work_off(asyncio.Event())


async def answered(
    desk: Desk, question: str = FORGOTTEN, advice: str = ADVICE, **inquiry: Any
) -> tuple[Inquiry, InquiryAnswered]:
    one = Inquiry(desk.clock.now(), **inquiry)
    answer = one.answered("Carla", advice)
    await desk.hears(one.received(question), answer)
    return one, answer


async def similar(desk: Desk, todo: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    await indexed(desk)
    found: list[dict[str, Any]] = (await desk.get(f"/todos/{todo['id']}/similar", **params))[
        "items"
    ]
    return found


async def rows(desk: Desk) -> tuple[int, int]:
    """Questions and postings."""

    def count(tx: Read) -> tuple[int, int]:
        of = [select(func.count()).select_from(table) for table in (questions, postings)]
        first, second = (int(tx.execute(query).scalar_one()) for query in of)
        return first, second

    return await desk.service.database.read(count)


async def test_an_answer_is_found_from_a_question_like_its_own(desk: Desk) -> None:
    one, _ = await answered(desk)
    await answered(desk, INVOICE, "Unter »Meine Bestellungen«.")
    todo = await desk.new_todo(LIKE_IT)
    (found,) = await similar(desk, todo)
    assert found["inquiry_id"] == str(one.inquiry_id)
    assert found["conversation_id"] == str(one.conversation_id)
    assert (found["question"], found["answer"]) == (FORGOTTEN, ADVICE)
    assert (found["answered_by"], found["answered_at"]) == ("Carla", "2026-11-24T12:00:00Z")
    answered_todo = await desk.todo_of(one)
    assert (found["todo_id"], found["desk"]) == (answered_todo["id"], answered_todo["desk"])
    assert {"Passwort", "vergessen", "Zurücksetzen"} <= set(found["words"])
    assert 0.5 < found["similarity"] <= 1
    assert found["reused"] == 0


async def test_its_own_answer_is_not_shown(desk: Desk) -> None:
    one, _ = await answered(desk)
    assert await similar(desk, await desk.todo_of(one)) == []


async def test_what_is_not_alike_is_not_shown(desk: Desk) -> None:
    await answered(desk, f"{INVOICE} Das Passwort habe ich noch.")
    todo = await desk.new_todo(LIKE_IT)
    assert await similar(desk, todo) == []
    (found,) = await similar(desk, todo, least=0)
    assert found["similarity"] < 0.2
    assert found["words"] == ["Passwort"]
    refused = await desk.request("GET", f"/todos/{todo['id']}/similar", params={"least": "nan"})
    assert refused.status_code == 422


async def test_the_subject_and_later_messages_are_compared(desk: Desk) -> None:
    one = Inquiry(desk.clock.now())
    await desk.hears(
        one.received("Guten Tag", subject="Passwort vergessen"),
        one.added("Die Mail zum Zurücksetzen kommt nicht an.", at=one.at + timedelta(minutes=1)),
        one.answered(text=ADVICE),
    )
    (found,) = await similar(desk, await desk.new_todo(FORGOTTEN))
    assert found["question"].startswith("Passwort vergessen\nGuten Tag\nDie Mail")


async def test_an_answer_without_its_words_is_found_once_they_are_told(desk: Desk) -> None:
    """The facts of before had none; the backfill tells them again, under the same revision."""
    one = Inquiry(desk.clock.now())
    before = one.answered()
    await desk.hears(one.received(FORGOTTEN), before)
    todo = await desk.new_todo(LIKE_IT)
    assert await similar(desk, todo) == []
    kept, told = await desk.todo_of(one), len(await desk.facts())
    await desk.hears(before.model_copy(update={"text": ADVICE}))
    (found,) = await similar(desk, todo)
    assert found["answer"] == ADVICE
    assert await desk.todo_of(one) == kept
    assert len(await desk.facts()) == told


async def test_an_answer_says_what_its_highest_revision_says(desk: Desk) -> None:
    _, answer = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)

    async def told(text: str, *, revision: int, minutes: int) -> None:
        fact = answer.model_copy(update={"revision": revision, "text": text})
        await desk.hears_batch([record_of(fact, told_at=TOLD_AT + timedelta(minutes=minutes))])

    await told("Neu.", revision=2, minutes=1)
    await told("Alt.", revision=1, minutes=3)
    assert (await similar(desk, todo))[0]["answer"] == "Neu."
    await told("Berichtigt.", revision=2, minutes=2)
    await told("Vorher.", revision=2, minutes=1)
    assert (await similar(desk, todo))[0]["answer"] == "Berichtigt."


async def test_the_earliest_answer_that_stands_is_shown(desk: Desk) -> None:
    one, first = await answered(desk)
    later = one.answered(text="Später.").model_copy(update={"answered_at": one.at + DAY})
    await desk.hears(later)
    todo = await desk.new_todo(LIKE_IT)
    assert (await similar(desk, todo))[0]["answer"] == ADVICE
    await desk.hears(withdrawal(one, first, revision=1))
    assert (await similar(desk, todo))[0]["answer"] == "Später."


def withdrawal(one: Inquiry, answer: InquiryAnswered, *, revision: int) -> ReplyWithdrawn:
    return ReplyWithdrawn(
        inquiry_id=one.inquiry_id,
        conversation_id=one.conversation_id,
        message_id=answer.message_id,
        revision=revision,
        withdrawn_at=one.at,
        withdrawn_by="Carla",
    )


async def test_an_answer_that_was_none_leaves_and_may_come_again(desk: Desk) -> None:
    one, answer = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)
    assert len(await similar(desk, todo)) == 1
    await desk.hears(withdrawal(one, answer, revision=1))
    assert await rows(desk) == (0, 0)
    assert await similar(desk, todo) == []
    await desk.hears(answer.model_copy(update={"revision": 2}))
    assert len(await similar(desk, todo)) == 1


async def test_an_answer_that_is_a_holding_reply_leaves(desk: Desk) -> None:
    one, answer = await answered(desk)
    await indexed(desk)
    await desk.hears(
        InquiryHeld(
            inquiry_id=one.inquiry_id,
            conversation_id=one.conversation_id,
            message_id=answer.message_id,
            held_at=one.at,
            held_by="Carla",
            revision=1,
        )
    )
    assert await rows(desk) == (0, 0)


@pytest.mark.parametrize("reason", ["netiquette", "spam", "no_answer_needed"])
async def test_what_was_dismissed_is_never_in_it(desk: Desk, reason: str) -> None:
    todo = await desk.new_todo(FORGOTTEN)
    await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": reason})
    one = Inquiry(desk.clock.now(), todo["inquiry_id"], todo["conversation_id"])
    one.at += DAY
    await desk.hears(one.answered(text=ADVICE))
    assert await rows(desk) == (0, 0)


async def test_a_dismissal_of_before_the_answer_takes_it_out(desk: Desk) -> None:
    one, _ = await answered(desk)
    assert (await rows(desk))[0] == 1
    one.at -= DAY
    await desk.hears(one.closed("spam"))
    assert await rows(desk) == (0, 0)


async def test_an_inquiry_that_became_part_of_another_leaves(desk: Desk) -> None:
    one, _ = await answered(desk)
    await desk.hears(one.closed("duplicate").model_copy(update={"merged_into": new_id()}))
    assert await rows(desk) == (0, 0)


async def test_an_edited_question_is_found_by_what_it_says_now(desk: Desk) -> None:
    one = Inquiry(desk.clock.now())
    received = one.received(INVOICE)
    await desk.hears(received, one.answered(text=ADVICE))
    todo = await desk.new_todo(LIKE_IT)
    assert await similar(desk, todo) == []
    message: dict[str, Any] = {
        "inquiry_id": one.inquiry_id,
        "conversation_id": one.conversation_id,
        "message_id": received.message_id,
    }
    await desk.hears(
        MessageEdited(**message, channel="web_form", edited_at=one.at + DAY, text=FORGOTTEN)
    )
    (found,) = await similar(desk, todo)
    assert found["question"] == FORGOTTEN
    await desk.hears(MessageWithdrawn(**message, withdrawn_at=one.at + DAY))
    assert await rows(desk) == (0, 0)


async def test_words_that_were_removed_leave_with_the_answer(desk: Desk) -> None:
    _, answer = await answered(desk)
    await indexed(desk)
    desk.clock.advance(31 * DAY)
    before = desk.clock.now() - 30 * DAY
    database = desk.service.database
    gone = await remove_once(database, before=before, now=desk.clock.now(), stop=asyncio.Event())
    assert gone == 1
    assert await rows(desk) == (0, 0)
    everything = await database.read(everything_kept)
    assert "Passwort" not in everything
    assert "unerwünscht" not in everything
    await desk.hears(answer)
    assert "unerwünscht" not in await database.read(everything_kept)


async def test_words_that_a_platform_lends_leave_in_time(desk: Desk) -> None:
    await answered(desk, channel="linkedin")
    await indexed(desk)
    desk.clock.advance(2 * DAY)
    database, lent = desk.service.database, {"linkedin": DAY}
    assert await hold_once(database, lent, now=desk.clock.now(), stop=asyncio.Event()) == 1
    assert await rows(desk) == (0, 0)
    assert "Passwort" not in await database.read(everything_kept)


async def test_a_reuse_is_recorded_once_with_its_line(desk: Desk) -> None:
    one, _ = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)
    body = {"inquiry_id": str(one.inquiry_id)}
    first = await desk.post(f"/todos/{todo['id']}/reuse", {**body, "by": "Dora"})
    assert first.status_code == 200, first.text
    assert (first.json()["by"], first.json()["key_name"]) == ("Dora", "Anna")
    desk.clock.advance(DAY)
    again = await desk.post(f"/todos/{todo['id']}/reuse", body)
    assert again.json() == first.json()
    shown = await desk.get(f"/todos/{todo['id']}")
    assert shown["version"] == todo["version"] + 1
    lines = [line for line in history(shown) if line[1] == "answer_reused"]
    assert lines == [("Dora", "answer_reused", str(one.inquiry_id))]
    assert shown["version"] == todo["version"] + 1
    (found,) = await similar(desk, todo)
    assert found["reused"] == 1


async def test_what_cannot_be_reused_is_refused(desk: Desk) -> None:
    one, _ = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)
    own, unknown = await desk.todo_of(one), new_id()

    async def code(todo_id: Any, inquiry_id: Any, key: str = "") -> tuple[int, str]:
        answer = await desk.post(
            f"/todos/{todo_id}/reuse", {"inquiry_id": str(inquiry_id)}, key=key
        )
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    assert await code(unknown, one.inquiry_id) == (404, "todo-not-found")
    assert await code(todo["id"], unknown) == (404, "answer-not-found")
    assert await code(todo["id"], todo["inquiry_id"]) == (409, "reuse-of-itself")
    assert await code(own["id"], todo["inquiry_id"]) == (404, "answer-not-found")
    unseen = {"inquiry_id": str(one.inquiry_id), "by": "\u200b"}
    nobody = await desk.post(f"/todos/{todo['id']}/reuse", unseen)
    assert (nobody.status_code, nobody.json()["errors"][0]["field"]) == (422, "by")
    assert await code(todo["id"], one.inquiry_id, READER) == (403, "scope-missing")
    await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "spam"})
    assert await code(todo["id"], one.inquiry_id) == (409, "todo-dismissed")
    answer = await desk.request("GET", f"/todos/{unknown}/similar")
    assert answer.status_code == 404


async def test_the_report_says_how_often_nobody_had_to_look_again(desk: Desk) -> None:
    one, _ = await answered(desk)
    todo, other = await desk.new_todo(LIKE_IT), await desk.new_todo(INVOICE)
    assert len(await similar(desk, todo)) == 1
    await similar(desk, todo)
    assert await similar(desk, other) == []
    await desk.post(f"/todos/{todo['id']}/reuse", {"inquiry_id": str(one.inquiry_id)})
    same = Inquiry(desk.clock.now(), todo["inquiry_id"], todo["conversation_id"])
    await desk.hears(same.answered(text=ADVICE))
    span = {"from": "2026-11-16", "to": "2026-11-29"}
    report = await desk.get("/reports/reuse", **span)
    assert (report["from"], report["to"]) == ("2026-11-15T23:00:00Z", "2026-11-29T23:00:00Z")
    assert report["total"] == {
        "received": 3, "asked": 2, "found": 1, "shown": 1, "reused": 1,
        "answered": 2, "answered_with_reuse": 1, "reuse_percent": 50.0,
    }  # fmt: skip
    assert [week["week"] for week in report["weeks"]] == ["2026-W47", "2026-W48"]
    assert report["weeks"][0]["desks"] == []
    assert report["weeks"][1]["total"] == report["total"]
    assert sum(each["reused"] for each in report["weeks"][1]["desks"]) == 1


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-20", "2026-11-19"),
        ("2026-11-20T10:00:00", "2026-11-21"),
        ("yesterday", "2026-11-21"),
        ("2020-01-01", "2026-11-21"),
    ],
)
async def test_a_span_that_is_none_is_refused(desk: Desk, first: str, last: str) -> None:
    answer = await desk.request("GET", "/reports/reuse", params={"from": first, "to": last})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":wrong-span")


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
