"""From where the desk fetches: what the policy may say of it, and what it may not."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest

from services.intake.policy import PULLED, examine
from shared.policy import Policy, PolicyError
from shared.policy.load import parse_policy
from shared.policy.pulling import ImapPull, Login, MastodonPull, Security, YoutubePull

IMAP = {"type": "imap", "host": "imap.example.org", "user": "desk"}
MASTODON = {"type": "mastodon", "server": "https://social.example.org"}
YOUTUBE = {"type": "youtube", "channel_id": "UC1"}


def parsed(pull: Any, **channel: Any) -> Policy:
    raw: dict[str, Any] = tomllib.loads((files("services") / "desk.toml").read_text())
    raw["channels"]["email"] |= {"pull": pull, **channel}
    return parse_policy(raw)


def test_what_is_left_out_is_the_usual() -> None:
    pull = parsed(IMAP).channels["email"].pull
    assert isinstance(pull, ImapPull)
    assert (pull.security, pull.login, pull.folders) == (Security.TLS, Login.PASSWORD, ("INBOX",))
    assert (pull.then, pull.archive, pull.port, pull.since) == ("nothing", None, None, None)
    assert pull.every == timedelta(minutes=5)


def test_everything_may_be_said() -> None:
    pull = parsed(
        {
            **IMAP, "port": 143, "security": "starttls", "login": "xoauth2", "every": "9m",
            "folders": ["INBOX", "Anfragen/Büro"], "then": "move:Archiv", "largest_mib": 30,
            "since": date(2026, 11, 1), "ca": "/etc/desk/ca.pem",
        }
    ).channels["email"].pull  # fmt: skip
    assert isinstance(pull, ImapPull)
    assert (pull.archive, pull.every, pull.since) == (
        "Archiv", timedelta(minutes=9), date(2026, 11, 1),
    )  # fmt: skip


def test_the_type_decides_which_keys_there_are() -> None:
    assert isinstance(parsed(MASTODON).channels["email"].pull, MastodonPull)
    assert isinstance(parsed(YOUTUBE).channels["email"].pull, YoutubePull)
    assert parsed(None).channels["email"].pull is None


@pytest.mark.parametrize(
    ("pull", "path", "wrong"),
    [
        ("imap", "channels.email.pull", '"imap" is not a table'),
        ({}, "channels.email.pull.type", "is missing"),
        ({"type": "pop3"}, "channels.email.pull.type", '"pop3" is not known'),
        ({"type": ["imap"]}, "channels.email.pull.type", "is not known"),
        ({"type": "imap", "user": "a"}, "channels.email.pull.host", "is missing"),
        ({**IMAP, "every": "30s"}, "channels.email.pull.every", "is not a duration"),
        ({**IMAP, "every": "2h"}, "channels.email.pull.every", "is no pause between two rounds"),
        ({**IMAP, "then": "delete"}, "channels.email.pull.then", '"delete" is not known'),
        ({**IMAP, "then": "move:"}, "channels.email.pull.then", "is not known"),
        ({**IMAP, "then": "move:INBOX"}, "channels.email.pull.then", "is read itself"),
        ({**IMAP, "security": "none"}, "channels.email.pull.security", "can be read by anybody"),
        ({**IMAP, "ca": "ca.pem"}, "channels.email.pull.ca", "is relative"),
        ({**IMAP, "folders": []}, "channels.email.pull.folders", ""),
        ({**IMAP, "folders": ["A", "A"]}, "channels.email.pull.folders[1]", "is listed twice"),
        ({**IMAP, "password": "x"}, "channels.email.pull.password", "there is no such key"),
        ({**MASTODON, "host": "x"}, "channels.email.pull.host", "there is no such key"),
        ({**MASTODON, "server": "http://a.example"}, "channels.email.pull.server", "can be read"),
        ({**YOUTUBE, "daily_units": 0}, "channels.email.pull.daily_units", ""),
    ],
)
def test_a_mistake_is_named_by_its_key(pull: Any, path: str, wrong: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parsed(pull)
    (problem,) = refused.value.problems
    assert problem.path == path
    assert wrong in problem.wrong
    assert problem.right


@pytest.mark.parametrize("pull", [IMAP, MASTODON, YOUTUBE], ids=lambda each: str(each["type"]))
def test_a_source_needs_the_connector_that_reads_it(pull: Mapping[str, Any]) -> None:
    right = PULLED[pull["type"]]
    known: dict[str, Any] = dict.fromkeys(("standard_webhooks", "api", right))
    examine(parsed(pull, connector=right), known)
    with pytest.raises(PolicyError) as refused:
        examine(parsed(pull), known)
    (problem,) = refused.value.problems
    assert problem.path == "channels.email.pull.type"
    assert right in problem.right
