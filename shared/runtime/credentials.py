"""Passwords and tokens by which the desk itself logs in on a channel, to poll it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.runtime.secret_files import SUFFIX, read_secret, with_files

PASSWORD_PREFIX = "DESK_PASSWORD_"  # noqa: S105 - the name of a variable, not a secret
TOKEN_PREFIX = "DESK_TOKEN_"  # noqa: S105 - the same


@dataclass(frozen=True, slots=True)
class Credential:
    """One of them, named by its variable. `value` is as it was at the start."""

    variable: str
    value: str = field(repr=False)
    file: str | None = None

    def current(self) -> str:
        """What its file holds now, where it has one: whoever renews a token writes it there.

        Raises ValueError, see `read_secret`.
        """
        return self.value if self.file is None else read_secret(self.variable + SUFFIX, self.file)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of one channel."""

    password: Credential | None = None
    token: Credential | None = None


NO_CREDENTIALS: Mapping[str, Credentials] = MappingProxyType({})


def channel_credentials(environment: Mapping[str, str]) -> dict[str, Credentials]:
    """By channel: `DESK_PASSWORD_EMAIL`, or `DESK_TOKEN_EMAIL_FILE` for the name of a file.

    Each is one, whatever is in it: a password may hold a comma. Raises ValueError, see
    `with_files`.
    """
    passwords = _found(environment, PASSWORD_PREFIX)
    tokens = _found(environment, TOKEN_PREFIX)
    return {
        name: Credentials(passwords.get(name), tokens.get(name))
        for name in sorted(passwords.keys() | tokens.keys())
    }


def _found(environment: Mapping[str, str], prefix: str) -> dict[str, Credential]:
    ours = {name: value for name, value in environment.items() if name.startswith(prefix)}
    return {
        name.removeprefix(prefix).lower(): Credential(name, value, ours.get(name + SUFFIX) or None)
        for name, value in with_files(ours).items()
        if value
    }
