"""Request bodies that are JSON and nothing but JSON.

Python's parser accepts NaN, Infinity and lone surrogates, which turn into server errors later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Annotated, Any, NoReturn

from fastapi.routing import APIRoute
from pydantic import AfterValidator, BeforeValidator
from starlette.requests import Request
from starlette.responses import Response

from shared.access.authorizer import required_scopes_of
from shared.errors import FieldProblem
from shared.text.names import clean_name
from shared.web.problems import RefusedError

MAX_DEPTH = 32
MOST_DIGITS = 4_300
"""Of an integer: Python itself makes none of more."""
_UTF_8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
# Possessive, and a string without an end reaches to the end of the body: no quotation mark makes
# the search look at anything twice.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _storable(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    if "\0" in text:
        raise ValueError("text without NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("text without lone surrogates (halves of a character)") from None
    return text


# Before, so that pydantic's own words for a length that is over the limit stay.
SafeStr = Annotated[str, BeforeValidator(_storable)]
"""Text that every part of the desk can store: no NUL, no lone surrogate."""
CleanName = AfterValidator(clean_name)
"""For a field that holds a name and limits its length: see `clean_name`."""


def integer(digits: str) -> int:
    """Raises ValueError for more than MOST_DIGITS."""
    if len(digits.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"a number in it has more than {MOST_DIGITS} digits")
    return int(digits)


def strict_json(raw: bytes, *, parse_int: Callable[[str], Any] = integer) -> Any:
    """Raises RefusedError (400) that says where the body stops being JSON."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(f"byte {error.start} is not UTF-8", "encode the body as UTF-8") from error
    _check_depth(raw)
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=parse_int)
    except json.JSONDecodeError as error:
        raise _unreadable(
            f"line {error.lineno} column {error.colno}: {error.msg}", "send one JSON document"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(str(error)[:200], "send plain JSON values") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _STRINGS.sub(b"", raw).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise _unreadable("it is nested too deep", f"nest at most {MAX_DEPTH} levels")


def _unreadable(problem: str, expected: str) -> RefusedError:
    return RefusedError(
        400,
        "malformed-json",
        f"the body is not JSON: {problem}",
        FieldProblem("body", problem, expected),
    )


def require_json(request: Request) -> None:
    """Raises RefusedError (415) unless the body says that it is JSON."""
    require_json_type(request.headers.get("content-type", ""))


def require_json_type(content_type: str) -> None:
    """Raises RefusedError (415) unless this content type is that of JSON.

    Parameters are passed over, but for a charset that is another one than UTF-8: JSON has no
    parameters, and what is written otherwise would be read wrongly.
    """
    if _is_json(content_type):
        return
    raise RefusedError(
        415,
        "unsupported-content-type",
        "this content type is not understood here",
        FieldProblem("Content-Type", "is not understood", "send application/json in UTF-8"),
    )


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    essence, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = {
        value.strip().strip('"')
        for name, _, value in (parameter.partition("=") for parameter in parameters)
        if name.strip() == "charset"
    }
    return essence == "application/json" and charsets <= _UTF_8


class _StrictRequest(Request):
    """A request whose body is received and parsed once, before FastAPI sees it: FastAPI would
    turn what `strict_json` says about a body into an error of its own.
    """

    _document: Any = None

    async def parse(self) -> None:
        self._document = strict_json(await self.body())

    async def json(self) -> Any:
        return self._document


class StrictRoute(APIRoute):
    """A FastAPI route that looks at the key before the body, and whose JSON body goes through
    `strict_json`.

    FastAPI by itself would read the body first, of anybody. Where the body is optional, no body
    needs no content type.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        required_scopes = required_scopes_of(self.dependant)
        wants_body = self.body_field is not None
        needs_body = self.body_field is not None and self.body_field.field_info.is_required()

        async def strictly(request: Request) -> Response:
            for required in required_scopes:
                required.check(request)
            strict = _StrictRequest(request.scope, request.receive)
            if needs_body or (wants_body and await strict.body()):
                require_json(strict)
                if not await strict.body():
                    raise _unreadable("it is empty", "send one JSON document")
                await strict.parse()
            return await handle(strict)

        return strictly
