"""Entity tags (RFC 9110, section 8.8.3) of what has a version: the tag is that number."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Possessive: no header makes the search look at anything twice.
_TAG = re.compile(r'[ \t,]*+(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*+)"[ \t]*+(?:,|\Z)')
_NO_MORE = re.compile(r"[ \t,]*+\Z")
_VERSION = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)

Versions = frozenset[int]


def etag(version: int) -> str:
    """Strong: whatever a reader sees otherwise changes the version."""
    return f'"{version}"'


def versions_of(lines: Sequence[str], *, weak: bool) -> Versions | None:
    """The versions in the lines of If-Match or If-None-Match; None for `*`, which any fits.

    Tags that no version of ours has are left out, and weak ones unless `weak`: by strong comparison
    they match nothing. Raises ValueError for what is no list of entity tags.
    """
    text = ", ".join(lines).strip(" \t")
    if text == "*":
        return None
    found, place, tags = set(), 0, 0
    while not _NO_MORE.match(text, place):
        tag = _TAG.match(text, place)
        if tag is None:
            raise ValueError("is no list of entity tags")
        tags, place = tags + 1, tag.end()
        if _VERSION.fullmatch(tag["opaque"]) and (weak or not tag["weak"]):
            found.add(int(tag["opaque"]))
    if not tags:
        raise ValueError("names no entity tag")
    return frozenset(found)
