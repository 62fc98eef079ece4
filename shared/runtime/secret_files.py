"""Secrets in files, as the platforms of containers mount them.

`DESK_API_KEY_FILE` names the file whose contents are `DESK_API_KEY`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SUFFIX = "_FILE"
MOST_BYTES = 65_536


def with_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables; one that ends in _FILE appears under its name without that suffix, with the
    contents of its file. An empty one counts as not set.

    Raises ValueError for one that is set both ways, or whose file cannot be used.
    """
    found = {name: value for name, value in environment.items() if not name.endswith(SUFFIX)}
    for name, place in environment.items():
        if name.endswith(SUFFIX) and place:
            secret = name.removesuffix(SUFFIX)
            if found.get(secret):
                raise ValueError(f"{secret} and {name} are both set; unset one of them")
            found[secret] = read_secret(name, place)
    return found


def read_secret(name: str, place: str) -> str:
    """What the file holds, without white space around it; `name` is the variable that names it.

    Raises ValueError that names the variable and shows nothing of the file.
    """
    try:
        with Path(place).open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        text = raw.decode().strip()
    except OSError as error:
        raise ValueError(f"{name}: {place} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{name}: {place} is no text in UTF-8") from None
    if not text or "\0" in text or len(raw) > MOST_BYTES:
        raise ValueError(f"{name}: {place} is empty, or is no file with one secret")
    return text
