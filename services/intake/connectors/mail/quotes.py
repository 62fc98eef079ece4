"""What somebody has newly written in a mail, apart from quotations and the signature.

Every program quotes in its own way, so this can err: whoever uses it keeps all of the text beside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import quotequail

from services.intake.connectors.mail.headers import Address, addresses

MOST_LINES = 400
"""Lines in which a quotation may begin. Finding one can take the square of them."""
LONGEST_LINE = 300
"""What is longer announces no quotation."""
LONGEST_SIGNATURE = 12
_ANNOUNCES = re.compile(r"(?:On|Am|Le|El|Op|Den|Em|Il)\b.*\d")
_OVER_LINES = 4
_HIDDEN = re.compile("\0(\\d+)\0")
_FORWARDED = re.compile(r"(?i)\s*(?:fwd?|wg|tr|rv|i|vs|fs|doorst)\s*:")
_HEADERS = ("from", "date", "subject")


@dataclass(frozen=True, slots=True)
class Written:
    """`text` is what was newly written, all of it where that cannot be told. `original` is who
    wrote what is forwarded.
    """

    text: str
    original: Address | None = None


def written(text: str, *, subject: str) -> Written:
    """At a cost in proportion to the length of the text, which has no NUL in it."""
    lines = text.split("\n")
    head, tail = _announced(lines[:MOST_LINES]), lines[MOST_LINES:]
    found = quotequail.unwrap("\n".join(_hidden(head)))
    if found is None:
        return Written(without_signature(text))
    if _is_forwarded(found, subject):
        return Written(text, _original(found))
    if found["type"] == "forward" and not all(name in found for name in _HEADERS):
        # Two lines that look like headers may as well be somebody's list.
        return Written(without_signature(text))
    return Written(_new_part(found, head, tail) or without_signature(text))


def without_signature(text: str) -> str:
    """Without what follows the last `-- ` (RFC 3676, section 4.3), unless nothing else is left.

    Where a program cut the space off, only a few lines are a signature.
    """
    lines = text.split("\n")
    for number in range(len(lines) - 1, 0, -1):
        line = lines[number]
        exact = line == "-- "
        if exact or (line.strip() == "--" and len(lines) - number <= LONGEST_SIGNATURE):
            kept = "\n".join(lines[:number]).rstrip()
            return kept if kept.strip() else text
    return text


def _new_part(found: dict[str, str], head: Sequence[str], tail: Sequence[str]) -> str:
    """What stands above the quotation and below it; empty where answers stand inside it."""
    below = _shown(found.get("text_bottom", ""), head)
    marked = any(line.startswith(">") for line in head)
    if marked and any(line.strip() and not line.startswith(">") for line in tail):
        return ""
    if any(line.startswith(">") for line in below.split("\n")):
        return ""
    above = _shown(found.get("text_top", ""), head)
    if above.strip() and below.strip("\n").partition("\n")[0].rstrip() == "--":
        below = ""
    parts = (without_signature(each).strip() for each in (above, below))
    return "\n\n".join(part for part in parts if part)


def _announced(lines: Sequence[str]) -> list[str]:
    """With announcements (`On ... somebody wrote:`) that were broken over lines on one."""
    joined: list[str] = []
    skip = 0
    for number, line in enumerate(lines):
        if skip:
            skip -= 1
            continue
        skip = _goes_on(lines[number : number + _OVER_LINES])
        joined.append(" ".join(lines[number : number + skip + 1]) if skip > 1 else line)
        skip = skip if skip > 1 else 0
    return joined


def _goes_on(lines: Sequence[str]) -> int:
    """Over how many more lines the announcement that begins with the first goes; 0 for none."""
    if not _ANNOUNCES.match(lines[0].lstrip("> ")[:LONGEST_LINE]):
        return 0
    for number, line in enumerate(lines):
        if not line.strip():
            return 0
        if line.rstrip().endswith(":"):
            return number
    return 0


def _hidden(lines: Sequence[str]) -> list[str]:
    """Long lines stand for themselves by their number: to match them costs the square of them."""
    return [
        line if len(line) <= LONGEST_LINE else f"\0{number}\0" for number, line in enumerate(lines)
    ]


def _shown(text: str, lines: Sequence[str]) -> str:
    return _HIDDEN.sub(lambda found: lines[int(found[1])], text)


def _is_forwarded(found: dict[str, str], subject: str) -> bool:
    return found["type"] == "forward" and "from" in found and bool(_FORWARDED.match(subject))


def _original(found: dict[str, str]) -> Address | None:
    listed = addresses(found["from"].replace("[mailto:", "<").replace("]", ">"))
    return listed[0] if listed else None
