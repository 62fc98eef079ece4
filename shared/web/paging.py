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
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from shared.bounds import MOST_SHOWN
from shared.errors import FieldProblem, InvalidError

T = TypeVar("T")
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


def encode_cursor(*values: datetime | UUID | str | None) -> str:
    plain = [
        value.isoformat() if isinstance(value, datetime) else value and str(value)
        for value in values
    ]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The moment and id after which the page begins. Raises InvalidError for anything unknown."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        moment, identifier = json.loads(base64.urlsafe_b64decode(padded.encode()))
        return _moment(moment), UUID(identifier)
    except _NOT_OURS as error:
        raise InvalidError(
            "unknown-cursor",
            "this cursor was not made here",
            FieldProblem("cursor", "is not known", "take next_cursor of the page before"),
        ) from error


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment without a zone")
    return at.astimezone(UTC)


def page_of(
    items: Sequence[T], *, limit: int, key: Callable[[T], tuple[datetime, UUID]]
) -> tuple[list[T], str | None]:
    """Cut a list that was fetched with `limit + 1`; the extra item says that more follows."""
    shown = list(items[:limit])
    more = len(items) > limit
    return shown, encode_cursor(*key(shown[-1])) if more else None
