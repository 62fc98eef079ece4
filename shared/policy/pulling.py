"""`[channels.NAME.pull]`: from where a channel's messages are fetched that nobody pushes.

What each key means for the administrator is in docs/policy-file.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PlainValidator, StrictInt, model_validator

from shared.policy.parts import Items, Part, refuse
from shared.policy.values import LOOPBACK, Duration, WebAddress, Word, mistake, shown

SHORTEST_INTERVAL = timedelta(minutes=1)
LONGEST_INTERVAL = timedelta(minutes=10)
"""A mailbox is watched for so long at a time: servers end what is silent for 29 minutes, some do so
earlier; and of a source that is not read for 15 minutes there is an alert.
"""
_MOVE = "move:"


class Security(StrEnum):
    """How the way to a mail server is protected; `none` only to this machine."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class Login(StrEnum):
    """`xoauth2`: with an OAuth2 access token, which somebody else keeps fresh in a file."""

    PASSWORD = "password"  # noqa: S105 - the name of a way to log in
    XOAUTH2 = "xoauth2"


class _Pull(Part):
    """`every`: the pause between two rounds. `since`: at the first start also what is as old as
    that; left out, only what comes from then on.
    """

    every: Duration = timedelta(minutes=5)
    since: date | None = None

    @model_validator(mode="after")
    def _check_interval(self) -> Self:
        if not SHORTEST_INTERVAL <= self.every <= LONGEST_INTERVAL:
            refuse(((("every",), "is no pause between two rounds", "from 1m to 10m"),))
        return self


class ImapPull(_Pull):
    """`then`: what becomes of a mail in its mailbox once the desk has it. `largest_mib`: of a mail
    over that size the desk reads the headers only. `ca`: a PEM file with the authority that signed
    the server's certificate; left out, the machine's.
    """

    type: Literal["imap"]
    host: Word
    port: Annotated[StrictInt, Field(ge=1, le=65_535)] | None = None
    security: Security = Security.TLS
    ca: Path | None = None
    user: Word
    login: Login = Login.PASSWORD
    folders: Annotated[Items[Word], Field(min_length=1, max_length=50)] = ("INBOX",)
    then: Word = "nothing"
    largest_mib: Annotated[StrictInt, Field(ge=1, le=100)] = 25

    @property
    def archive(self) -> str | None:
        """The folder into which what was taken in is moved."""
        return self.then.removeprefix(_MOVE) if self.then.startswith(_MOVE) else None

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings: list[tuple[tuple[int | str, ...], str, str]] = []
        if self.then not in ("nothing", "seen") and not self.archive:
            right = '"nothing", "seen" or "move:" with the name of a folder'
            findings.append((("then",), f"{shown(self.then)} is not known", right))
        if self.archive in self.folders:
            wrong = f"{shown(self.archive)} is read itself"
            findings.append((("then",), wrong, "a folder that is not in folders"))
        if self.ca is not None and not self.ca.is_absolute():
            findings.append((("ca",), f"{shown(str(self.ca))} is relative", "an absolute path"))
        if self.security is Security.NONE and self.host not in LOOPBACK:
            wrong = "a password can be read by anybody on the way"
            findings.append((("security",), wrong, '"tls" or "starttls"'))
        refuse(tuple(findings))
        return self


class MastodonPull(_Pull):
    """The account's notifications, read with its access token. `server`: its instance."""

    type: Literal["mastodon"]
    server: WebAddress


class YoutubePull(_Pull):
    """The comments under everything on our YouTube channel. `daily_units`: how much of the quota
    of the API key the desk may use up in a day.
    """

    type: Literal["youtube"]
    channel_id: Word
    daily_units: Annotated[StrictInt, Field(ge=10, le=10_000_000)] = 8_000
    server: WebAddress = "https://www.googleapis.com"


AnyPull = ImapPull | MastodonPull | YoutubePull
_TYPES: Mapping[str, type[AnyPull]] = {
    "imap": ImapPull,
    "mastodon": MastodonPull,
    "youtube": YoutubePull,
}


def _pull(value: object) -> AnyPull:
    """By its type. Its mistakes are named by its keys: the place of a union would be none."""
    if isinstance(value, ImapPull | MastodonPull | YoutubePull):
        return value
    known = "one of " + ", ".join(f'"{name}"' for name in _TYPES)
    if not isinstance(value, Mapping):
        raise mistake(f"{shown(value)} is not a table", f"a table with type: {known}")
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        refuse(
            ((("type",), "is missing" if kind is None else f"{shown(kind)} is not known", known),)
        )
    return _TYPES[str(kind)].model_validate(dict(value))


Pull = Annotated[AnyPull, PlainValidator(_pull)]
