"""`inbound-desk check`: is this policy file right, and what does it promise?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from services.cli.policy.check import run_check
from services.cli.words import add_verb
from services.intake.policy import examine
from services.sla.promises.policy_version import policy_version_of
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings


def add(verbs: Any) -> None:
    verb = add_verb(verbs, "check", check, "validate a policy file and say what it promises")
    verb.add_argument("file", nargs="?", type=Path, help="left out: DESK_POLICY or the shipped one")
    verb.add_argument("--language", choices=("en", "de"), default="en")


def check(options: argparse.Namespace) -> int:
    code, text = run_check(
        options.file or read_settings(DeskSettings).policy,
        options.language,
        examiners=(examine, lambda policy: policy_version_of(policy, now=SystemClock().now())),
    )
    print(text)
    return code
