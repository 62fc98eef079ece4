"""Values as platforms send them, made what `lenient` understands.

Each function takes whatever JSON can hold and never raises. What cannot be read stays as it is, so
that `lenient` leaves it out and says so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEPARATES = re.compile(r"[\\:]")
_LONGEST_NUMBER = 30  # digits; a moment has fewer, and what is longer costs time


def part(document: Any, *path: str) -> Any:
    """What is at the end of the path through objects; None where there is nothing."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def elements(value: Any) -> list[Any]:
    """Those of a list; what is none counts as the only one, and null as none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text_of(value: Any) -> str | None:
    """Words, where there are any."""
    return value if isinstance(value, str) and value.strip() else None


def id_of(value: Any) -> str | None:
    """An id as text with all its digits: platforms send them as text and as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_of(value)


def composed(*ids: Any) -> str | None:
    """One id of several, where only all of them tell things apart: no two lists of the same length
    make the same one.
    """
    parts = [id_of(each) for each in ids]
    if None in parts:
        return None
    return ":".join(_SEPARATES.sub(r"\\\g<0>", each) for each in parts if each)


def first(*values: Any) -> Any:
    """The first that says something."""
    return next((each for each in values if each not in (None, "", [], {})), None)


def unix_seconds(value: Any) -> Any:
    """The moment (UTC) of Unix seconds, as a number or as text."""
    return _since_epoch(value, timedelta(seconds=1))


def unix_ms(value: Any) -> Any:
    """The moment (UTC) of Unix milliseconds, as a number or as text."""
    return _since_epoch(value, timedelta(milliseconds=1))


def _since_epoch(value: Any, unit: timedelta) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    try:
        return _EPOCH + unit * _number(value)
    except (ValueError, OverflowError):
        return value


def _number(value: float | str) -> float:
    """Raises ValueError for what is none."""
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST_NUMBER:
        raise ValueError("no number of a moment")
    return int(value) if value.isdecimal() else float(value)


def mail_date(value: Any) -> Any:
    """The moment of a date as mails have it, and X: `Fri, 20 Nov 2026 15:00:00 +0000`."""
    if not isinstance(value, str) or len(value) > 100:
        return value
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
