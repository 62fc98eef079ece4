"""What is left of a name: everything that a reader can see, and nothing else."""

from __future__ import annotations

import pytest

from shared.access.keys import ApiKey
from shared.text.names import clean_name, shows_nothing


@pytest.mark.parametrize(
    "name",
    ["Anna", "Jürgen Müller-Lüdenscheidt", "محمد", "می\u200cخواهم", "श्री", "👩\u200d💻", "李小龍"],
)
def test_a_name_stays_as_it_is_written(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("Anna\u202e(suspended)", "Anna(suspended)"),
        ("\u2066Anna\u2069", "Anna"),
        ("An\u200bna\u2060\ufeff", "Anna"),
        ("Anna\x1b[31m", "Anna[31m"),
        ("Anna\r\nadmin: logged in", "Anna admin: logged in"),
        ("Anna\u2028Bert\x85Carla", "Anna Bert Carla"),
        ("  Anna \u202e  Thaler ", "Anna Thaler"),
        ("Anna\u200d", "Anna"),
        ("Ad\u200dmin", "Admin"),
        ("Anna\u200c Meier", "Anna Meier"),
        ("می\u200d\u200cخ", "میخ"),
        ("An\ufe0fna\u3164", "Anna"),
        ("\u034fAnna", "Anna"),
        ("\u2800", ""),
        ("An\ufffcna", "Anna"),
        ("\u202e\u200c\x07", ""),
    ],
)
def test_what_cannot_be_seen_in_a_name_goes(name: str, clean: str) -> None:
    assert clean_name(name) == clean
    assert clean_name(clean) == clean


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("", True),
        (" \n\t\u2003", True),
        ("\u200b\u2060\ufeff", True),
        ("\u200d \u200c\u3164\u2800\ufe0f", True),
        ("\u200b.", False),
        ("👍\u200d", False),
        ("می", False),
    ],
)
def test_what_shows_nothing_is_told_from_words(text: str, nothing: bool) -> None:
    assert shows_nothing(text) is nothing


def test_so_does_it_in_a_keys_file_that_was_written_by_hand() -> None:
    line = {"name": "an\u202ena", "sha256": "x", "scopes": [], "created_at": "2026-11-24T12:00:00Z"}
    assert ApiKey.model_validate(line, strict=False).name == "anna"
