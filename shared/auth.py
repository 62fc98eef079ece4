"""API keys: who may do what. The file holds hashes only; all services read it and follow changes.

A key is 32 random bytes, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.errors import ConflictError, InvalidError, NotFoundError

Scope = Literal[
    "inquiries:read",
    "inquiries:write",
    "todos:read",
    "todos:write",
    "deadlines:read",
    "deadlines:write",
]
ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)
KEY_PREFIX = "desk_"
LONGEST_NAME = 100
LOOK_AGAIN_SECONDS = 1.0


class ApiKey(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    scopes: tuple[Scope, ...]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: tuple[ApiKey, ...] = ()


class KeysFileError(Exception):
    """The keys file cannot be understood; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the name of the key."""

    name: str
    scopes: frozenset[str]


_FIRST = (Caller("first", frozenset(ALL_SCOPES)), float("inf"))


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def new_key() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Raises KeysFileError; a file that is not there holds no keys."""
    try:
        return _File.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (ValidationError, OSError) as error:
        raise KeysFileError(f"the keys file {path} cannot be read: {error}") from error


def add_key(
    path: Path,
    *,
    name: str,
    key: str,
    scopes: Iterable[Scope],
    now: datetime,
    expires_at: datetime | None = None,
) -> ApiKey:
    """Raises ConflictError when the name is taken, InvalidError for what is no name or no key."""
    if not name.isprintable() or not name.strip() or len(name) > LONGEST_NAME:
        raise InvalidError(
            "wrong-key-name", "a key's name is 1 to 100 characters that can be printed"
        )
    if len(key) < 20:
        raise InvalidError("weak-key", "a key must have at least 20 characters; leave it out")
    keys = read_keys(path)
    if any(known.name == name for known in keys):
        raise ConflictError("key-name-taken", f"there is a key named {name!r}; revoke it first")
    added = ApiKey(
        name=name,
        sha256=hash_of(key),
        scopes=tuple(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    _write(path, (*keys, added))
    return added


def revoke_key(path: Path, name: str) -> None:
    """Raises NotFoundError."""
    keys = read_keys(path)
    kept = tuple(key for key in keys if key.name != name)
    if len(kept) == len(keys):
        raise NotFoundError("unknown-key", f"there is no key named {name!r}")
    _write(path, kept)


def _write(path: Path, keys: tuple[ApiKey, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = _File(keys=keys).model_dump(mode="json", exclude_none=True)
    # Replaced in one step: a reader sees the old file or the new one, never half of one.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


class KeyRing:
    """The keys as they stand in the file now; looks at the file at most once a second.

    A file that became unreadable keeps the last good keys: a typing error must not lock the
    company out, and a revoked key is gone as soon as the file can be read.
    """

    def __init__(self, path: Path, *, first_key: str = "") -> None:
        """`first_key` is a key given from outside (DESK_API_KEY); it is in no file and may all."""
        self._path = path
        self._first = {hash_of(first_key): _FIRST} if first_key else {}
        self._stamp: tuple[int, int, int] | None = None
        self._looked = float("-inf")
        self._by_hash: dict[str, tuple[Caller, float]] = {}
        self.problem: str | None = None

    def find(self, key: str, now: datetime) -> Caller | None:
        """The caller that owns the key, or None for an unknown or expired one."""
        self._follow_file()
        # A dictionary of hashes gives nothing away by its timing: the caller cannot choose a hash.
        digest = hash_of(key)
        found = self._by_hash.get(digest) or self._first.get(digest)
        if found is None or found[1] <= now.timestamp():
            return None
        return found[0]

    def _follow_file(self) -> None:
        moment = time.monotonic()
        if moment - self._looked < LOOK_AGAIN_SECONDS:
            return
        self._looked = moment
        stamp = self._stamp_of_file()
        if stamp == self._stamp and self.problem is None:
            return
        try:
            keys = read_keys(self._path)
        except KeysFileError as error:
            self.problem = str(error)
            return
        self.problem = None
        self._stamp = stamp
        self._by_hash = {
            key.sha256: (
                Caller(key.name, frozenset(key.scopes)),
                key.expires_at.timestamp() if key.expires_at else float("inf"),
            )
            for key in keys
        }

    def _stamp_of_file(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino)
