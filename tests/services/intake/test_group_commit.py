"""The group committer and both writers: one transaction for many, and nobody pays for another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from services.intake.accepting.committer import GroupCommitter, NotRunningError, Outcome, Writer
from services.intake.accepting.facts import as_json, fields_of
from services.intake.accepting.postgres import PostgresWriter
from services.intake.accepting.sqlite import SqliteWriter
from services.intake.inquiries.domain.message import Accepted, Author, Incoming
from services.intake.tables import conversations, inquiries, messages
from shared.db import Database, DatabaseUnavailableError, Read, open_database
from shared.db.migrate import upgrade
from shared.db.postgres import PostgresDatabase
from shared.events.inquiries import HashtagUse, InquiryReceived, MessageAdded
from shared.messaging.envelope import BY_TYPE
from shared.messaging.outbox import OUTBOX
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import running_loops
from shared.runtime.trace import new_traceparent
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import Desk, message, opened, problem
from tests.support.clock import ManualClock
from tests.support.postgres import Postgres, fresh_database
from tests.support.processes import scratch
from tests.support.states import NOT_NOW, OWN_FAULT

_numbers = count()
LONE_SURROGATE = "\ud83d"


def incoming(**fields: Any) -> Incoming:
    number = next(_numbers)
    whole: dict[str, Any] = {
        "channel": "facebook",
        "external_id": f"m-{number}",
        "thread": f"t-{number}",
        "identity": f"id:{number % 20}",
        "author": Author(id=str(number % 20)),
        "text": "Was kostet der Versand?",
        "received_at": NOON,
        "traceparent": new_traceparent(),
        **{f"{name}_id": new_id() for name in (
            "message", "inquiry", "conversation", "contact", "event"
        )},
        **fields,
    }  # fmt: skip
    return Incoming(**whole)


def again(first: Incoming) -> Incoming:
    """The same message in another request: all ids of ours are new."""
    return incoming(
        channel=first.channel, external_id=first.external_id, thread=first.thread,
        identity=first.identity, author=first.author,
    )  # fmt: skip


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = open_database(database_url)
    await database.start()
    yield database
    await database.stop()


def writer_of(database: Database) -> Writer:
    if isinstance(database, PostgresDatabase):
        return PostgresWriter(database.dsn, database.availability)
    return SqliteWriter(database)


@asynccontextmanager
async def committing(*writers: Writer) -> AsyncIterator[GroupCommitter]:
    committer = GroupCommitter(writers)
    async with running_loops([("accept", committer.run)]):
        await asyncio.sleep(0)
        yield committer


async def rows(database: Database, query: Any) -> list[dict[str, Any]]:
    def look(tx: Read) -> list[dict[str, Any]]:
        return tx.rows(query)

    return await database.read(look)


async def outcomes(committer: GroupCommitter, batch: Sequence[Incoming]) -> list[Any]:
    return await asyncio.gather(*map(committer.accept, batch), return_exceptions=True)


async def test_many_at_once_with_repeats(database: Database) -> None:
    fresh = [incoming() for _ in range(300)]
    repeats = [again(one) for one in fresh[::3]]
    async with committing(writer_of(database), writer_of(database)) as committer:
        found = await outcomes(committer, [*fresh, *repeats])
    by_id = {one.external_id: placed for one, placed in zip(fresh, found, strict=False)}
    for one, placed in zip(repeats, found[300:], strict=True):
        assert placed.duplicate
        assert replace(placed, duplicate=False) == by_id[one.external_id]
    assert not any(placed.duplicate for placed in found[:300])
    assert len(await rows(database, select(messages.c.id))) == 300
    assert len(await rows(database, select(OUTBOX.c.id))) == 300


async def test_repeats_in_one_batch(database: Database) -> None:
    first, other = incoming(), incoming()
    # Its sender has moved it to another thread, so the committer lets both into one batch.
    batch = [first, other, replace(again(first), thread="another")]
    writer = writer_of(database)
    found = await writer.write(batch)
    await writer.close()
    assert [isinstance(placed, Accepted) and placed.duplicate for placed in found] == [
        False,
        False,
        True,
    ]
    assert len(await rows(database, select(messages.c.id))) == 2


async def test_a_bad_row_fails_alone(database: Database) -> None:
    batch = [incoming() for _ in range(51)]
    batch[25] = replace(batch[25], text=LONE_SURROGATE)
    async with committing(writer_of(database)) as committer:
        found = await outcomes(committer, batch)
        assert [n for n, each in enumerate(found) if isinstance(each, Exception)] == [25]
        assert not isinstance(found[25], DatabaseUnavailableError)
        assert len(await rows(database, select(messages.c.id))) == 50
        assert (await committer.accept(incoming())).opened


async def test_messages_of_one_conversation_keep_their_order(database: Database) -> None:
    batch = [incoming(thread=f"t{n % 3}", text=str(n)) for n in range(60)]
    async with committing(writer_of(database), writer_of(database)) as committer:
        await outcomes(committer, batch)
    told_rows = await rows(database, select(OUTBOX).order_by(OUTBOX.c.seq))
    by_key: dict[str, list[int]] = {}
    for row in told_rows:
        by_key.setdefault(row["aggregateid"], []).append(int(json.loads(row["payload"])["text"]))
    assert sorted(map(len, by_key.values())) == [20, 20, 20]
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    assert len(await rows(database, select(inquiries.c.id))) == 3


async def test_two_instances_race(postgres_copy: str) -> None:
    database = open_database(postgres_copy)
    await database.start()
    fresh = [incoming(thread=f"race{n % 10}", identity=f"id:{n % 7}") for n in range(120)]
    async with (
        committing(writer_of(database), writer_of(database)) as one,
        committing(writer_of(database), writer_of(database)) as two,
    ):
        found = await asyncio.gather(
            outcomes(one, fresh), outcomes(two, [again(each) for each in reversed(fresh)])
        )
    assert not [each for each in (*found[0], *found[1]) if isinstance(each, Exception)]
    for mine, theirs in zip(found[0], reversed(found[1]), strict=True):
        assert mine.message_id == theirs.message_id
        assert mine.duplicate != theirs.duplicate
    opened_rows = await rows(database, select(inquiries.c.id, inquiries.c.conversation_id))
    assert len(opened_rows) == len(await rows(database, select(conversations.c.id))) == 10
    told_rows = await rows(database, select(OUTBOX).order_by(OUTBOX.c.seq))
    assert len(told_rows) == 120
    seen: set[str] = set()
    for row in told_rows:
        first = row["aggregateid"] not in seen
        seen.add(row["aggregateid"])
        assert (row["type"] == "inquiry.received") == first
    await database.stop()


@pytest.mark.parametrize("joins", [False, True])
async def test_the_written_fact_is_the_pydantic_fact(database: Database, *, joins: bool) -> None:
    first = incoming()
    one = incoming(
        thread=first.thread if joins else "other",
        subject="Betreff \u2028 ä",
        text='"\\ 🦊',
        url="https://example.org/?a=1&b=ä",
        hashtags=(("iico", 2013), ("hilfe", None)),
    )
    async with committing(writer_of(database)) as committer:
        await committer.accept(first)
        placed = await committer.accept(one)
    row = (await rows(database, select(OUTBOX).order_by(OUTBOX.c.seq)))[-1]
    kind = MessageAdded if joins else InquiryReceived
    assert BY_TYPE[row["type"]] is kind
    assert placed.contact_id is not None
    fact = kind(
        inquiry_id=placed.inquiry_id,
        conversation_id=placed.conversation_id,
        contact_id=placed.contact_id,
        message_id=placed.message_id,
        channel=one.channel,
        received_at=one.received_at,
        text=one.text,
        subject=one.subject,
        url=one.url,
        hashtags=tuple(HashtagUse(tag=tag, year=year) for tag, year in one.hashtags),
    )
    assert kind.model_validate_json(row["payload"]) == fact
    assert set(json.loads(row["payload"])) == set(
        json.loads(fact.model_dump_json(exclude_none=True))
    )
    assert (row["id"], row["aggregateid"]) == (one.event_id, str(placed.conversation_id))
    assert (row["traceparent"], row["occurred_at"]) == (one.traceparent, NOON)


def test_a_fact_says_no_more_than_it_knows() -> None:
    assert set(fields_of(incoming())) == {"message_id", "channel", "received_at", "text"}
    assert as_json({"ä": 1}) == '{"ä":1}'


class Slow:
    """A writer that waits until it may go on."""

    def __init__(self) -> None:
        self.go, self.began = asyncio.Event(), asyncio.Event()
        self.written: list[str] = []

    async def write(self, batch: Sequence[Incoming]) -> list[Outcome]:
        self.began.set()
        await self.go.wait()
        self.written += [one.external_id for one in batch]
        return [Accepted(m.message_id, m.inquiry_id, m.conversation_id, m.contact_id, True)
                for m in batch]  # fmt: skip

    async def close(self) -> None:
        self.go.set()


async def test_a_request_that_goes_away_harms_nobody() -> None:
    writer = Slow()
    async with committing(writer) as committer:
        gone, here = incoming(), incoming()
        waiter = asyncio.create_task(committer.accept(gone))
        await writer.began.wait()
        other = asyncio.create_task(committer.accept(here))
        waiter.cancel()
        await asyncio.wait({waiter})
        writer.go.set()
        assert (await other).message_id == here.message_id
    assert writer.written == [gone.external_id, here.external_id]


async def test_what_waits_at_the_end_is_written(database: Database) -> None:
    async with committing(writer_of(database)) as committer:
        waiting = [asyncio.create_task(committer.accept(incoming())) for _ in range(20)]
        await asyncio.sleep(0)
    assert all(placed.opened for placed in await asyncio.gather(*waiting))
    with pytest.raises(NotRunningError):
        await committer.accept(incoming())


async def test_nobody_waits_for_a_flusher_that_is_gone() -> None:
    writer = Slow()
    committer = GroupCommitter([writer])
    running = asyncio.create_task(committer.run(asyncio.Event()))
    await asyncio.sleep(0)
    one = asyncio.create_task(committer.accept(incoming()))
    await writer.began.wait()
    two = asyncio.create_task(committer.accept(incoming()))
    await asyncio.sleep(0)
    running.cancel()
    for each in (one, two):
        with pytest.raises(NotRunningError):
            await each
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_nothing_is_accepted_before_the_committer_runs(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(database_url, tmp_path, clock, accepting=False) as desk:
        answer = await desk.deliver(message())
        problem(answer, 503, "not-accepting")
        assert answer.headers["retry-after"] == "5"


REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.external_id LIKE 'state-%' THEN
    RAISE EXCEPTION USING ERRCODE = substr(NEW.external_id, 7), MESSAGE = 'no', DETAIL = NEW.text;
  END IF;
  RETURN NEW;
END $$
"""
REFUSING = """
CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse()
"""


async def test_the_hot_path_knows_the_same_states(postgres_copy: str) -> None:
    database = open_database(postgres_copy)
    await database.start()
    for statement in (REFUSE, REFUSING):
        await database.write(lambda tx, sql: tx.execute(text(sql)), statement)
    async with committing(writer_of(database)) as committer:
        for state in NOT_NOW:
            batch = [incoming(external_id=f"state-{state}"), incoming()]
            for found in await outcomes(committer, batch):
                assert isinstance(found, DatabaseUnavailableError), (state, found)
                assert batch[0].text not in str(found)
            assert state in (database.availability.write_failure or "")
        for state in OWN_FAULT:
            batch = [incoming(external_id=f"state-{state}"), incoming()]
            bad, good = await outcomes(committer, batch)
            assert not isinstance(bad, DatabaseUnavailableError | Accepted), (state, bad)
            assert isinstance(good, Accepted)
    await database.stop()


async def test_postgresql_goes_away_and_comes_back(tmp_path: Path, clock: ManualClock) -> None:
    with scratch("mortal-postgres") as folder:
        server = Postgres(folder.path)
        server.start()
        try:
            async with fresh_database(server.url) as url, opened(url, tmp_path, clock) as desk:
                await upgrade(desk.service.database, "intake")
                await _through_a_fault(desk, server)
        finally:
            server.kill()


async def _through_a_fault(desk: Desk, server: Postgres) -> None:
    first = message()
    await desk.accepted(first)
    await asyncio.to_thread(server.stop)
    for answer in (
        await desk.deliver(message(id="late", thread_id="late")),
        await desk.deliver([message(), message()]),
        await desk.deliver(message(thread_id=..., parent_id="x")),
        await desk.request("GET", "/inquiries"),
        await desk.post("/inquiries", {"channel": "x", "author": {}, "text": "x"}),
        await desk.post("/inquiries", {"channel": "x", "author": {}, "text": "x"}, idempotency="k"),
    ):
        problem(answer, 503, "database-unavailable")
        assert answer.headers["retry-after"] == "5"
    await asyncio.to_thread(server.start)
    assert (await desk.deliver(first)).status_code == 200
    (inquiry_id,) = await desk.accepted(message(id="late", thread_id="late"))
    assert UUID(inquiry_id)
    assert await desk.stored() == 2
