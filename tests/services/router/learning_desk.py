"""Labelled inquiries for tests of learning, and what its loops do, once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice, product
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from services.router.deciding.model.file import to_bytes
from services.router.learning.following import ModelMetrics
from services.router.learning.job import Job
from services.router.learning.process import run_training
from services.router.learning.store.models import TaughtBy
from services.router.learning.train import train_for
from services.router.learning.usecases.versions import Result
from services.router.learning.worker import Trainer
from services.router.tables import todos
from services.router.todos.usecases.desk_work import By, reroute
from shared.db import Write
from shared.runtime.telemetry import Metrics
from tests.services.router.desk import Desk, Inquiry

# Words that no list has, so that only labels can teach whose they are.
_TECHNICAL = (
    ("Der Zwirbel", "Unser Quarzer", "Die Flanschette", "Das Knorzding", "Mein Blimmer"),
    ("drallt", "knorpst", "zwackt", "fiept", "wobbelt", "schnurpst"),
    ("seit gestern", "heute früh", "beim Schalten", "im Keller", "nach dem Regen"),
)
_GENERAL = (
    ("Zum Zwölften", "Für den Birkentag", "Am Lindenabend", "Zur Ulmenwoche", "Beim Eschenlauf"),
    ("hätten wir gern", "wünschen wir uns", "brauchen wir", "suchen wir", "planen wir"),
    ("einen Pavillon", "ein Grußwort", "Luftballons", "eine Girlande", "zwanzig Lampions"),
)


def texts(of: Literal["technical", "inbound"], count: int) -> list[str]:
    """Different ones, always the same."""
    parts = _TECHNICAL if of == "technical" else _GENERAL
    every = [" ".join(words) + "." for words in product(*parts)]
    step = 7  # no factor of how many there are
    return list(islice((every[n * step % len(every)] for n in range(len(every))), count))


def alternating(count: int) -> Iterator[tuple[str, str]]:
    """So many of each desk, with the desk to which they belong."""
    for one, other in zip(texts("technical", count), texts("inbound", count), strict=True):
        yield one, "technical"
        yield other, "inbound"


async def corrected(desk: Desk, count: int) -> list[Inquiry]:
    """So many inquiries of each desk, which a person sent from review to where they belong."""
    now = desk.clock.now()
    found = [(Inquiry(now), text, where) for text, where in alternating(count)]
    await desk.hears_together(*(inquiry.received(text) for inquiry, text, _ in found))
    places = {inquiry.inquiry_id: where for inquiry, _, where in found}
    await desk.service.database.write(_reroute, places, now)
    return [inquiry for inquiry, _, _ in found]


def _reroute(tx: Write, places: Mapping[UUID, str], now: datetime) -> None:
    by_inquiry = {t.inquiry_id: t for t in tx.execute(select(todos))}
    for inquiry, desk in places.items():
        assert by_inquiry[inquiry].desk == "review", "these words should be in nobody's list"
        by = By("Anna", now)
        reroute(tx, todo_id=by_inquiry[inquiry].id, desk=desk, reason="theirs", by=by)


class Once(asyncio.Event):
    """Ends a loop at its first pause."""

    async def wait(self) -> Literal[True]:
        self.set()
        return True


async def runs(desk: Desk, *loops: str) -> None:
    """Each of these loops of the router takes one turn."""
    own = dict(desk.service.own_loops)
    for name in loops:
        await own[name](Once())


def trainer(desk: Desk, url: str, *, own_process: bool = False, **more: Any) -> Trainer:
    """As the router has one. Its process takes seconds to begin, so mostly it is run in here."""
    job = Job(url, None, more.pop("fewest_labels", 50))
    metrics = ModelMetrics.of(Metrics("router"))
    every = more.pop("every", timedelta(days=1))
    more.setdefault("run", run_training if own_process else _run_here)
    return Trainer(desk.service.database, desk.clock, job, every, metrics, **more)


async def _run_here(job: Job) -> Result:
    trained, base = await train_for(job)
    data = None if trained.model is None else to_bytes(trained.model)
    taught_by = TaughtBy.LEXICON if job.from_lexicon else TaughtBy.LABELS
    return Result(data, trained.promoted, trained.why, trained.metrics, taught_by, base)


async def train(desk: Desk, url: str, **more: Any) -> int | None:
    return await trainer(desk, url, **more).train_if_due(asyncio.Event())
