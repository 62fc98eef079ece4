"""The lists that ship beside the code."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def read_data(package: str, name: str) -> dict[str, Any]:
    """A TOML file of that package."""
    return tomllib.loads((files(package) / name).read_text("utf-8"))
