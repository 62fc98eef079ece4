"""`inbound-desk run`, and one service on its own: `inbound-desk intake`."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import Any

from services.cli.words import SERVICES, add_verb, go
from services.intake.policy import form_channel
from services.process import run_embedded, run_service
from shared.access.keys import add_first_key
from shared.policy import Policy
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings


def add(verbs: Any) -> None:
    add_verb(verbs, "run", run, "the whole desk in one process")
    for service in SERVICES:
        verb = add_verb(verbs, service, run_one, f"the {service} service on its own port")
        verb.set_defaults(service=service)


def run(_options: argparse.Namespace) -> int:
    settings = read_settings(DeskSettings)
    # Made when the desk is up: a key that was made before a start that failed was never shown.
    go(run_embedded(settings, ready=lambda policy: _welcome(settings, policy)))
    return 0


def run_one(options: argparse.Namespace) -> int:
    go(run_service(options.service, read_settings(DeskSettings)))
    return 0


def _first_key(settings: DeskSettings) -> str | None:
    """A key made now, to be shown once; None when there is one already."""
    if settings.api_key:
        return None
    return add_first_key(settings.keys_path(), now=SystemClock().now())


def _welcome(settings: DeskSettings, policy: Policy) -> None:
    key = _first_key(settings)
    url = f"http://{settings.host}:{settings.port}"
    print(f"Inbound Desk serves {url}/", flush=True)
    if form_channel(policy) is not None:
        print(f"The form for your customers: {url}/form", flush=True)
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
