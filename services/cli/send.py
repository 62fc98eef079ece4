"""`inbound-desk send`: sign a message as a channel's connector would, and post it to the desk."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from services.cli.posting import secret_of
from services.cli.posting import send as send_message
from services.cli.words import add_verb
from shared.runtime.clock import SystemClock
from shared.runtime.settings import channel_secrets


def add(verbs: Any) -> None:
    verb = add_verb(verbs, "send", send, "sign and post a message, to try a channel")
    verb.add_argument("channel", help="its secret is taken from DESK_SECRET_<CHANNEL>")
    verb.add_argument(
        "file", help="a message as JSON, a list of them, or a whole event; - is stdin"
    )
    verb.add_argument("--url", default="http://127.0.0.1:8000", help="address of the desk")


def send(options: argparse.Namespace) -> int:
    raw = sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes()
    secret = secret_of(options.channel, channel_secrets(os.environ))
    sent = send_message(
        raw, channel=options.channel, secret=secret, url=options.url, now=SystemClock().now()
    )
    print(sent.text)
    return 0 if sent.well else 1
