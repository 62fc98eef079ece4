"""The report on routing: what was decided against what people made of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from services.router.tables import labels, shadow_decisions, todos
from shared.db import Write
from shared.runtime.ids import new_id
from tests.services.router.desk import READER, Desk, Inquiry
from tests.services.router.learning_desk import runs

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
IN_NOVEMBER = {"from": "2026-11-01", "to": "2026-11-30"}


def _add(tx: Write, rows: list[dict[str, Any]]) -> None:
    """Rows: decided kind, first desk, decided_by, label, when, and what version 9 would do."""
    for row in rows:
        inquiry, at = new_id(), row.get("at", MONDAY)
        tx.execute(
            insert(todos).values(
                id=new_id(), inquiry_id=inquiry, conversation_id=new_id(), channel="email",
                desk=row["first_desk"], state="open", first_desk=row["first_desk"],
                kind=row["kind"], confidence=0.9, reasons=[], received_at=at, created_at=at,
                due_at=at, message_count=1, latest_message_id=new_id(),
                decided_by=row.get("by", "lexicon"),
            )
        )  # fmt: skip
        if "label" in row:
            kind, desk = row["label"]
            tx.execute(
                insert(labels).values(
                    inquiry_id=inquiry, received_at=at, kind=kind, desk=desk, source="moved",
                    weight=1.0, at=at,
                )
            )  # fmt: skip
        if "would" in row:
            kind, desk = row["would"]
            tx.execute(
                insert(shadow_decisions).values(
                    inquiry_id=inquiry, version=9, received_at=at, kind=kind, desk=desk,
                    confidence=0.9,
                )
            )  # fmt: skip


TECHNICAL, GENERAL = ("technical", "technical"), ("general", "inbound")


def decided(kind: str, first_desk: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "first_desk": first_desk, **more}


ROWS = [
    *[decided(*TECHNICAL, label=TECHNICAL, would=TECHNICAL)] * 7,
    decided(*TECHNICAL, label=GENERAL, would=GENERAL),
    decided(*TECHNICAL),
    *[decided(*GENERAL, by="model:7", label=GENERAL)] * 3,
    decided(*GENERAL, by="model:7", label=("general", "sales")),
    decided(*GENERAL, by="addressed_desk"),
    decided("unsure", "review", label=TECHNICAL, would=TECHNICAL),
    decided("netiquette", "review", by="netiquette", label=("netiquette", None)),
    decided("netiquette", "review", by="netiquette", label=GENERAL),
    decided("netiquette", "review", by="netiquette"),
    decided("spam", "review", by="spam", label=("spam", None)),
    decided(*TECHNICAL, at=MONDAY - timedelta(days=7), label=("spam", None)),
    decided(*TECHNICAL, at=MONDAY + timedelta(days=30)),
]  # fmt: skip


@pytest.fixture
async def report(desk: Desk) -> dict[str, Any]:
    await desk.service.database.write(_add, ROWS)
    found: dict[str, Any] = await desk.get("/reports/routing", key=READER, **IN_NOVEMBER)
    return found


async def test_the_total_and_the_weeks(report: dict[str, Any]) -> None:
    total = report["total"]
    assert total == {
        "received": 20,
        "addressed": 1,
        "alone": 14,
        "review": 5,
        "labelled": 13,
        "right": 10,
        "alone_percent": 73.6,
        "right_percent": 76.9,
    }
    weeks = {each["week"]: each for each in report["weeks"]}
    assert list(weeks) == [f"2026-W{week}" for week in (44, 45, 46, 47, 48, 49)]
    assert weeks["2026-W47"]["received"] == 1
    assert weeks["2026-W48"]["received"] == total["received"] - 1
    assert weeks["2026-W44"]["alone_percent"] is None
    assert (report["from"], report["timezone"]) == ("2026-10-31T23:00:00Z", "Europe/Berlin")


async def test_kinds_and_versions(report: dict[str, Any]) -> None:
    kinds = {each["kind"]: each for each in report["kinds"]}
    assert set(kinds) == {"technical", "general", "netiquette", "spam"}
    assert (kinds["technical"]["right"], kinds["technical"]["wrong"]) == (7, 2)
    assert kinds["technical"]["precision_percent"] == 77.7
    suspected = kinds["netiquette"]
    assert [suspected[each] for each in ("decided", "right", "wrong")] == [3, 1, 1]
    by = {each["decided_by"]: each for each in report["by"]}
    assert (by["model:7"]["labelled"], by["model:7"]["right_percent"]) == (4, 75.0)
    assert by["addressed_desk"]["addressed"] == 1


async def test_confusion_and_what_another_version_would_have_done(report: dict[str, Any]) -> None:
    cells = {
        (c["decided_kind"], c["decided_desk"], c["label_kind"], c["label_desk"]): c["count"]
        for c in report["confusion"]
    }
    assert cells["technical", "technical", "technical", "technical"] == 7
    assert cells["technical", "technical", "general", "inbound"] == 1
    assert cells["technical", "technical", "spam", None] == 1
    assert cells["general", "inbound", "general", "sales"] == 1
    assert cells["unsure", "review", "technical", "technical"] == 1
    assert sum(cells.values()) == 17
    assert report["watched"] == [
        {
            "version": 9,
            "inquiries": 9,
            "alone": 9,
            "different": 2,
            "right": 9,
            "wrong": 0,
            "were_right": 7,
            "were_wrong": 1,
        }
    ]


async def test_it_follows_what_people_do(desk: Desk) -> None:
    one = Inquiry(desk.clock.now())
    await desk.hears(one.received("Der Server ist abgestürzt."))
    before = await desk.get("/reports/routing", week="2026-W48")
    assert (before["total"]["alone"], before["total"]["labelled"]) == (1, 0)
    await desk.hears(one.answered())
    await runs(desk, "labels")
    after = await desk.get("/reports/routing", week="2026-W48")
    assert (after["total"]["labelled"], after["total"]["right_percent"]) == (1, 100.0)


@pytest.mark.parametrize(
    "span",
    [
        {},
        {"from": "2026-11-01"},
        {"week": "2026-47"},
        {"from": "2026-11-02", "to": "2026-11-01"},
        {"from": "2024-01-01", "to": "2026-01-01"},
    ],
)
async def test_what_is_no_span(desk: Desk, span: dict[str, str]) -> None:
    answer = await desk.request("GET", "/reports/routing", params=span)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:inbound-desk:problem:wrong-span"
