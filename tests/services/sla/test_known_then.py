"""A past policy is explained with the holidays of then; a corrected table moves open clocks."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import holidays
import pytest

from services.sla.businesstime.calendar import calendar_for
from services.sla.businesstime.zone_rules import zone_digest
from services.sla.promises.policy_version import policy_version_from, policy_version_of
from shared.policy import load_policy
from tests.services.sla.desk import MONDAY_TEN, Inquiry, berlin, sla_bench, utc
from tests.services.sla.test_policy import apply_policy

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TUESDAY = date(2026, 3, 3)
NINE = "2026-03-03T09:00:00+01:00"


@contextmanager
def _table_with(monkeypatch: pytest.MonkeyPatch, day: date, name: str) -> Iterator[None]:
    """As after an update of the package that knows one holiday more."""
    shipped = holidays.country_holidays

    def corrected(*args: Any, **more: Any) -> Any:
        table = shipped(*args, **more)
        if "years" in more:
            table[day] = name
        return table

    with monkeypatch.context() as patched:
        patched.setattr(holidays, "country_holidays", corrected)
        calendar_for.cache_clear()
        yield
    calendar_for.cache_clear()


@contextmanager
def _zone_with_the_rules_of(other: str, folder: Path) -> Iterator[None]:
    """As after an update of the zones' files."""
    found = (Path(each) / other for each in zoneinfo.TZPATH)
    source = next((each for each in found if each.is_file()), None)
    if source is None:
        pytest.skip("no zone files on this machine: the package tzdata cannot be replaced here")
    (folder / "Europe").mkdir(parents=True)
    (folder / "Europe" / "Berlin").write_bytes(source.read_bytes())
    _forget_zones()
    zoneinfo.reset_tzpath(to=[str(folder)])
    try:
        yield
    finally:
        zoneinfo.reset_tzpath()
        _forget_zones()


def _forget_zones() -> None:
    zoneinfo.ZoneInfo.clear_cache()
    zone_digest.cache_clear()
    calendar_for.cache_clear()


async def test_a_corrected_table_moves_open_clocks_and_leaves_the_others(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_, ended = Inquiry(), Inquiry()
    async with sla_bench(database_url, tmp_path) as bench:
        await apply_policy(bench)
        await bench.hears(open_.received(), ended.received())
        await bench.hears(ended.answered(berlin("2026-03-03 09:00")))
        before = await bench.get(f"deadlines/{ended.id}/explanation", as_of=NINE)
    with _table_with(monkeypatch, TUESDAY, "Sondertag"):
        async with sla_bench(database_url, tmp_path, now=berlin("2026-03-03 09:30")) as bench:
            await apply_policy(bench)
            moved = (await bench.published(open_.id))[-1]
            assert (moved["type"], moved["due_at"]) == (
                "deadline.moved",
                utc(berlin("2026-03-04 10:00")),
            )
            shown = await bench.get(f"deadlines/{open_.id}/explanation")
            names = [each["name"] for each in shown["targets"][0]["intervals"]]
            assert "Sondertag" in names
            # What has ended is explained by what was known then.
            assert before == await bench.get(f"deadlines/{ended.id}/explanation", as_of=NINE)


async def test_other_rules_of_the_zone_move_open_clocks(database_url: str, tmp_path: Path) -> None:
    saturday = berlin("2026-03-07 12:00")
    open_, ended = Inquiry(received_at=saturday), Inquiry(received_at=saturday)
    async with sla_bench(database_url, tmp_path, now=saturday) as bench:
        await apply_policy(bench)
        await bench.hears(open_.received(), ended.received())
        await bench.hears(ended.answered(berlin("2026-03-07 12:30")))
        shown = await bench.get(f"deadlines/{ended.id}/explanation")
        assert shown["timezone_changed"] is False
    with _zone_with_the_rules_of("Europe/Athens", tmp_path / "zones"):
        async with sla_bench(database_url, tmp_path, now=berlin("2026-03-07 13:00")) as bench:
            await apply_policy(bench)
            started, moved = await bench.published(open_.id)
            assert moved["type"] == "deadline.moved"
            # On Monday at 17:00, which comes an hour earlier by the clocks of Athens.
            assert (started["due_at"], moved["due_at"]) == (
                utc(datetime(2026, 3, 9, 16, 0, tzinfo=UTC)),
                utc(datetime(2026, 3, 9, 15, 0, tzinfo=UTC)),
            )
            shown = await bench.get(f"deadlines/{ended.id}/explanation")
            assert shown["timezone_changed"] is True


def test_an_edition_holds_its_holidays_and_a_digest_of_the_zone(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy_version = policy_version_of(load_policy(None), now=MONDAY_TEN)
    known = json.loads(policy_version.document)["known"]
    assert known["holidays"]["2026-05-01"] == "Erster Mai"
    assert known["zone_digest"] == zone_digest("Europe/Berlin", date(2014, 1, 1), date(2035, 1, 1))
    with _table_with(monkeypatch, TUESDAY, "Sondertag"):
        assert policy_version_of(load_policy(None), now=MONDAY_TEN).key != policy_version.key
        again = policy_version_from(policy_version.key, policy_version.document, now=MONDAY_TEN)
        assert TUESDAY not in again.calendar.almanac.holidays
        assert again.calendar.rules == policy_version.calendar.rules
        # What an earlier release stored says nothing of holidays: the table of today holds.
        before = json.dumps({**json.loads(policy_version.document), "known": None})
        told = policy_version_from("k", before, now=MONDAY_TEN).calendar
        assert told.almanac.holidays[TUESDAY] == "Sondertag"
    with _zone_with_the_rules_of("Europe/Athens", tmp_path):
        assert policy_version_of(load_policy(None), now=MONDAY_TEN).key != policy_version.key
    assert policy_version_of(load_policy(None), now=MONDAY_TEN).key == policy_version.key
