"""`inbound-desk check`: is this policy file right, and what does it promise?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.cli.policy.sentences import Language, sentences
from shared.policy.load import load_policy
from shared.policy.model import Policy
from shared.policy.problems import PolicyError


def run_check(
    path: Path | None,
    language: Language = "en",
    *,
    examine: Callable[[Policy], object] = lambda _policy: None,
) -> tuple[int, str]:
    """Exit code and text: 0 with the policy in sentences, or 1 with every mistake in the file.

    `examine` looks at what only a service can judge, and raises PolicyError.
    """
    try:
        policy = load_policy(path)
        examine(policy)
    except PolicyError as error:
        error.file = "The shipped policy" if path is None else str(path)
        return 1, error.sentence()
    return 0, "\n".join(sentences(policy, language))
