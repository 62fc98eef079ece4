"""Web and mail addresses, and handles: what stands in a text and says nothing by itself."""

from __future__ import annotations

import re

HANDLE = re.compile(r"(?<![\w@./])@([\w.-]{1,100})")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]+|(?<![\w.+-])[\w.+-]{1,64}+@[\w-]++\.[\w.-]+")


def without_addresses(text: str) -> str:
    """With blanks in their place, so that all other places stay.

    An address is no statement of the customer: "https://login.example/error" reports no error.
    """
    if "://" in text or "www." in text or "@" in text:
        return _ADDRESS.sub(blank, text)
    return text


def blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
