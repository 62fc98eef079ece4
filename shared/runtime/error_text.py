"""Errors as the log may show them: what failed and where, without the values that were at work.

A database quotes rows, a parser what it read, a look-up its key: all of it may be a customer's
words. So only messages of errors that name no values are shown, and of a database's error its code
and the name of the constraint.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 300
DEEPEST: Final = 10
_OUR_PACKAGES: Final = ("services.", "shared.")
_NAMES_NO_VALUES: Final = (
    OSError,
    RuntimeError,
    TypeError,
    AttributeError,
    NameError,
    ImportError,
)
_SCHEMA_NAMES: Final = ("constraint_name", "table_name", "column_name")


def described(error: BaseException) -> str:
    """The kind of error, and what may be said of it, in one line."""
    kind = type(error).__name__
    what = " ".join(_text(error).split())[:LONGEST]
    return f"{kind}: {what}" if what else kind


def stack(error: BaseException) -> str:
    """The lines of code that led there, oldest first, with everything that caused it."""
    return "".join(_stack(error, set()))


def _stack(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before, why = _before(error)
    if before is not None and id(before) not in seen and len(seen) < DEEPEST:
        yield from _stack(before, seen)
        yield f"\n{why}\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{described(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            if id(each) not in seen and len(seen) < DEEPEST:
                yield "\nIn the group:\n\n"
                yield from _stack(each, seen)


def _before(error: BaseException) -> tuple[BaseException | None, str]:
    if error.__cause__ is not None:
        return error.__cause__, "That was the direct cause of:"
    if error.__context__ is not None and not error.__suppress_context__:
        return error.__context__, "While that was dealt with:"
    return None, ""


def _text(error: BaseException) -> str:
    inner = getattr(error, "orig", None)  # SQLAlchemy's, which wraps the driver's
    if isinstance(inner, BaseException):
        return described(inner.__cause__ or inner)
    state = getattr(error, "sqlstate", None)
    if state is not None:
        names = [getattr(error, name, None) for name in _SCHEMA_NAMES]
        return " ".join(str(each) for each in (f"SQLSTATE {state}", *names) if each)
    name = getattr(error, "sqlite_errorname", None)
    if name is not None:
        return str(name)
    if type(error).__module__.startswith(_OUR_PACKAGES) or isinstance(error, _NAMES_NO_VALUES):
        return str(error)
    return ""
