"""The holidays of Berlin, written out: an update of the package must not move a deadline unseen."""

import os
import subprocess
import sys
from datetime import date
from typing import Final

import pytest

from services.sla.businesstime.holidays_source import Region, public_holidays
from tests.unit.sla.builders import berlin

FIXED: Final = {
    "01-01": "Neujahr",
    "03-08": "Frauentag",
    "05-01": "Erster Mai",
    "10-03": "Tag der Deutschen Einheit",
    "12-25": "Erster Weihnachtstag",
    "12-26": "Zweiter Weihnachtstag",
}
MOVABLE: Final = ("Karfreitag", "Ostermontag", "Christi Himmelfahrt", "Pfingstmontag")
MOVABLE_DATES: Final = {
    2024: ("03-29", "04-01", "05-09", "05-20"),
    2025: ("04-18", "04-21", "05-29", "06-09"),
    2026: ("04-03", "04-06", "05-14", "05-25"),
    2027: ("03-26", "03-29", "05-06", "05-17"),
    2028: ("04-14", "04-17", "05-25", "06-05"),
}
ONE_OFF: Final = {
    2025: {
        "05-08": "80. Jahrestag der Befreiung vom Nationalsozialismus"
        " und der Beendigung des Zweiten Weltkriegs in Europa"
    },
    2028: {"06-17": "75. Jahrestag des Aufstandes vom 17. Juni 1953"},
}


@pytest.mark.parametrize("year", MOVABLE_DATES)
def test_berlin(year: int) -> None:
    wanted = FIXED | dict(zip(MOVABLE_DATES[year], MOVABLE, strict=True)) | ONE_OFF.get(year, {})
    found = berlin().holidays(date(year, 1, 1), date(year, 12, 31))
    assert found == sorted((date.fromisoformat(f"{year}-{d}"), name) for d, name in wanted.items())


def test_the_table_cannot_be_changed() -> None:
    table = public_holidays(Region("DE", "BE", "de"), range(2026, 2027))
    with pytest.raises(TypeError):
        table[date(2026, 1, 2)] = "x"  # type: ignore[index]


def test_names_do_not_follow_the_locale_of_the_process() -> None:
    code = (
        "from services.sla.businesstime.holidays_source import Region, public_holidays as p;"
        "print(sorted(p(Region('DE', 'BE'), range(2026, 2027)).items())[1][1])"
    )
    environment = {**os.environ, "LANG": "en_US.UTF-8", "LANGUAGE": "en_US", "LC_ALL": "C.UTF-8"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "Frauentag"
