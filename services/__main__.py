"""The command line: `inbound-desk ...`, or `python -m services ...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.cli import commands
from services.root import unknown_settings
from shared.access.keys import ALL_SCOPES, KeysFileError
from shared.bus.port import BusUnavailableError
from shared.errors import DeskError
from shared.policy import PolicyError
from shared.runtime.lifecycle import LoopEndedError
from shared.runtime.telemetry import configure_logging
from shared.web.app import VERSION
from shared.web.moments import day_or_moment, moment_of

SERVICES = ("intake", "router", "sla")
LOGGED = (commands.run, commands.run_one)
"""These say the same in their log, whose lines keep its form."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: done. 1: something is wrong, said in a sentence. 2: the words of the command."""
    options = _parser().parse_args(arguments)
    if options.command not in LOGGED:
        configure_logging("error")  # what goes wrong is said in a sentence below
        for variable, nearest in unknown_settings():
            _say(f"{variable} is no setting of the desk and is passed over; is it {nearest}?")
    try:
        return int(options.command(options))
    except PolicyError as bad:
        return _refused(bad.sentence())
    except OSError as bad:
        about = f"{bad.filename}: {bad.strerror}" if bad.filename and bad.strerror else str(bad)
        return _refused(about)
    except (DeskError, BusUnavailableError, KeysFileError, LoopEndedError, ValueError) as bad:
        return _refused(str(bad))
    except KeyboardInterrupt:
        return 130


def _refused(text: str) -> int:
    for line in text.splitlines():
        _say(line)
    return 1


def _say(line: str) -> None:
    print(f"inbound-desk: {line}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inbound-desk", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    verbs = parser.add_subparsers(required=True, metavar="command")
    _add(verbs, "run", commands.run, "the whole desk in one process")
    for service in SERVICES:
        verb = _add(verbs, service, commands.run_one, f"the {service} service on its own port")
        verb.set_defaults(service=service)
    verb = _add(verbs, "migrate", commands.migrate, "bring the databases up to date")
    verb.add_argument("services", nargs="*", metavar="service", help="all, if none is named")
    verb = _add(verbs, "replay", commands.replay, "publish kept facts again; exactly one effect")
    verb.add_argument("what", choices=(*SERVICES, "dead-letters"))
    verb.add_argument("--since", type=_moment, help="e.g. 2026-11-24T08:00:00Z")
    letters = verb.add_argument_group("dead-letters")
    letters.add_argument("--list", action="store_true", help="show what waits; change nothing")
    letters.add_argument("--id", action="append", type=UUID, help="this letter; may be repeated")
    letters.add_argument("--service", choices=SERVICES, help="the letters of this service alone")
    letters.add_argument("--discard", metavar="REASON", help="give the letters up, for a reason")
    verb = _add(verbs, "retention", commands.retention, "remove what is older than messages_days")
    verb.add_argument("--dry-run", action="store_true", help="only say what would go")
    verb = _add(verbs, "check", commands.check, "validate a policy file and say what it promises")
    verb.add_argument("file", nargs="?", type=Path, help="left out: DESK_POLICY or the shipped one")
    verb.add_argument("--language", choices=("en", "de"), default="en")
    verb = _add(verbs, "send", commands.send, "sign and post a message, to try a channel")
    verb.add_argument("channel", help="its secret is taken from DESK_SECRET_<CHANNEL>")
    verb.add_argument(
        "file", help="a message as JSON, a list of them, or a whole event; - is stdin"
    )
    verb.add_argument("--url", default="http://127.0.0.1:8000", help="where the desk is")
    _add_keys(verbs)
    _add_sla(verbs)
    return parser


def _add_keys(verbs: Any) -> None:
    keys = verbs.add_parser("keys", help="API keys").add_subparsers(required=True, metavar="verb")
    verb = _add(keys, "create", commands.create_key, "make a key and show it once")
    verb.add_argument("name")
    verb.add_argument("--scope", action="append", choices=ALL_SCOPES, help="all, if none is named")
    verb.add_argument("--expires", type=_moment, help="e.g. 2027-01-01T00:00:00Z")
    _add(keys, "list", commands.list_keys, "names, scopes and expiry; never the keys")
    verb = _add(keys, "revoke", commands.revoke_key, "take a key's rights away at once")
    verb.add_argument("name")


def _add_sla(verbs: Any) -> None:
    sla = verbs.choices["sla"]
    sla.set_defaults(command=commands.run_one)
    below = sla.add_subparsers(metavar="verb")
    verb = _add(below, "simulate", commands.simulate, "what another policy would have meant")
    verb.add_argument("--policy", type=Path, required=True)
    verb.add_argument("--from", dest="start", type=_day, required=True, help="a day, or a moment")
    verb.add_argument("--to", dest="end", type=_day, required=True, help="not part of it")
    verb.add_argument("--json", action="store_true")


def _add(
    verbs: Any, name: str, command: Callable[[argparse.Namespace], int], about: str
) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about)
    verb.set_defaults(command=command)
    return verb


def _day(text: str) -> date:
    """A day such as 2026-11-24, or a moment."""
    try:
        return day_or_moment(text)
    except ValueError as error:
        raise _unreadable(text, error, "2026-11-24 or 2026-11-24T08:00:00Z") from error


def _moment(text: str) -> datetime:
    try:
        return moment_of(text)
    except ValueError as error:
        raise _unreadable(text, error, "2026-11-24T08:00:00Z") from error


def _unreadable(text: str, error: ValueError, right: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{text!r} {error}; write it like {right}")


if __name__ == "__main__":
    sys.exit(main())
