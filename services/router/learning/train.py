"""The process that trains: `python -m services.router.learning.train`, started by the router.

It is told what to do in one line of JSON on its standard input, looks into the router's database,
and writes one line of JSON and the model to its standard output. It changes nothing. When its
standard input ends, whoever started it is gone, and it ends as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TypeVar

from services.router.deciding.decide import Decider
from services.router.deciding.model.file import BadModelError, from_bytes, to_bytes
from services.router.deciding.model.linear import LinearModel
from services.router.learning.job import Job
from services.router.learning.samples import Sample, sample_of
from services.router.learning.store import labels, models, recent
from services.router.learning.store.labels import Page
from services.router.learning.training import MOST_LABELS, Trained, train
from shared.db import Read, Reader
from shared.db.open import open_reader
from shared.policy import load_policy
from shared.runtime.error_text import described

T = TypeVar("T")

AT_ONCE = 500
MOST_FEATURES = 30_000_000
"""Of all texts together; each takes some bytes of memory and of time."""
IDLE = 10
"""Niceness: whoever answers a customer comes first."""
MEMORY_BYTES = 6 << 30
"""Of addresses, which are more than the memory that is used."""


def main() -> int:
    """Exit code 0: the answer is on the standard output. 1: what went wrong is on the error output,
    without a word of a customer.
    """
    job = Job(**json.loads(sys.stdin.buffer.readline()))
    Thread(target=_end_with_input, daemon=True).start()
    os.nice(IDLE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        trained, base = asyncio.run(train_for(job))
    except Exception as error:  # noqa: BLE001 - the one who started it has only this to go by
        sys.stderr.write(described(error))
        return 1
    data = b"" if trained.model is None else to_bytes(trained.model)
    answer = {
        "promoted": trained.promoted,
        "why": trained.why,
        "metrics": trained.metrics,
        "base": base,
        "bytes": len(data),
    }
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + data)
    sys.stdout.buffer.flush()
    return 0


def _end_with_input() -> None:
    """Nobody waits for the answer any more when the standard input ends."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


async def train_for(job: Job) -> tuple[Trained, int | None]:
    """What came of it, and the version that it was compared with."""
    decider = Decider.of(load_policy(None if job.policy is None else Path(job.policy)))
    database = open_reader(job.database_url)
    await database.start()
    try:
        base = await database.read(models.current)
        current = await database.read(_usable, base)
        if job.from_lexicon:
            samples = await _samples(database, recent.page, partial(_sure_one, decider))
        else:
            samples = await _samples(database, labels.newest, partial(_labelled, decider))
    finally:
        await database.stop()
    return train(samples, current=current, fewest=job.fewest_labels), base


def _usable(tx: Read, version: int | None) -> LinearModel | None:
    """The current version, to be compared with; one that cannot be read decides nothing either."""
    data = None if version is None else models.data_of(tx, version)
    try:
        return None if data is None else from_bytes(data)
    except BadModelError:
        return None


async def _samples(
    database: Reader, newest: Callable[..., Page[T]], sample: Callable[[T], Sample | None]
) -> Sequence[Sample]:
    """The newest first, until there are enough; `sample` is None for what teaches nothing."""
    found: list[Sample] = []
    after, size, looked_at = None, 0, 0
    while looked_at < MOST_LABELS and size < MOST_FEATURES:
        page = await database.read(newest, after=after, limit=AT_ONCE)
        for made in map(sample, page.texts):
            if made is not None:
                found.append(made)
                size += len(made.seen.index)
        after, looked_at = page.after, looked_at + page.looked_at
        if after is None:
            break
    return found


def _labelled(decider: Decider, each: labels.LabelledText) -> Sample:
    inquiry = decider.inquiry(each.words.text, subject=each.words.subject, channel=each.channel)
    name = str(each.inquiry_id)
    return sample_of(name, inquiry, each.desk, weight=each.weight, decider=decider)


def _sure_one(decider: Decider, each: recent.RecentText) -> Sample | None:
    """What the lexicon alone decides, as if it were a label."""
    inquiry = decider.inquiry(each.words.text, subject=each.words.subject, channel=each.channel)
    sample = sample_of(str(each.inquiry_id), inquiry, "", weight=1.0, decider=decider)
    if not sample.lexicon_alone or sample.lexicon_desk is None:
        return None
    # The lexicon must not be a witness of what it decided itself.
    return replace(sample, desk=sample.lexicon_desk, by_words=0.0)


if __name__ == "__main__":
    sys.exit(main())
