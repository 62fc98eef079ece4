"""The report counts every inquiry once and computes its percentiles by nearest rank."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from tests.services.sla.desk import Inquiry, SlaBench, berlin, utc

MARCH = {"from": "2026-03-01T00:00:00+01:00", "to": "2026-04-01T00:00:00+02:00"}


async def _a_week(bench: SlaBench) -> None:
    answered = [Inquiry() for _ in range(10)]
    late, open_, spam = Inquiry(), Inquiry(), Inquiry()
    other, silent = Inquiry(channel="x"), [Inquiry(channel="youtube") for _ in range(3)]
    await bench.hears_together(
        *[each.received() for each in (*answered, late, open_, spam, other, *silent)]
    )
    await bench.hears_together(*
        [each.answered(each.received_at + timedelta(minutes=10 * n))
         for n, each in enumerate(answered, 1)]
    )  # fmt: skip
    await bench.hears(
        late.answered(berlin("2026-03-03 11:00")),
        spam.closed(berlin("2026-03-02 11:00"), "spam"),
        other.todo_created("technical"),
        silent[0].answered(berlin("2026-03-02 11:00")),
    )


async def test_groups_outcomes_and_times(bench: SlaBench) -> None:
    await _a_week(bench)
    bench.clock.set(berlin("2026-03-03 12:00"))
    report = await bench.get("reports/promise", **MARCH)
    assert (report["from"], report["group_by"]) == ("2026-02-28T23:00:00Z", "channel")
    email, x = report["lines"]
    assert email["group"] == "email"
    assert (email["promised"], email["met"], email["met_late"]) == (13, 10, 1)
    # Nobody answered one of them, and its time has passed although no timer ran.
    assert (email["breached"], email["open"], email["cancelled"]) == (1, 0, {"spam": 1})
    assert email["missed"] == 2
    # Eleven answers: 10, 20, ... 100 minutes, and the late one.
    assert email["wall_time"] == {"median_seconds": 3600, "p90_seconds": 6000}
    assert email["business_time"] == {"median_seconds": 3600, "p90_seconds": 6000}
    assert (x["group"], x["promised"], x["breached"]) == ("x", 1, 1)
    assert x["wall_time"] == {"median_seconds": None, "p90_seconds": None}
    (youtube,) = report["best_effort"]
    assert (youtube["count"], youtube["answered"], youtube["open"]) == (3, 1, 2)
    assert youtube["median_age_seconds"] == 26 * 3600
    assert youtube["oldest_received_at"] == utc(berlin("2026-03-02 10:00"))


async def test_totals_and_the_share_that_was_kept(bench: SlaBench) -> None:
    await _a_week(bench)
    bench.clock.set(berlin("2026-03-03 12:00"))
    report = await bench.get("reports/promise", week="2026-W10")
    email, x = report["lines"]
    # 10 kept, and 2 missed: one answered late, one not at all.
    assert (email["kept_percent"], x["kept_percent"]) == (83.3, 0.0)
    total = report["total"]
    counts = [total[name] for name in ("promised", "met", "met_late", "breached", "open", "missed")]
    assert counts == [14, 10, 1, 2, 0, 3]
    assert (total["cancelled"], total["kept_percent"]) == ({"spam": 1}, 76.9)
    assert total["wall_time"] == email["wall_time"]


async def test_a_report_of_nothing_says_so(bench: SlaBench) -> None:
    total = (await bench.get("reports/promise", week="2026-W10"))["total"]
    assert (total["promised"], total["kept_percent"], total["group"]) == (0, None, None)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ({"week": "2026-W13"}, "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
        ({"from": "2026-03-29", "to": "2026-03-29"},
         "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ({"from": "2026-03-29", "to": "2026-03-30T00:00:00Z"},
         "2026-03-28T23:00:00Z", "2026-03-30T00:00:00Z"),
        ({"week": "2026-W01"}, "2025-12-28T23:00:00Z", "2026-01-04T23:00:00Z"),
    ],
)  # fmt: skip
async def test_days_and_weeks_begin_in_the_zone_of_the_desk(
    bench: SlaBench, asked: dict[str, str], start: str, end: str
) -> None:
    report = await bench.get("reports/promise", **asked)
    assert (report["from"], report["to"], report["timezone"]) == (start, end, "Europe/Berlin")


async def test_other_groups(bench: SlaBench) -> None:
    await _a_week(bench)
    by_desk = await bench.get("reports/promise", group_by="desk", **MARCH)
    assert [(each["group"], each["promised"]) for each in by_desk["lines"]] == [
        (None, 13),
        ("technical", 1),
    ]
    by_week = await bench.get("reports/promise", group_by="week", **MARCH)
    assert [(each["group"], each["promised"]) for each in by_week["lines"]] == [("2026-W10", 14)]
    by_promise = await bench.get("reports/promise", group_by="promise", **MARCH)
    assert [(each["group"], each["promised"]) for each in by_promise["lines"]] == [("answer", 14)]


async def test_the_span_is_half_open(bench: SlaBench) -> None:
    await bench.hears(Inquiry(received_at=berlin("2026-03-02 10:00")).received())
    ten, eleven = berlin("2026-03-02 10:00").isoformat(), berlin("2026-03-02 11:00").isoformat()
    nine = berlin("2026-03-02 09:00").isoformat()
    assert len((await bench.get("reports/promise", **{"from": ten, "to": eleven}))["lines"]) == 1
    assert (await bench.get("reports/promise", **{"from": nine, "to": ten}))["lines"] == []


async def test_the_same_as_csv(bench: SlaBench) -> None:
    await _a_week(bench)
    bench.clock.set(berlin("2026-03-03 12:00"))
    answer = await bench.http.get("/sla/v1/reports/promise", params={**MARCH, "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="promise.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["class"], row["group"]) for row in rows] == [
        ("promised", "email"),
        ("promised", "x"),
        ("promised_total", ""),
        ("best_effort", "youtube"),
    ]
    assert (rows[0]["met"], rows[0]["cancelled"], rows[3]["count"]) == ("10", "spam=1", "3")
    assert [row["kept_percent"] for row in rows] == ["83.3", "0.0", "76.9", ""]


async def test_wrong_reports(bench: SlaBench) -> None:
    wrong = [
        {"from": MARCH["to"], "to": MARCH["from"]},
        {"from": MARCH["from"], "to": MARCH["from"]},
        {"from": "2026-03-01T00:00:00", "to": MARCH["to"]},
        {"to": MARCH["to"]},
        {"from": MARCH["from"]},
        {},
        {"from": "2026-03-08", "to": "2026-03-07"},
        {"from": "2026-02-30", "to": "2026-03-07"},
        {"from": "1970-01-01", "to": "2026-03-07"},
        {"from": "9999-12-31", "to": "9999-12-31"},
        {"week": "2026-W54"},
        {"week": "2026-10"},
        {"week": "9999-W52"},
        {"week": "2026-W10", "from": "2026-03-01"},
        {**MARCH, "group_by": "mood"},
        {**MARCH, "format": "xls"},
    ]
    for params in wrong:
        answer = await bench.http.get("/sla/v1/reports/promise", params=params)
        assert answer.status_code == 422, params
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["errors"][0]["expected"], params
