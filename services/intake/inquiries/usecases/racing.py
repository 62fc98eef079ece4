"""Two instances may take in the same message at once: the second then finds it known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate

from sqlalchemy.exc import IntegrityError

from shared.db import Database, Write
from shared.db.database import P, T

ATTEMPTS = 3


async def write(
    database: Database,
    verb: Callable[Concatenate[Write, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """As `Database.write`; run again when somebody else has just stored what must be unique."""
    with database.writing():  # a second try carries the moment of the first
        for _ in range(ATTEMPTS - 1):
            try:
                return await database.write(verb, *args, **kwargs)
            except IntegrityError:
                continue
        return await database.write(verb, *args, **kwargs)
