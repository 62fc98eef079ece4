"""Questions that were answered, and what is found of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from services.router.similar.worker import Indexer
from services.router.tables import postings, questions
from shared.db import Read
from shared.events.inquiries import InquiryAnswered, ReplyWithdrawn
from tests.services.router.desk import (
    Desk,
    Inquiry,
)

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


def withdrawal(one: Inquiry, answer: InquiryAnswered, *, revision: int) -> ReplyWithdrawn:
    return ReplyWithdrawn(
        inquiry_id=one.inquiry_id,
        conversation_id=one.conversation_id,
        message_id=answer.message_id,
        revision=revision,
        withdrawn_at=one.at,
        withdrawn_by="Carla",
    )
