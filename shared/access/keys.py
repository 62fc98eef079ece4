"""API keys: who may do what. The file holds hashes only; all services read it and follow changes.

A key is 32 random bytes, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.errors import ConflictError, InvalidError, NotFoundError
from shared.runtime.files import private_folder
from shared.text.names import clean_name
from shared.text.wording import words_of

Scope = Literal[
    "inquiries:submit",
    "inquiries:read",
    "inquiries:write",
    "todos:read",
    "todos:write",
    "todos:supervise",
    "deadlines:read",
    "deadlines:write",
]
ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)
KEY_PREFIX = "desk_"
LONGEST_NAME = 100
SHORTEST_KEY = 24
_FIT_FOR_A_HEADER = re.compile(r"[A-Za-z0-9._~+/=-]*")
"""The token of RFC 6750, section 2.1."""
"""Characters: what a person makes up is longer than a password that can be guessed."""
ENVIRONMENT_KEY = "DESK_API_KEY"
"""The name of the key that is given from outside."""
RECHECK_SECONDS = 1.0


class ApiKey(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    # Whoever edits the file by hand may write anything.
    name: Annotated[str, AfterValidator(clean_name)]
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

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


_NEVER = float("inf")
_KNOWN_PLACES = frozenset(("keys", *ApiKey.model_fields))


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
    except OSError as error:
        raise KeysFileError(f"the keys file {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        why = _what_is_wrong(error)
        # Not as its cause: a stack trace that shows it would show the file's contents.
        raise KeysFileError(f"the keys file {path} cannot be read: {why}") from None


def _what_is_wrong(error: ValidationError) -> str:
    """Where and why, without a piece of the file: it may hold a key where a hash should be."""
    first = error.errors(include_url=False, include_input=False)[0]
    known = (part for part in first["loc"] if isinstance(part, int) or part in _KNOWN_PLACES)
    place = ".".join(map(str, known)) or "it"
    wrong, right = words_of(first)
    more = error.error_count() - 1
    return f"{place} {wrong}. Right would be: {right}." + (f" ({more} more)" if more else "")


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
        raise InvalidError("wrong-key-name", "a key's name is 1 to 100 printable characters")
    if len(key) < SHORTEST_KEY:
        raise InvalidError(
            "weak-key", f"a key must have at least {SHORTEST_KEY} characters; leave it out"
        )
    added = ApiKey(
        name=name,
        sha256=hash_of(key),
        scopes=tuple(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    with _alone_with(path):
        keys = read_keys(path)
        if any(known.name == added.name and not _is_ended(known) for known in keys):
            raise ConflictError("key-name-taken", f"there is a key named {name!r}; revoke it first")
        _write(path, (*(known for known in keys if known.name != added.name), added))
    return added


def add_first_key(path: Path, *, now: datetime) -> str | None:
    """A new key with every scope, when the file holds none; else None. Of several processes at
    once one makes it.
    """
    with _alone_with(path):
        if read_keys(path):
            return None
        key = new_key()
        first = ApiKey(name="first", sha256=hash_of(key), scopes=ALL_SCOPES, created_at=now)
        _write(path, (first,))
    return key


def revoke_key(path: Path, name: str, *, now: datetime, environment_key: str = "") -> None:
    """Raises NotFoundError.

    The file cannot remove a key that the environment sets. So a line without any scope stays in
    place of `environment_key` and ends it for every service that reads the file.
    """
    with _alone_with(path):
        keys = read_keys(path)
        kept = [key for key in keys if key.name != name]
        known = [key.sha256 for key in keys if key.name == name]
        if name == ENVIRONMENT_KEY and environment_key:
            known.append(hash_of(environment_key))
        if not known:
            raise NotFoundError("unknown-key", f"there is no key named {name!r}")
        if name == ENVIRONMENT_KEY:
            kept.append(
                ApiKey(name=name, sha256=known[-1], scopes=(), created_at=now, expires_at=now)
            )
        _write(path, kept)


def _is_ended(key: ApiKey) -> bool:
    """Whether it is the line that `revoke_key` leaves behind."""
    return not key.scopes and key.expires_at == key.created_at


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile, in whichever process. The lock is a file of its own,
    since the keys file is replaced.
    """
    private_folder(path.parent)
    name = path.with_name(f"{path.name}.lock")
    lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(path: Path, keys: Sequence[ApiKey]) -> None:
    document = _File(keys=tuple(keys)).model_dump(mode="json", exclude_none=True)
    # Replaced in one step: a reader sees the old file or the new one, never half of one.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


class KeyRing:
    """The keys in the file as of now; the file is checked at most once a second.

    A file that became unreadable keeps the last good keys: a typing error must not lock the
    company out, and a revoked key is gone as soon as the file can be read.
    """

    def __init__(self, path: Path, *, environment_key: str = "") -> None:
        """`environment_key` is a key given from outside (DESK_API_KEY) with every scope, until the
        file has a key of the name ENVIRONMENT_KEY, which takes its place. Raises ValueError for one
        that is too short.
        """
        if environment_key and len(environment_key) < SHORTEST_KEY:
            raise ValueError(
                f"{ENVIRONMENT_KEY} has {len(environment_key)} characters, and a key must have at "
                f"least {SHORTEST_KEY}: take one that a program has made, such as the output of "
                "`openssl rand -hex 24`"
            )
        if not _FIT_FOR_A_HEADER.fullmatch(environment_key):
            raise ValueError(
                f"{ENVIRONMENT_KEY} holds a character that no header can carry: take letters, "
                "digits and - . _ ~ + / only"
            )
        self._path = path
        caller = Caller(ENVIRONMENT_KEY, frozenset(ALL_SCOPES))
        self._given = {hash_of(environment_key): (caller, _NEVER)} if environment_key else {}
        self._stamp: tuple[int, int, int] | None = None
        self._checked_at = float("-inf")
        self._by_hash: dict[str, tuple[Caller, float]] = self._given
        self.problem: str | None = None

    def has_keys(self) -> bool:
        """Whether any key is known, also one that has expired."""
        self._follow_file()
        return bool(self._by_hash)

    def lacks_keys(self, now: datetime) -> str | None:
        """A sentence that says what to do when no key at all is admitted, else None."""
        self._follow_file()
        if any(expires_at > now.timestamp() for _, expires_at in self._by_hash.values()):
            return None
        no_key = f"there is no keys file {self._path}, or no key in it"
        every_one = f"every key in {self._path} has expired"
        why = self.problem or (every_one if self._by_hash else no_key)
        return f"nobody can call this service: {why}; `inbound-desk keys create` makes a key"

    def find(self, key: str, now: datetime) -> Caller | None:
        """The caller that owns the key, or None for an unknown or expired one."""
        self._follow_file()
        # A dictionary of hashes gives nothing away by its timing: the caller cannot choose a hash.
        found = self._by_hash.get(hash_of(key))
        if found is None or found[1] <= now.timestamp():
            return None
        return found[0]

    def _follow_file(self) -> None:
        moment = time.monotonic()
        if moment - self._checked_at < RECHECK_SECONDS:
            return
        self._checked_at = moment
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
        replaced = any(key.name == ENVIRONMENT_KEY for key in keys)
        self._by_hash = {
            **({} if replaced else self._given),
            **{
                key.sha256: (
                    Caller(key.name, frozenset(key.scopes)),
                    key.expires_at.timestamp() if key.expires_at else _NEVER,
                )
                for key in keys
            },
        }

    def _stamp_of_file(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino)
