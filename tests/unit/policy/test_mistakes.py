"""Each mistake is named by its key: what is wrong, and what would be right."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy import Policy, PolicyError, parse_policy
from tests.unit.policy.raw import problems, shipped


def put(raw: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Set `a.b.0.c`, making tables on the way."""
    *way, last = path.split(".")
    here: Any = raw
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here.setdefault(step, {})
    here[int(last) if isinstance(here, list) else last] = value
    return raw


CASES: tuple[tuple[str, object, str, str, str], ...] = (
    ("form.channel", "web_from", "form.channel", 'no channel "web_from"', '"web_form"'),
    ("form.email", "maybe", "form.email", "maybe", "required"),
    ("form.embed", ["www.example.org"], "form.embed[0]", "not the address of a site", "https://"),
    ("form.embed", ["https://a.example/x"], "form.embed[0]", "not the address", "without a path"),
    ("form.embed", ["https://a; script-src *"], "form.embed[0]", "not the address", "https://"),
    ("form.embed", ["http://example.org"], "form.embed[0]", "can be changed", "https://"),
    ("form.embed", [7], "form.embed[0]", "7 is not", "https://"),
    ("form.privacy_url", "javascript:alert(1)", "form.privacy_url", "not a web address", "https"),
    ("form.privacy_notice", {"de": "Nur so."}, "form.privacy_notice.en", "missing", ""),
    ("calendar.timezone", "Europe/Berlinn", "calendar.timezone", "not a known", '"Europe/Berlin"'),
    ("calendar.timezone", "../etc", "calendar.timezone", "not a known time zone", "such as"),
    ("calendar.timezone", 1, "calendar.timezone", "1 is not text", "quotes"),
    (
        "calendar.hours.monday",
        ["09:00-17:00", "25:00-26:00"],
        "calendar.hours.monday[1]",
        "no time 25:00",
        "00:00 to 24:00",
    ),
    ("calendar.hours.monday", ["08:60-09:30"], "calendar.hours.monday[0]", "08:60", "a time"),
    (
        "calendar.hours.monday",
        ["17:00-09:00"],
        "calendar.hours.monday[0]",
        "ends before it starts",
        '"09:00-17:00", or "17:00-09:00+1"',
    ),
    ("calendar.hours.monday", ["09:00-09:00"], "calendar.hours.monday[0]", "empty", "00:00-24:00"),
    ("calendar.hours.monday", ["24:00-24:00"], "calendar.hours.monday[0]", "24:00", "00:00"),
    ("calendar.hours.monday", ["9-17"], "calendar.hours.monday[0]", "not an opening", "09:00"),
    ("calendar.hours.monday", [9], "calendar.hours.monday[0]", "9 is not an opening", "09:00"),
    ("calendar.hours.monday", "09:00-17:00", "calendar.hours.monday", "not a list", "brackets"),
    (
        "calendar.hours.monday",
        ["13:00-17:00", "09:00-13:30"],
        "calendar.hours.monday[0]",
        "starts at 13:00, while monday[1] (09:00-13:30) is still open",
        "not overlap",
    ),
    (
        "calendar.hours.monday",
        ["22:00-10:00+1"],
        "calendar.hours.tuesday[0]",
        "starts at 09:00, while monday[0] (22:00-10:00+1) is still open",
        "not overlap",
    ),
    (
        "calendar.hours.sunday",
        ["22:00-10:00+1"],
        "calendar.hours.monday[0]",
        "starts at 09:00, while sunday[0]",
        "not overlap",
    ),
    (
        "calendar.hours.sunday",
        ["08:00-10:00+1"],
        "calendar.hours.sunday[0]",
        "24 hours",
        "next day",
    ),
    ("calendar.hours", {"monday": []}, "calendar.hours", "never opens", "monday ="),
    ("calendar.hours.mondy", [], "calendar.hours.mondy", "no such key", '"monday"'),
    ("calendar.holidays.country", "Germany", "calendar.holidays.country", "Germany", '"DE"'),
    ("calendar.holidays.country", "de", "calendar.holidays.country", "no holidays", '"DE"'),
    ("calendar.holidays.subdivision", "Berlin", "calendar.holidays.subdivision", "Berlin", '"BE"'),
    ("calendar.holidays.subdivision", "XX", "calendar.holidays.subdivision", "no part", '"BB"'),
    (
        "calendar.closures",
        [{"from": date(2026, 12, 30), "to": date(2026, 12, 28), "name": "x"}],
        "calendar.closures[0].to",
        "before",
        "last closed day",
    ),
    (
        "calendar.closures",
        [{"from": date(2026, 1, 1), "to": date(2027, 1, 2), "name": "x"}],
        "calendar.closures[0].to",
        "longer than a year",
        "366",
    ),
    (
        "calendar.closures",
        [{"from": "2026-12-30", "to": date(2026, 12, 30), "name": "x"}],
        "calendar.closures[0].from",
        "not a day",
        "without quotes",
    ),
    (
        "calendar.overrides",
        [{"date": date(2026, 12, 24), "hours": [], "name": x} for x in ("a", "b")],
        "calendar.overrides[1].date",
        "already has hours at overrides[0]",
        "one entry",
    ),
    (
        "calendar.overrides",
        [{"date": date(2026, 12, 24), "hours": ["09:00-12:00", "11:00-13:00"], "name": "a"}],
        "calendar.overrides[0].hours[1]",
        "11:00-13:00 overlaps with 09:00-12:00",
        "not overlap",
    ),
    ("calendar.ical_file", "nowhere.ics", "calendar.ical_file", "no file", "relative"),
    (
        "channels.facebook.service_level",
        "promissed",
        "channels.facebook.service_level",
        "not known",
        '"promised"',
    ),
    (
        "channels.facebook.conector",
        "api",
        "channels.facebook.conector",
        "no such key",
        '"connector"',
    ),
    ("channels.facebook.desk", "tecnical", "channels.facebook.desk", "no desk", '"technical"'),
    (
        "channels.facebook.reply_window_hours",
        0,
        "channels.facebook.reply_window_hours",
        "is too small",
        "at least 1",
    ),
    (
        "channels.Web Form",
        {"connector": "api", "service_level": "promised"},
        'channels."Web Form"',
        "cannot be used as a name",
        "small letters",
    ),
    ("channels", {}, "channels", "no channel", "[channels.NAME]"),
    ("desks.inbound.title", "General", "desks.inbound.title", "not a table", "keys and values"),
    ("desks.inbound.handles", ["@a", "@A"], "desks.inbound.handles[1]", "listed twice", "[0]"),
    ("promises.0.first_answer", "-3h", "promises[0].first_answer", "negative", "24h"),
    ("promises.0.first_answer", "0h", "promises[0].first_answer", "no time at all", "more than"),
    ("promises.0.first_answer", 24, "promises[0].first_answer", "not a duration", "24h"),
    ("promises.0.first_answer", "24", "promises[0].first_answer", "not a duration", "unit"),
    ("promises.0.first_answer", "999999d", "promises[0].first_answer", "longer than", "366"),
    ("promises.0.counting", "working-day", "promises[0].counting", "not known", '"working-days"'),
    ("promises.0.warn", ["100%"], "promises[0].warn[0]", "100%", "99%"),
    ("promises.0.warn", ["soon"], "promises[0].warn[0]", "not a warning level", "75%"),
    ("promises.0.warn", ["24h"], "promises[0].warn[0]", "no later than the start", "less"),
    ("promises.0.warn", ["60m", "1h"], "promises[0].warn[1]", "listed twice", "[0]"),
    ("promises.0.hand_over", "2d", "promises[0].hand_over", "longer than the answer", "at most"),
    ("promises.0.folow_up", "2d", "promises[0].folow_up", "no such key", '"follow_up"'),
    (
        "promises.0.match",
        {"desks": ["inbond"]},
        "promises[0].match.desks[0]",
        "no desk",
        '"inbound"',
    ),
    (
        "promises.0.match",
        {"channels": ["facebok"]},
        "promises[0].match.channels[0]",
        "no channel",
        '"facebook"',
    ),
    (
        "promises.0.match",
        {"channels": ["youtube"]},
        "promises[0].match.channels[0]",
        "best effort",
        '"promised"',
    ),
    (
        "promises.0.match",
        {"channels": ["x"]},
        "channels.email.service_level",
        "no promise says",
        "[[promises]]",
    ),
    (
        "promises.0.match",
        {"hashtags": ["#iicco"]},
        "promises[0].match.hashtags[0]",
        "not defined",
        '"iico"',
    ),
    (
        "promises.0.match",
        {"contacts": ["me"]},
        "promises[0].match.contacts[0]",
        "is not an id",
        "an id such as",
    ),
    ("promises", [], "channels.x.service_level", "no promise", "best_effort"),
    (
        "hashtags.company",
        ["infopark", "#InfoPark"],
        "hashtags.company[1]",
        "defined twice",
        "hashtags.company[0]",
    ),
    (
        "hashtags.company",
        ["iico", "infopark"],
        "hashtags.events[1].tag",
        "#iico is defined twice",
        "hashtags.company[0]",
    ),
    ("hashtags.events.1.tag", "iico2013", "hashtags.events[1].tag", "carries a year", "without"),
    (
        "hashtags.events.1.always_with_year",
        "yes",
        "hashtags.events[1].always_with_year",
        "neither true nor false",
        "without quotes",
    ),
    ("routing.min_confidence", 0.2, "routing.min_confidence", "is too small", "at least 0.5"),
    ("routing.technical_terms.de", ["a*b"], "routing.technical_terms.de[0]", "* inside", "end"),
    ("routing.technical_terms.de", ["*a b"], "routing.technical_terms.de[0]", "phrase", "single"),
    (
        "routing.technical_terms.de",
        ["*"],
        "routing.technical_terms.de[0]",
        "without a letter",
        "words",
    ),
    (
        "routing.technical_terms.de",
        ["*ab*"],
        "routing.technical_terms.de[0]",
        "almost everything",
        "4 after",
    ),
    (
        "routing.general_terms.en",
        ["fiona"],
        "routing.general_terms.en[0]",
        "is already listed",
        "one kind",
    ),
    ("routing.general_terms.en", ["#nope"], "routing.general_terms.en[0]", "not defined", "one of"),
    (
        "routing.technical_terms.weights.fionna",
        2,
        "routing.technical_terms.weights.fionna",
        "none of the lists",
        '"fiona"',
    ),
    ("netiquette.de", "  ", "netiquette.de", "is empty", "some text"),
    ("netiquette.en", 3, "netiquette.en", "3 is not text", "quotes"),
    ("retention.log_days", True, "retention.log_days", "true is not a whole number", "number"),
    ("retention.log_days", 30, "retention.log_days", "is too large", "at most 29"),
    ("retention.messages_days", 7, "retention.messages_days", "14", "at least log_days"),
    ("retention.spam_days", 7, "retention.spam_days", "after 7 days", "at least log_days"),
    ("retention.netiquette_days", 0, "retention.netiquette_days", "too small", "at least 1"),
    ("routing.netiquette_verdicts", 3, "routing.netiquette_verdicts", "too large", "at most 2"),
    ("chanels", {}, "chanels", "no such section", '"channels"'),
)


@pytest.mark.parametrize(("path", "value", "where", "wrong", "right"), CASES)
def test_a_mistake_is_named(path: str, value: object, where: str, wrong: str, right: str) -> None:
    found = problems(put(shipped(), path, value))
    assert where in found, found
    assert wrong in found[where][0]
    assert right in found[where][1]


@pytest.mark.parametrize("section", ["company", "channels", "desks", "calendar", "promises"])
def test_a_missing_section_is_named(section: str) -> None:
    raw = shipped()
    del raw[section]
    assert problems(raw)[section][0] == "is missing"


def test_a_missing_key_is_named() -> None:
    raw = shipped()
    del raw["channels"]["facebook"]["connector"]
    assert problems(raw) == {
        "channels.facebook.connector": (
            "is missing",
            "this key with a value, as in the shipped desk.toml",
        )
    }


@pytest.mark.parametrize("desk", ["technical", "inbound", "review"])
def test_a_missing_desk_is_named(desk: str) -> None:
    raw = shipped()
    del raw["desks"][desk]
    assert problems(raw)[f"desks.{desk}"][0] == "this desk is missing"


def test_one_word_addresses_one_desk() -> None:
    raw = shipped()
    for desk in ("technical", "inbound"):
        raw["desks"][desk]["handles"] = ["@Infopark_Hilfe"]
    assert list(problems(raw)) == ["desks.inbound.handles[0]"]


def test_two_promises_have_two_names() -> None:
    raw = shipped()
    raw["promises"] *= 2
    assert problems(raw)["promises[1].name"][1] == "a name of its own"


@pytest.mark.parametrize("term", ["", " ", "*", "* *", "* words", "a*b", "*two words", "a **"])
def test_a_term_that_cannot_be_meant_is_refused(term: str) -> None:
    raw = put(shipped(), "routing.general_terms.en", [term])
    assert "routing.general_terms.en[0]" in problems(put(raw, "routing.general_terms.weights", {}))


def test_all_mistakes_of_all_sections_are_named_at_once() -> None:
    raw = shipped()
    put(raw, "calendar.timezone", "Mars/Olympus")
    put(raw, "calendar.hours.monday", ["09:00-17:00", "16:00-18:00"])
    put(raw, "promises.0.first_answer", "-1h")
    raw["promises"].append({"name": "second"})
    put(raw, "channels.x.service_level", "sometimes")
    put(raw, "netiquette.fr", "non")
    put(raw, "routing.min_confidence", 7.0)
    assert set(problems(raw)) == {
        "calendar.timezone",
        "calendar.hours.monday[1]",
        "promises[0].first_answer",
        "promises[1].first_answer",
        "channels.x.service_level",
        "netiquette.fr",
        "routing.min_confidence",
    }


def test_contradictions_are_named_between_the_sections_that_are_valid() -> None:
    raw = shipped()
    second = {"name": "second", "first_answer": "1h", "match": {"channels": ["facebok"]}}
    raw["promises"].append(second)
    put(raw, "hashtags.company", ["iico"])
    put(raw, "routing.general_terms.en", ["#iicco"])
    put(raw, "routing.general_terms.weights", {})
    contradictions = {
        "promises[1].match.channels[0]",
        "hashtags.events[1].tag",
        "routing.general_terms.en[0]",
    }
    assert set(problems(raw)) == contradictions
    put(raw, "netiquette.fr", "non")
    assert set(problems(raw)) == {*contradictions, "netiquette.fr"}
    put(raw, "routing.min_confidence", 7.0)
    assert "routing.general_terms.en[0]" not in problems(raw)


def test_the_error_reads_as_a_list() -> None:
    raw = put(put(shipped(), "retention.log_days", "x"), "calendar.timezone", "x")
    with pytest.raises(PolicyError) as refused:
        parse_policy(raw)
    lines = str(refused.value).splitlines()
    assert len(lines) == len(refused.value.problems) == 2
    assert lines[0].startswith("- calendar.timezone: ")


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.sampled_from(["09:00-17:00", "24h", "75%", "promised", "technical", "iico", "DE", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10) | st.sampled_from(["de", "name"]), inner, max_size=4)
    ),
    max_leaves=8,
)


def _paths(value: object, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    found = []
    for key, inner in steps:
        found.append((*way, str(key)))
        if isinstance(inner, dict | list):
            found += _paths(inner, (*way, str(key)))
    return found


_PATHS = [path for path in _paths(shipped()) if not any("." in step for step in path)]


def _only_policy_errors(raw: dict[str, Any]) -> None:
    try:
        parse_policy(raw)
    except PolicyError as error:
        refused = error.problems
    else:
        return
    assert refused
    for problem in refused:
        assert problem.path
        assert problem.wrong
        assert problem.right
        assert "\n" not in str(problem)


@given(st.dictionaries(st.sampled_from(list(Policy.model_fields)) | st.text(), _VALUES))
def test_arbitrary_tables_are_refused_politely(raw: dict[str, Any]) -> None:
    _only_policy_errors(raw)


@given(st.lists(st.tuples(st.sampled_from(_PATHS), _VALUES), min_size=1, max_size=3))
def test_arbitrary_values_in_the_shipped_policy(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    raw = shipped()
    for path, value in changes:
        try:
            put(raw, ".".join(path), value)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            continue  # an earlier change has taken this place away
    _only_policy_errors(raw)
