"""A lookup of similar questions among a million stored ones against one among ten thousand.

    python -m bench.similar [--rows 1000000] [--lookups 300]

Two routers on PostgreSQL, filled alike, are asked the same questions in turn over their API. Told
are the ratios of the median and of the 99th percentile, and how often what was planted is found.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import httpx
import numpy as np

from services.router.app import build
from services.router.settings import RouterSettings
from services.router.similar.domain.features import FORMAT
from services.router.similar.domain.signature import stored_keys
from services.router.similar.domain.statistics import Added, Statistics, everyday
from services.router.similar.worker import SAMPLE, counted
from shared.access.keys import ALL_SCOPES
from shared.db import open_database
from shared.db.migrate import upgrade
from shared.policy import load_policy
from tests.support import backing
from tests.support.bench import runtime_of, served
from tests.support.clock import ManualClock

SMALL = 10_000
TOPICS = 3_000
WORDS = 500_000
PLANTED = 100
"""Questions of which each is asked again with most of its words."""
AT_ONCE = 20_000
KEY = "desk_benchmark_similar_012345678"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SPACE = UUID("019ab0c2-7d0e-7c31-9f0a-0000000000aa")
_SYLLABLES = """
an auf be ber bo da de dung el en er fah fel ga ge gen ha he hei in ka ke ko la le lich lo ma me mit
na ne ob pa pe po ra re rech ro sa schal se so ta te ter ti to tra un ver vor wa we zu
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--lookups", type=int, default=300)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="inbound-desk-bench-") as folder,
        backing.postgres() as url,
    ):
        asyncio.run(_compare(Path(folder), url, options.rows, options.lookups))


async def _compare(folder: Path, url: str, rows: int, lookups: int) -> None:
    asked = list(islice(_asked(), lookups))
    async with AsyncExitStack() as stack:
        desks = []
        for name, count in (("small", SMALL), ("large", rows)):
            database = await _database(url, f"similar_{name}")
            await _fill(database, count, asked)
            print(f"{name}: {count} questions stored", flush=True)
            (folder / name).mkdir()
            desks.append(await stack.enter_async_context(_router(folder / name, database)))
        await _measure(desks, len(asked))


async def _measure(desks: Sequence[httpx.AsyncClient], lookups: int) -> None:
    for desk in desks:
        for number in range(20):
            await _lookup(desk, number)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken: tuple[list[float], list[float]] = ([], [])
    found, shown = [0, 0], [0, 0]
    for number in range(lookups):
        for place, desk in enumerate(desks):
            began = time.perf_counter()
            ids = await _lookup(desk, number)
            taken[place].append(time.perf_counter() - began)
            shown[place] += bool(ids)
            found[place] += str(_id("inquiry", number % PLANTED)) in ids
    small, large = taken
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    slow = [quantiles(each, n=100)[98] for each in taken]
    print(f"median: {median(large) / median(small):.2f} times")
    print(f"99th percentile: {slow[1] / slow[0]:.2f} times")
    for place, name in enumerate(("small", "large")):
        share = (found[place] / lookups, shown[place] / lookups)
        print(f"{name}: {share[0]:.2f} of what was planted found, {share[1]:.2f} with an answer")
    print(f"memory of the process grew by {more / 1024:.0f} MiB during {2 * lookups} lookups")


async def _lookup(desk: httpx.AsyncClient, number: int) -> list[str]:
    answer = await desk.get(
        f"/router/v1/todos/{_id('asking', number)}/similar",
        headers={"Authorization": f"Bearer {KEY}"},
    )
    answer.raise_for_status()
    return [each["inquiry_id"] for each in answer.json()["items"]]


@asynccontextmanager
async def _router(folder: Path, url: str) -> AsyncIterator[httpx.AsyncClient]:
    keys = {"bench": (KEY, ALL_SCOPES)}
    runtime = runtime_of(
        folder, ManualClock(NOW), load_policy(None), keys, key_rate=1_000_000, key_burst=1_000_000
    )
    async with served(build(runtime, RouterSettings(database_url=url))) as http:
        yield http


async def _database(url: str, name: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return f"{url.rpartition('/')[0]}/{name}"


@dataclass(frozen=True, slots=True)
class Made:
    """Some stored questions with their keys."""

    first: int
    questions: Sequence[str]
    keys: Sequence[Sequence[int]]


async def _fill(url: str, rows: int, asked: Sequence[str]) -> None:
    database = open_database(url, pool_size=2)
    await database.start()
    try:
        await upgrade(database, "router")
    finally:
        await database.stop()
    statistics = _statistics(min(rows, SAMPLE))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("ALTER TABLE similar_postings DROP CONSTRAINT pk_similar_postings")
        with ProcessPoolExecutor() as pool:
            parts = range(0, rows, AT_ONCE)
            make = partial(_made, rows=rows, statistics=statistics)
            for made in pool.map(make, parts):
                await _store(connection, made)
        await connection.execute(
            "ALTER TABLE similar_postings ADD CONSTRAINT pk_similar_postings"
            " PRIMARY KEY (key, question_id)"
        )
        await _store_asked(connection, asked)
        await connection.execute(
            "UPDATE similar_state SET version = 1, questions = $1, counts = $2",
            statistics.questions,
            statistics.packed(),
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _statistics(sample: int) -> Statistics:
    added = Added.none()
    for first in range(0, sample, 1_000):
        added = counted(added, [_question(number) for number in range(first, first + 1_000)])
    return everyday().plus(added)


def _made(first: int, *, rows: int, statistics: Statistics) -> Made:
    questions = [_question(number) for number in range(first, min(first + AT_ONCE, rows))]
    return Made(first, questions, [stored_keys(each, statistics) for each in questions])


async def _store(connection: asyncpg.Connection[Any], made: Made) -> None:
    numbers = range(made.first, made.first + len(made.questions))
    todos = [_todo("todo", "inquiry", number, state="done") for number in numbers]
    await _copy(connection, "todos", todos)
    await _copy(connection, "todo_ends", [_end(number) for number in numbers])
    await _copy(connection, "similar_answers", [_answer(number) for number in numbers])
    questions = [
        {
            "id": number + 1,
            "inquiry_id": _id("inquiry", number),
            "question": question,
            "format": FORMAT,
            "packed_keys": np.array(keys, dtype="<i4").tobytes(),
        }
        for number, question, keys in zip(numbers, made.questions, made.keys, strict=True)
    ]
    await _copy(connection, "similar_questions", questions)
    postings = [
        {"key": key, "question_id": number + 1}
        for number, keys in zip(numbers, made.keys, strict=True)
        for key in keys
    ]
    await _copy(connection, "similar_postings", postings)


async def _store_asked(connection: asyncpg.Connection[Any], asked: Sequence[str]) -> None:
    todos = [_todo("asking", "asking", number, state="open") for number in range(len(asked))]
    await _copy(connection, "todos", todos)
    await connection.executemany(
        "INSERT INTO todo_messages (inquiry_id, message_id, received_at, content)"
        " VALUES ($1, $1, $2, jsonb_build_object('text', $3::text))",
        [(_id("asking", number), NOW, text) for number, text in enumerate(asked)],
    )


async def _copy(
    connection: asyncpg.Connection[Any], table: str, rows: Sequence[dict[str, Any]]
) -> None:
    columns = list(rows[0])
    await connection.copy_records_to_table(
        table, columns=columns, records=[tuple(row.values()) for row in rows]
    )


def _todo(kind: str, inquiry: str, number: int, *, state: str) -> dict[str, Any]:
    at = NOW - timedelta(seconds=number)
    return {
        "id": _id(kind, number),
        "inquiry_id": _id(inquiry, number),
        "conversation_id": _id("conversation", number),
        "channel": "web_form",
        "desk": "technical",
        "state": state,
        "first_desk": "technical",
        "kind": "technical",
        "confidence": 0.9,
        "reasons": "[]",
        "received_at": at,
        "created_at": at,
        "due_at": at,
        "message_count": 1,
        "latest_message_id": _id(inquiry, number),
    }


def _end(number: int) -> dict[str, Any]:
    return {
        "todo_id": _id("todo", number),
        "key": _id("answer", number),
        "kind": "answered",
        "at": NOW,
        "by": "Carla",
        "revision": 0,
        "final": False,
    }


def _answer(number: int) -> dict[str, Any]:
    return {
        "inquiry_id": _id("inquiry", number),
        "message_id": _id("answer", number),
        "revision": 0,
        "recorded_at": NOW,
        "text": f"Die Antwort auf die Frage {number}, mit allem, was dazu zu sagen ist.",
    }


def _id(kind: str, number: int) -> UUID:
    return uuid5(SPACE, f"{kind} {number}")


def _question(number: int) -> str:
    """Some words of a topic among words of every day, as often as words are in a language."""
    random = Random(number)
    topic = _skewed(random, TOPICS)
    own = [_word(1_000 + topic * 12 + random.randrange(12)) for _ in range(random.randint(3, 7))]
    rest = [_word(_skewed(random, WORDS)) for _ in range(random.randint(12, 40))]
    words = own + rest
    random.shuffle(words)
    return " ".join(words).capitalize() + "?"


def _asked() -> Iterator[str]:
    """The planted questions, each with half of its words, and others with every round."""
    number = 0
    while True:
        random = Random(f"asked {number}")
        words = _question(number % PLANTED).rstrip("?").split()
        kept = random.sample(words, max(4, (2 * len(words)) // 3))
        yield " ".join([*kept, *(_word(_skewed(random, WORDS)) for _ in range(5))])
        number += 1


def _skewed(random: Random, most: int) -> int:
    """A number below `most`, small ones far more often, as Zipf's law has it."""
    return int(most ** random.random()) % most


@lru_cache(maxsize=100_000)
def _word(number: int) -> str:
    random = Random(f"word {number}")
    return "".join(random.choice(_SYLLABLES.split()) for _ in range(random.randint(2, 5)))


if __name__ == "__main__":
    main()
