"""The policy in plain sentences says what the file says."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.cli.policy.sentences import Language, sentences
from shared.policy import load_policy, parse_policy
from tests.unit.policy.raw import shipped


def told(language: Language, **changes: Any) -> str:
    raw = shipped()
    for key, value in changes.items():
        raw[key].update(value) if isinstance(value, dict) else raw.update({key: value})
    return "\n".join(sentences(parse_policy(raw), language))


def told_with_form(language: Language, form: dict[str, Any]) -> str:
    return "\n".join(sentences(parse_policy({**shipped(), "form": form}), language))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            [
                "on facebook, instagram, x, linkedin, mastodon, email, web_form and hotline.",
                "On youtube, slideshare, flickr and pinterest we answer as well as we can",
                "hotline goes straight to the desk technical",
                "open Monday to Friday 9:00 to 17:00 (Europe/Berlin)",
                "public holidays of Berlin (Germany)",
                "first answer within 24 hours",
                "Friday at 16:00 is due on Monday at 16:00",
                "when 75 % of the time is used and 1 hour of opening time before the end",
                "14 days at the most",
                "#infopark, #clouddevcamp, #iico and #ipfriends",
                "The event log keeps 14 days.",
            ],
        ),
        (
            "de",
            [
                "auf facebook, instagram, x, linkedin, mastodon, email, web_form und hotline",
                "Auf youtube, slideshare, flickr und pinterest antworten wir, so gut wir können",
                "direkt an das Team technical",
                "Montag bis Freitag 9:00 bis 17:00 (Europe/Berlin)",
                "Feiertagen von Berlin (Deutschland)",
                "erste Antwort innerhalb von 24 Stunden",
                "Freitag um 16:00 Uhr eingeht, ist am Montag um 16:00 Uhr fällig",
                "bei 75 % der Frist und 1 Stunde Öffnungszeit vor dem Ende",
                "#infopark, #clouddevcamp, #iico und #ipfriends",
            ],
        ),
    ],
)
def test_the_shipped_policy(language: Language, expected: list[str]) -> None:
    text = "\n".join(sentences(load_policy(), language))
    for sentence in expected:
        assert sentence in text
    assert "{" not in text


def test_the_form_is_told() -> None:
    assert "the form at /form; it comes in on web_form." in told("en")
    form = {"email": "optional", "embed": ["https://www.example.org"], "channel": "hotline"}
    text = told_with_form("de", form)
    assert "es geht über hotline ein" in text
    assert "E-Mail-Adresse müssen sie dort nicht" in text
    assert "in Seiten von https://www.example.org" in text
    assert "There is no form" in told_with_form("en", {"enabled": False})


def test_hours_are_told_compactly() -> None:
    hours = {
        "monday": ["09:00-12:00", "13:00-17:30"],
        "tuesday": ["09:00-12:00", "13:00-17:30"],
        "saturday": ["22:00-06:00+1"],
        "sunday": ["10:00-24:00"],
    }
    assert (
        "Monday and Tuesday 9:00 to 12:00 and 13:00 to 17:30; "
        "Saturday 22:00 to 6:00 of the next day; Sunday 10:00 to 24:00"
    ) in told("en", calendar={"hours": hours})


def test_closures_and_overrides_are_told_by_name() -> None:
    calendar = {
        "closures": [
            {"from": date(2026, 12, 28), "to": date(2026, 12, 30), "name": "Betriebsferien"},
            {"from": date(2026, 6, 5), "to": date(2026, 6, 5), "name": "Sommerfest"},
        ],
        "overrides": [
            {"date": date(2026, 12, 24), "hours": ["09:00-12:00"], "name": "Heiligabend"},
            {"date": date(2026, 12, 31), "hours": [], "name": "Silvester"},
        ],
    }
    text = told("de", calendar=calendar)
    assert "vom 28. Dezember 2026 bis zum 30. Dezember 2026 (Betriebsferien)" in text
    assert "am 5. Juni 2026 (Sommerfest)" in text
    assert "Am 24. Dezember 2026 ist 9:00 bis 12:00 geöffnet (Heiligabend)" in text
    assert "am 31. Dezember 2026 (Silvester)" in text
    assert "closed on 31 December 2026 (Silvester)" in told("en", calendar=calendar)


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_optional_part_has_its_sentence(language: Language) -> None:
    contact = "0190b7a4-0000-7000-8000-000000000001"
    second = {
        "name": "events",
        "counting": "wall-clock",
        "first_answer": "90m",
        "hand_over": "60m",
        "match": {
            "channels": ["x"],
            "desks": ["inbound"],
            "hashtags": ["iico2013"],
            "contacts": [contact],
        },
        "pause_bound": "36h",
    }
    text = told(
        language,
        promises=[*shipped()["promises"], second],
        retention={"messages_days": 365, "netiquette_days": 77, "spam_days": 44},
        desks={"inbound": {"title": {"de": "A", "en": "B"}, "handles": ["@info"]}},
        channels={
            "whatsapp": {
                "connector": "api",
                "service_level": "promised",
                "reply_window_hours": 24,
                "retention": "47h",
                "profile_retention": "23h",
            }
        },
        calendar={"holidays": {"country": "US"}},
    )
    for part in (
        "whatsapp",
        "@info",
        "#iico2013",
        contact,
        "365",
        "77",
        "44",
        "90 ",
        "1 ",
        "36 ",
        "47 ",
        "23 ",
    ):
        assert part in text
    assert "United States" in text


def test_no_example_is_given_where_it_would_be_wrong() -> None:
    hours = {"saturday": ["10:00-14:00"]}
    raw = shipped()["calendar"]["hours"]
    assert "Example" not in told("en", calendar={"hours": raw | hours})
    promise = shipped()["promises"][0] | {"counting": "opening-hours"}
    assert "Example" not in told("en", promises=[promise])


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    ("pull", "source"),
    [
        ({"type": "imap", "host": "imap.example.org", "user": "info"}, "info (imap.example.org)"),
        ({"type": "mastodon", "server": "https://example.org"}, "https://example.org"),
        ({"type": "youtube", "channel_id": "UC1"}, "UC1"),
    ],
)
def test_what_is_fetched_is_told_with_its_source(
    language: Language, pull: dict[str, str], source: str
) -> None:
    channel = {"connector": "email", "service_level": "promised", "pull": {**pull, "every": "7m"}}
    text = told(language, channels={"post": channel})
    (sentence,) = [line for line in text.split("\n") if source in line]
    assert "post" in sentence
    assert "7 minute" in sentence.lower()
