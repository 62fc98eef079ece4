"""Who wrote a message, when it counts as written, and when two texts say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.inquiries.domain.message import Author, Incoming, mark_of
from services.intake.inquiries.domain.text import COMPARED, alike

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOBODY = UUID(int=0)


def incoming(**more: Any) -> Incoming:
    return Incoming(
        channel="facebook",
        external_id="m-1",
        thread="t-1",
        identity="id:7",
        author=Author(id="7"),
        text="Guten Tag",
        received_at=NOON,
        traceparent="",
        message_id=NOBODY,
        inquiry_id=NOBODY,
        conversation_id=NOBODY,
        contact_id=NOBODY,
        event_id=NOBODY,
        **more,
    )


@pytest.mark.parametrize(
    ("author", "key"),
    [
        (Author(id="7", handle="anna", email="anna@example.org"), "id:7"),
        (Author(handle="@Anna", email="anna@example.org"), "handle:anna"),
        (Author(handle="ANNA"), "handle:anna"),
        (Author(email="Anna@Example.org"), "email:anna@example.org"),
        (Author(id="", email="anna@example.org"), "email:anna@example.org"),
        (Author(name="Anna Thaler"), None),
        (Author(), None),
    ],
)
def test_what_tells_people_apart(author: Author, key: str | None) -> None:
    assert author.key() == key


@pytest.mark.parametrize(("minutes", "moment"), [(None, 0), (-5, -5), (3, 0)])
def test_nothing_was_written_after_it_was_received(minutes: int | None, moment: int) -> None:
    sent_at = None if minutes is None else NOON + timedelta(minutes=minutes)
    assert incoming(sent_at=sent_at).moment == NOON + timedelta(minutes=moment)


def test_without_a_word_about_it_a_message_is_private() -> None:
    assert incoming().audience == "private"
    assert incoming(visibility="public").audience == "public"


def test_a_mark_tells_messages_apart_and_shows_none_of_them() -> None:
    assert incoming().mark == mark_of("facebook", "m-1")
    assert len({mark_of("facebook", "m-1"), mark_of("facebook", "m-2"), mark_of("x", "m-1")}) == 3
    assert "m-1" not in mark_of("facebook", "m-1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Guten Tag", "guten   TAG\n"),
        ("Schöne Grüße", "Scho\u0308ne Gru\u0308sse"),
        ("", " \n"),
        ("a" * COMPARED, "a" * COMPARED + " and more"),
    ],
)
def test_texts_that_say_the_same(one: str, other: str) -> None:
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(("one", "other"), [("Ja.", "Ja"), ("Guten Tag", "Gutentag"), ("a", "")])
def test_texts_that_do_not(one: str, other: str) -> None:
    assert not alike(one, other)
