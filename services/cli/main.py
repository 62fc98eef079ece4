"""The command line: `inbound-desk ...`, or `python -m services ...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from services.cli import (
    backfill,
    channels,
    check,
    keys,
    migrate,
    recover,
    replay,
    retention,
    router,
    run,
    send,
    simulate,
)
from services.root import unknown_settings
from shared.access.keys import KeysFileError
from shared.bus.port import BusUnavailableError
from shared.errors import DeskError
from shared.policy import PolicyError
from shared.runtime.lifecycle import LoopEndedError
from shared.runtime.telemetry import configure_logging
from shared.web.app import VERSION

COMMANDS = (
    run, migrate, replay, recover, backfill, retention, check, channels, send, keys, simulate,
    router,
)  # fmt: skip
LOGGED = (run.run, run.run_one)
"""These say the same in their log, whose lines keep its form."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: done. 1: something is wrong, said in a sentence. 2: the words of the command."""
    options = _parser().parse_args(arguments)
    if options.command not in LOGGED:
        configure_logging("error")  # what goes wrong is said in a sentence below
        for variable, nearest in unknown_settings():
            _say(f"{variable} is not a setting of the desk and is ignored; do you mean {nearest}?")
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
    for command in COMMANDS:
        command.add(verbs)
    return parser
