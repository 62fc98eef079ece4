"""A moment that depends on the reason in a row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, case, literal

from shared.db.types import Utc


def moment_by_reason(
    reason: ColumnElement[str], usual: datetime, by_reason: Mapping[str, datetime]
) -> ColumnElement[datetime]:
    """The moment of the row's reason, the usual one for every other."""
    otherwise = literal(usual, Utc())
    if not by_reason:
        return otherwise
    return case(
        *((reason == name, literal(moment, Utc())) for name, moment in by_reason.items()),
        else_=otherwise,
    )
