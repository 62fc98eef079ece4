"""What a file may be called, and which files of a message are kept."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.connectors.items import File
from services.intake.files.domain import (
    MOST_FILES,
    NAME_BYTES,
    NAME_LIMIT,
    UNKNOWN_TYPE,
    Limits,
    clean_file_name,
    content_disposition,
    media_type,
    sorted_out,
    with_paths,
)

LIMITS = Limits(of_a_file=10, of_a_message=15)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("Rechnung 3.pdf", "Rechnung 3.pdf"),
        ("Übersicht.pdf", "Übersicht.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\erika\\bild.png", "bild.png"),
        ("a\u2215b\uff0fc.txt", "c.txt"),
        ("rechnung\u202egnp.exe", "rechnunggnp.exe"),
        ("a\0b\r\nc.txt", "ab c.txt"),
        ('a<b>:"|?*.txt', "a_b______.txt"),
        ("con.txt", "_con.txt"),
        ("LPT1", "_LPT1"),
        ("console.txt", "console.txt"),
        (".htaccess", "htaccess"),
        ("name. . ", "name"),
        ("..", "file"),
        ("", "file"),
        ("\u200b\u2060", "file"),
        ("\ud83d.png", "_.png"),
    ],
)
def test_a_hostile_name_is_cleaned(given_name: str, kept: str) -> None:
    assert clean_file_name(given_name) == kept


def test_a_long_name_keeps_its_end() -> None:
    for letter in ("a", "ä", "\U0001f600"):
        name = clean_file_name(letter * 100_000 + ".pdf")
        assert name.endswith(f"{letter}.pdf")
        assert len(name) <= NAME_LIMIT
        assert len(name.encode()) <= NAME_BYTES
    assert len(clean_file_name("a." + "b" * 1000)) <= NAME_LIMIT


@given(st.text())
def test_any_name_becomes_one_that_stays(name: str) -> None:
    kept = clean_file_name(name)
    assert kept == clean_file_name(kept)
    assert not set(kept) & set('/\\<>:"|?*\0\n')
    header = content_disposition(kept)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith("attachment; filename=")


def test_the_header_names_it_in_ascii_and_whole() -> None:
    assert content_disposition("a b.pdf") == 'attachment; filename="a b.pdf"'
    assert content_disposition("Ü€.pdf") == (
        "attachment; filename=\"U.pdf\"; filename*=UTF-8''%C3%9C%E2%82%AC.pdf"
    )
    assert content_disposition("100%.pdf") == (
        "attachment; filename=\"100_.pdf\"; filename*=UTF-8''100%25.pdf"
    )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("image/PNG", "image/png"),
        ("text/plain; charset=utf-8", "text/plain"),
        ("text/html\r\nX: y", UNKNOWN_TYPE),
        ("png", UNKNOWN_TYPE),
        ("a/" + "b" * 1000, UNKNOWN_TYPE),
        ("", UNKNOWN_TYPE),
        (None, UNKNOWN_TYPE),
    ],
)
def test_the_type_is_a_type(said: str | None, kept: str) -> None:
    assert media_type(said) == kept


def test_what_is_too_large_leaves_a_note() -> None:
    received = [
        File(b"12345", "a.txt", "text/plain", "<one@example.org>"),
        File(b"1" * 11, "b.txt"),
        File(b"1" * 10, "c.txt"),
        File(b"1" * 6, "d.txt"),
        File(b"", None),
    ]
    kept, attachments = sorted_out(received, LIMITS)
    assert [(each.position, each.content) for each in kept] == [
        (0, b"12345"), (2, b"1" * 10), (4, b""),
    ]  # fmt: skip
    assert [each.get("omitted") for each in attachments] == [
        None, "too large", None, "too large", None,
    ]  # fmt: skip
    assert attachments[0]["content_id"] == "one@example.org"
    assert attachments[1] == {
        "name": "b.txt", "type": UNKNOWN_TYPE, "size": 11, "omitted": "too large",
    }  # fmt: skip


def test_ten_thousand_files_are_counted() -> None:
    kept, attachments = sorted_out([File(b"", "a")] * 10_000, LIMITS)
    assert len(kept) == MOST_FILES
    assert attachments[-1] == {"omitted": f"{10_000 - MOST_FILES} more files"}


def test_readers_get_the_path_of_what_is_kept() -> None:
    _, attachments = sorted_out([File(b"1", "a"), File(b"1" * 99, "b")], LIMITS)
    link = {"url": "https://example.org/a.png"}
    one, two = UUID(int=1), UUID(int=2)
    found = with_paths([link, *attachments], inquiry_id=one, message_id=two)
    assert [each.get("url") for each in found] == [
        "https://example.org/a.png",
        f"/intake/v1/inquiries/{one}/messages/{two}/files/0",
        None,
    ]
    assert "file" not in found[1]
