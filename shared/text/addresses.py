"""Addresses as they may be shown: without the password."""

from __future__ import annotations

import re

# Also where what follows cannot be parsed: everything up to the last @ may be part of a password.
_USER = re.compile(r"(?<=://).*@", re.DOTALL)
_OPTIONS = re.compile(r"\?.*", re.DOTALL)


def without_secrets(address: str) -> str:
    """The address without user, password and options, however it is written."""
    if "://" not in address:
        return "..."
    return _OPTIONS.sub("?...", _USER.sub("...@", address, count=1), count=1)
