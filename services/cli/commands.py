"""What each command does; `__main__` only reads the words."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import sys
from collections.abc import Coroutine
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import uvloop

from services import root
from services.cli.policy.check import run_check
from services.cli.replay import letters_of, listed, settle_letters
from services.cli.retention import remove_old
from services.cli.send import secret_of
from services.cli.send import send as send_message
from services.process import run_embedded, run_service
from services.sla.previews.simulate import simulate as simulate_policy
from services.sla.promises.policy_version import edition_of
from shared.access.keys import (
    ALL_SCOPES,
    ENVIRONMENT_KEY,
    add_first_key,
    add_key,
    new_key,
    read_keys,
)
from shared.access.keys import revoke_key as revoke
from shared.messaging.outbox import publish_again
from shared.policy import Policy, load_policy
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, channel_secrets, read_settings
from shared.web.moments import midnight

T = TypeVar("T")


def run(_options: argparse.Namespace) -> int:
    settings = read_settings(DeskSettings)
    # Made when the desk is up: a key that was made before a start that failed was never shown.
    _go(run_embedded(settings, ready=lambda: _welcome(settings, _first_key(settings))))
    return 0


def run_one(options: argparse.Namespace) -> int:
    _go(run_service(options.service, read_settings(DeskSettings)))
    return 0


def migrate(options: argparse.Namespace) -> int:
    unknown = set(options.services) - set(root.BUILDERS)
    if unknown:
        raise ValueError(
            f"no service is named {min(unknown)}; known are {', '.join(root.BUILDERS)}"
        )
    services = options.services or list(root.BUILDERS)
    _go(root.migrate(services, read_settings(DeskSettings)))
    print(f"up to date: {', '.join(services)}")
    return 0


def replay(options: argparse.Namespace) -> int:
    if options.what == "dead-letters":
        return _replay_letters(options)
    if (
        options.since is None
        or options.list
        or options.id
        or options.service
        or options.discard is not None
    ):
        raise ValueError(
            f"`replay {options.what}` takes --since and nothing else; --list, --id, --service and "
            "--discard belong to `replay dead-letters`"
        )
    count = _go(_replay_service(options.what, read_settings(DeskSettings), options))
    print(f"{count} facts of {options.what} go out again")
    return 0


def _replay_letters(options: argparse.Namespace) -> int:
    settings = read_settings(DeskSettings)
    services = (options.service,) if options.service else tuple(root.BUILDERS)
    if not (options.list or options.id or options.since):
        raise ValueError("say which dead letters: --list shows them, --id or --since chooses")
    if options.discard is not None and (options.list or not options.discard.strip()):
        raise ValueError("--discard takes a reason, and no --list beside it")
    found = _go(letters_of(services, settings, since=options.since, ids=options.id))
    if options.list:
        print(listed(found))
        return 0
    now = SystemClock().now()
    count = _go(settle_letters(found, settings, discarded_for=options.discard, now=now))
    what = (
        "given up"
        if options.discard is not None
        else "asked for: each goes to its consumer once more"
    )
    print(f"{count} dead letters {what}")
    return 0


async def _replay_service(service: str, settings: DeskSettings, options: argparse.Namespace) -> int:
    async with root.opened(root.database_of(service, settings), service) as database:
        return await database.write(publish_again, since=options.since)


def retention(options: argparse.Namespace) -> int:
    settings, now = read_settings(DeskSettings), SystemClock().now()
    print(_go(remove_old(settings, now=now, dry_run=options.dry_run)))
    return 0


def check(options: argparse.Namespace) -> int:
    code, text = run_check(
        options.file or read_settings(DeskSettings).policy,
        options.language,
        examine=lambda policy: edition_of(policy, now=SystemClock().now()),
    )
    print(text)
    return code


def create_key(options: argparse.Namespace) -> int:
    key = new_key()
    add_key(
        read_settings(DeskSettings).keys_path(),
        name=options.name,
        key=key,
        scopes=options.scope or ALL_SCOPES,
        now=SystemClock().now(),
        expires_at=options.expires,
    )
    print(key)
    return 0


def list_keys(_options: argparse.Namespace) -> int:
    settings = read_settings(DeskSettings)
    keys = read_keys(settings.keys_path())
    if settings.api_key and all(key.name != ENVIRONMENT_KEY for key in keys):
        print(f"{ENVIRONMENT_KEY}\texpires never\t{' '.join(ALL_SCOPES)}")
    for key in keys:
        expires = key.expires_at.isoformat() if key.expires_at else "never"
        print(f"{key.name}\texpires {expires}\t{' '.join(key.scopes) or 'revoked'}")
    return 0


def revoke_key(options: argparse.Namespace) -> int:
    settings = read_settings(DeskSettings)
    revoke(
        settings.keys_path(),
        options.name,
        now=SystemClock().now(),
        environment_key=settings.api_key,
    )
    print(f"revoked: {options.name}")
    return 0


def simulate(options: argparse.Namespace) -> int:
    policy = load_policy(options.policy)

    async def work() -> str:
        reader = root.reader_of("sla", read_settings(DeskSettings))
        async with root.opened(reader, "sla") as database:
            found = await simulate_policy(
                database,
                policy,
                start=_midnight(options.start, policy),
                end=_midnight(options.end, policy),
                now=SystemClock().now(),
            )
        return json.dumps(found.as_json(), indent=2) if options.json else found.as_text()

    print(_go(work()))
    return 0


def send(options: argparse.Namespace) -> int:
    raw = sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes()
    secret = secret_of(options.channel, channel_secrets(os.environ))
    sent = send_message(
        raw, channel=options.channel, secret=secret, url=options.url, now=SystemClock().now()
    )
    print(sent.text)
    return 0 if sent.well else 1


def _midnight(moment: date, policy: Policy) -> datetime:
    """A day begins at midnight where the desk is; a moment is what it is."""
    if isinstance(moment, datetime):
        return moment
    return midnight(ZoneInfo(policy.calendar.timezone), moment)


def _go(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _first_key(settings: DeskSettings) -> str | None:
    """A key made now, to be shown once; None when there is one already."""
    if settings.api_key:
        return None
    return add_first_key(settings.keys_path(), now=SystemClock().now())


def _welcome(settings: DeskSettings, key: str | None) -> None:
    url = f"http://{settings.host}:{settings.port}"
    print(f"Inbound Desk serves {url}/", flush=True)
    if key is None:
        return
    bearer = shlex.quote(f"Authorization: Bearer {key}")
    inquiry = json.dumps(
        {
            "channel": "web_form",
            "author": {"name": "Erika Muster", "email": "erika@example.org"},
            "text": "Seit dem Update kommt beim Anmelden Fehler 500. Was kann ich tun?",
        },
        ensure_ascii=False,
    )
    print(
        f"\nYour API key, shown only now: {key}\n\nTry it in another shell:\n\n"
        f"curl -H {bearer} -H 'Content-Type: application/json' -d {shlex.quote(inquiry)} "
        f"{url}/intake/v1/inquiries\n\n"
        f"curl -H {bearer} {url}/router/v1/todos\n\n"
        f"curl -H {bearer} {url}/sla/v1/deadlines\n",
        flush=True,
    )
