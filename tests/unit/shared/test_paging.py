"""Cursors: what was made here is read again, anything else is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidError
from shared.runtime.ids import new_id
from shared.web.paging import Cursors

CURSORS = Cursors("todos", "technical")

# Hypothesis takes its bounds without a zone.
_moments = st.datetimes(
    datetime(1990, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    datetime(2100, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    timezones=st.just(UTC),
)


@given(_moments, st.uuids())
def test_a_cursor_is_read_again(at: datetime, identifier: UUID) -> None:
    cursor = CURSORS.of((at, identifier))
    assert cursor is not None
    assert CURSORS.place(cursor) == (at, identifier)
    assert cursor.isascii()
    assert "=" not in cursor


def _made(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


_ID = str(UUID(int=7))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%%%",
        "ä",
        "\x7f",
        "a" * 499,
        _made(None),
        _made([]),
        _made(["2026-11-24T12:00:00+00:00"]),
        _made(["2026-11-24T12:00:00+00:00", _ID, 1]),
        _made([7, _ID]),
        _made(["2026-11-24T12:00:00", _ID]),
        _made(["0001-01-01T00:00:00+14:00", _ID]),
        _made(["9999-12-31T23:59:59-14:00", _ID]),
        _made(["2026-11-24T12:00:00+00:00", "7"]),
        _made(["2026-11-24T12:00:00+00:00", None]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError) as refused:
        CURSORS.place(cursor)
    assert refused.value.code == "unknown-cursor"


@pytest.mark.parametrize("other", [Cursors("todos", "review"), Cursors("deadlines"), Cursors()])
def test_a_place_in_another_list_is_none_here(other: Cursors) -> None:
    with pytest.raises(InvalidError, match="another list"):
        CURSORS.place(other.of((datetime(2026, 11, 24, tzinfo=UTC), UUID(int=7))))


@given(st.text(max_size=100).filter(lambda text: text != ""))
def test_no_text_breaks_it(cursor: str) -> None:
    with pytest.raises(InvalidError):
        CURSORS.place(cursor)


@pytest.mark.parametrize(("there", "shown", "more"), [(0, 0, False), (2, 2, False), (3, 2, True)])
def test_the_extra_item_says_that_more_follows(there: int, shown: int, *, more: bool) -> None:
    start = datetime(2026, 11, 24, tzinfo=UTC)
    items = [(start + timedelta(hours=n), new_id()) for n in range(there)]
    page, cursor = CURSORS.page(items, limit=2, key=lambda item: item)
    assert page == items[:shown]
    assert CURSORS.place(cursor) == (items[1] if more else None)
