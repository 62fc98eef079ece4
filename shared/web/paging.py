"""Pages of a list: `{"items": [...], "next_cursor": ...}` with `limit` and `cursor`.

A cursor holds the sort values of the last item, so a page costs the same wherever it lies and
nothing is shown twice when rows come in between.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from shared.bounds import MOST_SHOWN
from shared.errors import FieldProblem, InvalidError

T = TypeVar("T")
Place = tuple[datetime, UUID]
MAX_LIMIT = 200
_NOT_OURS = (
    ValueError,
    TypeError,
    AttributeError,
    binascii.Error,
    RecursionError,
    OverflowError,  # the first or last hours of the calendar, in a zone
)

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")]
MessageLimit = Annotated[int, Query(ge=1, le=MOST_SHOWN, description="Messages on a page.")]
CursorText = Annotated[
    str | None,
    Query(max_length=500, description="`next_cursor` of the page before.", examples=[None]),
]


class Page(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(None, description="Null on the last page.")


class Cursors:
    """The cursors of one list, with its filters and its order: a place there is none elsewhere."""

    def __init__(self, *about: object) -> None:
        """`about` is what the list is, and all by which it is filtered and sorted."""
        self._mark = sha256(repr([str(each) for each in about]).encode()).hexdigest()[:8]

    def of(self, place: Place | None) -> str | None:
        """The cursor with which the page after that place begins."""
        if place is None:
            return None
        at, identifier = place
        plain = json.dumps([at.isoformat(), str(identifier), self._mark])
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    def place(self, cursor: str | None) -> Place | None:
        """Where the page begins. Raises InvalidError for what was not made for this list."""
        if cursor is None:
            return None
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            moment, identifier, mark = json.loads(base64.urlsafe_b64decode(padded.encode()))
            place = _moment(moment), UUID(identifier)
        except _NOT_OURS as error:
            raise _unknown("was not issued by this service") from error
        if mark != self._mark:
            raise _unknown("belongs to another list, or to other filters or another sorting")
        return place

    def page(
        self, items: Sequence[T], *, limit: int, key: Callable[[T], Place]
    ) -> tuple[list[T], str | None]:
        """Cut a list that was fetched with `limit + 1`; the extra item says that more follows."""
        shown = list(items[:limit])
        return shown, self.of(key(shown[-1])) if len(items) > limit else None


def _unknown(what: str) -> InvalidError:
    return InvalidError(
        "unknown-cursor",
        f"this cursor {what}",
        FieldProblem("cursor", "is not known", "next_cursor of the page before, in the same list"),
    )


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment without a zone")
    return at.astimezone(UTC)
