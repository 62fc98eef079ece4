"""How far a folder is read, whatever the server says of its numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.intake.pulling.imap_cursor import FolderCursor, beginning, going_on
from services.intake.pulling.imap_session import Selected

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
KNOWN = FolderCursor(7, 100, NOW - timedelta(days=30), NOW.date())


def test_at_first_only_what_comes_from_now_on_is_read() -> None:
    cursor = beginning(Selected(7, 501), since=None, now=NOW)
    assert (cursor.uid, cursor.begun, cursor.again_from) == (500, NOW, None)


def test_or_what_arrived_since_a_day() -> None:
    cursor = beginning(Selected(7, 501), since=date(2026, 11, 1), now=NOW)
    assert (cursor.uid, cursor.again_from) == (0, date(2026, 11, 1))
    assert cursor.ours(datetime(2026, 10, 31, 23, 0, tzinfo=UTC)), "in Berlin it is that day"
    assert not cursor.ours(datetime(2026, 10, 31, 9, 0, tzinfo=UTC))


def test_a_server_that_names_no_next_number_is_asked_for_what_came_today() -> None:
    cursor = beginning(Selected(7, None), since=None, now=NOW)
    assert (cursor.uid, cursor.again_from) == (0, NOW.date())
    assert not cursor.ours(NOW - timedelta(hours=1))
    assert cursor.ours(NOW + timedelta(seconds=1))
    assert cursor.ours(None)


@pytest.mark.parametrize("following", [101, 102, 5_000, None])
def test_the_same_numbers_are_read_on(following: int | None) -> None:
    assert going_on(KNOWN, Selected(7, following)) is KNOWN


@pytest.mark.parametrize(
    "selected",
    [Selected(8, 500), Selected(8, 1), Selected(8, None), Selected(7, 100), Selected(7, 1)],
)
def test_other_numbers_let_what_arrived_lately_be_read_again(selected: Selected) -> None:
    cursor = going_on(KNOWN, selected)
    assert (cursor.validity, cursor.uid) == (selected.validity, 0)
    assert cursor.again_from == NOW.date() - timedelta(days=2)


def test_nothing_from_before_the_desk_began_is_read_again() -> None:
    young = replace(KNOWN, begun=NOW - timedelta(hours=3))
    cursor = going_on(young, Selected(8, 10))
    assert cursor.again_from == NOW.date() - timedelta(days=1)
    assert not cursor.ours(NOW - timedelta(hours=4))
    assert cursor.ours(NOW - timedelta(hours=2))


def test_numbers_that_change_while_it_is_read_again_forget_no_day() -> None:
    first = replace(KNOWN, again_from=NOW.date() - timedelta(days=9))
    assert going_on(first, Selected(9, 3)).again_from == NOW.date() - timedelta(days=9)


def test_at_its_end_it_has_been_read_to_the_last_number() -> None:
    cursor = replace(KNOWN, again_from=NOW.date()).read_to(120).read_to(110)
    assert cursor.uid == 120
    tomorrow = NOW.date() + timedelta(days=1)
    end = cursor.read_to_its_end(Selected(7, 151), tomorrow)
    assert (end.uid, end.again_from, end.read_on) == (150, None, tomorrow)
    assert cursor.read_to_its_end(Selected(7, None), tomorrow).uid == 120


def test_of_a_large_mail_it_is_known_how_often_it_was_about_to_be_stored() -> None:
    cursor = KNOWN.about_to_store(101).about_to_store(101)
    assert not cursor.gives_up(101)
    cursor = cursor.about_to_store(101)
    assert cursor.gives_up(101)
    assert not cursor.gives_up(102)
    assert not cursor.about_to_store(102).gives_up(102)
    assert not cursor.read_to(101).gives_up(101)
    assert not going_on(cursor, Selected(8, 500)).gives_up(101)


@pytest.mark.parametrize(
    "cursor", [KNOWN, replace(KNOWN, again_from=NOW.date()), KNOWN.about_to_store(101)]
)
def test_it_is_the_same_after_it_was_stored(cursor: FolderCursor) -> None:
    assert FolderCursor.of_json(json.loads(json.dumps(cursor.to_json()))) == cursor
