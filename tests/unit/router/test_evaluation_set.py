"""The evaluation sets of the router are whole, balanced, and what their page describes."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from rapidfuzz import fuzz

from eval.router.counts import company_tables, digest, tables
from eval.router.dataset import (
    CHANNELS,
    COMPANY_FOLDER,
    DECIDED_ON,
    FOLDER,
    KINDS,
    LANGUAGES,
    LabelledInquiry,
    read_company,
    read_inquiries,
)
from tests.architecture.source import page

INQUIRIES = read_inquiries()
COMPANY = read_company()
each_set = pytest.mark.parametrize("inquiries", [INQUIRIES, COMPANY], ids=["many", "company"])
each_folder = pytest.mark.parametrize("folder", [FOLDER, COMPANY_FOLDER], ids=["many", "company"])
LEAST = {
    "technical": 170, "general": 170, "netiquette": 45, "spam": 45, "no_answer_needed": 60,
}  # fmt: skip
"""How many of each kind a share is worth naming for."""
WITH_SUBJECTS = {"email", "web_form"}
NEARLY_THE_SAME = 60
"""Percent of rapidfuzz's ratio. The nearest two, short questions, are at 58 and at 59.7."""
WORTH_COMPARING = 20
"""Characters. "Danke" and "Danke!" are what people write."""
ADDRESS = re.compile(r"\w[\w.-]*@([\w.-]+\.\w+)|\b(?:https?://|www\.)([\w.-]+)")
PHONE_NUMBER = re.compile(r"(?:\+|\b00?)[1-9][\d /-]{6,}\d")


@each_set
def test_every_line_is_well_formed(inquiries: list[LabelledInquiry]) -> None:
    for each in inquiries:
        assert re.fullmatch(r"\d\d-\d\d", each.id), each
        assert each.kind in KINDS, each
        assert each.lang in LANGUAGES, each
        assert each.channel in CHANNELS, each
        assert each.industry.isalpha(), each
        assert each.text.strip() == each.text != "", each
        assert set(each.also_right) <= set(KINDS) - {each.kind}, each
        assert each.subject is None or each.channel in WITH_SUBJECTS, each


@each_folder
def test_lines_are_json_as_it_is_read_by_people(folder: Path) -> None:
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
            assert json.dumps(json.loads(line), ensure_ascii=False) == line, path


@each_folder
def test_an_id_says_its_file_and_is_given_once(folder: Path) -> None:
    for path in folder.glob("*.jsonl"):
        ids = [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]
        assert ids == [f"{path.stem}-{number:02}" for number in range(1, len(ids) + 1)]


def test_every_kind_has_enough_to_say_something_about_it() -> None:
    counts = Counter(each.kind for each in INQUIRIES)
    assert {kind: counts[kind] for kind in KINDS if counts[kind] < LEAST[kind]} == {}


def test_most_is_german_as_the_companies_are() -> None:
    german = sum(each.lang == "de" for each in INQUIRIES) / len(INQUIRIES)
    assert 0.55 <= german <= 0.65


def test_the_angry_have_a_concern_and_are_never_a_matter_of_netiquette() -> None:
    angry = [each for each in INQUIRIES if "angry" in each.note]
    assert len(angry) >= 60
    assert {kind for each in angry for kind in each.right} <= {"technical", "general"}


def test_what_comes_after_an_answer_is_not_always_thanks() -> None:
    counts = Counter(each.kind for each in INQUIRIES if each.after_answer)
    assert counts["technical"] + counts["general"] >= 20
    assert counts["no_answer_needed"] >= 30


@each_set
def test_nothing_is_there_nearly_twice(inquiries: list[LabelledInquiry]) -> None:
    texts = [(each.id, each.text.casefold()) for each in inquiries]
    assert len({text for _, text in texts}) == len(texts)
    near = [
        (one, other)
        for (one, text), (other, another) in combinations(texts, 2)
        if min(len(text), len(another)) >= WORTH_COMPARING
        and fuzz.ratio(text, another, score_cutoff=NEARLY_THE_SAME)
    ]
    assert near == []


@each_set
def test_nobody_is_reached_by_an_address_or_a_number_in_it(
    inquiries: list[LabelledInquiry],
) -> None:
    for each in inquiries:
        written = f"{each.subject or ''}\n{each.text}"
        hosts = {mail or web for mail, web in ADDRESS.findall(written)}
        assert all(re.search(r"(^|\.)example(\.org)?$", host) for host in hosts), each.id
        assert not PHONE_NUMBER.search(written), each.id


def test_the_company_is_asked_about_two_kinds_in_two_languages() -> None:
    assert {each.industry for each in COMPANY} == {"heating"}
    kinds = Counter(each.kind for each in COMPANY)
    assert kinds.keys() == {"technical", "general"}
    assert 0.45 <= kinds["technical"] / len(COMPANY) <= 0.55
    languages = Counter(each.lang for each in COMPANY)
    assert languages.keys() == {"de", "en", "mixed"}
    assert 0.7 <= languages["de"] / len(COMPANY) <= 0.78


def test_the_company_s_year_is_long_enough_for_a_thousand_corrections() -> None:
    assert len(COMPANY) - DECIDED_ON >= 1_000
    decided_on = Counter(each.kind for each in COMPANY[-DECIDED_ON:])
    assert min(decided_on.values()) >= 100


def test_the_company_s_customers_write_as_much_as_people_do() -> None:
    words = [len(each.text.split()) for each in COMPANY]
    assert max(words) <= 150
    assert sum(10 <= count <= 45 for count in words) / len(words) >= 0.8


def test_the_page_describes_the_sets_as_they_are() -> None:
    text = page("eval/router/README.md")
    remedy = "put what `python -m eval.router.counts` prints into eval/router/README.md"
    assert tables(INQUIRIES) in text, remedy
    assert company_tables(COMPANY) in text, remedy
    for folder in (FOLDER, COMPANY_FOLDER):
        frozen = f"{folder.name} is frozen; see there how it is changed, then {remedy}"
        assert digest(folder) in text, frozen
