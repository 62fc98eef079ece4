"""References: what an inquiry is called on the telephone, in a letter and in the subject of a mail.

A reference follows from the inquiry's id. So each service shows the same one without being told,
also for inquiries from before there were any; intake keeps it so that it can be found, and makes
sure that no two inquiries have the same (docs/decisions/references.md).

It has nine characters of a hash and a check character, in groups: `K7Q-4MX-9RTD`. The alphabet has
31 characters, without those that are taken for another: 0 and O, 1, I and L. The check is that of
ISBN-10 with 31 in the place of 11: a sum in which each place has a weight of its own. As 31 is a
prime, one wrong character is always noticed, and so are any two that changed places.

Standard library only: the domains and the connectors use it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from operator import mul
from uuid import UUID

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 10
MOST_FOUND = 10
"""References that are looked for in one text."""

EXAMPLE = "XYR-DMM-P9CY"
"""That of the inquiry in the API's documents."""

_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_OF_A_HASH = LENGTH - 1
_WEIGHTS = range(1, LENGTH)
_OF_BYTES = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_BETWEEN = re.compile(r"[\s./_\u2010-\u2015-]+")
_EACH = f"[{ALPHABET}{ALPHABET.lower()}]"
# Looked for from every place, so that what only looks like one hides none that begins inside it.
_LIKE_ONE = re.compile(rf"(?<![^\W_])(?=({_EACH}{{3}}([ -]?){_EACH}{{3}}\2{_EACH}{{4}})(?![^\W_]))")


class MistypedReferenceError(ValueError):
    """Not a reference: its text says what is wrong with it, and never repeats it."""


def reference_of(inquiry_id: UUID) -> str:
    """The inquiry's reference, in groups."""
    digest = sha256(inquiry_id.bytes).digest()[:_OF_A_HASH]
    return _grouped(digest.translate(_OF_BYTES).decode() + _check(digest))


def parsed(typed: str) -> str:
    """The reference that somebody typed, in groups; case, spaces, hyphens and dots do not matter.

    Raises MistypedReferenceError.
    """
    text = _BETWEEN.sub("", typed[: 8 * LENGTH]).upper()
    strange = next((each for each in text if each not in _VALUES), None)
    if strange is not None:
        raise MistypedReferenceError(
            "has a character that no reference has: they have the digits 2 to 9 and the letters "
            "without I, L and O"
        )
    if len(text) != LENGTH:
        raise MistypedReferenceError(f"has {len(text)} characters instead of {LENGTH}")
    if not _fits(text):
        raise MistypedReferenceError(
            "is mistyped: a character is wrong, or two have changed places"
        )
    return _grouped(text)


def find_in(text: str) -> tuple[str, ...]:
    """The references in a text, such as a subject or a plus-address, in order and each once.

    Only what is well-formed; whether there is such an inquiry, and whether the sender has to do
    with it, is not known here. Linear; finds the first ten.
    """
    found: dict[str, None] = {}
    for match in _LIKE_ONE.finditer(text):
        characters = _BETWEEN.sub("", match[1]).upper()
        if _fits(characters):
            found[_grouped(characters)] = None
            if len(found) == MOST_FOUND:
                break
    return tuple(found)


def _fits(characters: str) -> bool:
    return characters[-1] == _check(_VALUES[each] for each in characters[:_OF_A_HASH])


def _check(values: Iterable[int]) -> str:
    """The check character of these, of which only the remainders count."""
    return ALPHABET[sum(map(mul, _WEIGHTS, values)) % len(ALPHABET)]


def _grouped(characters: str) -> str:
    return f"{characters[:3]}-{characters[3:6]}-{characters[6:]}"
