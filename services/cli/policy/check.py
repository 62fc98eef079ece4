"""`inbound-desk check`: is this policy file right, and what does it promise?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from services.cli.policy.sentences import Language, sentences
from shared.policy.load import load_policy
from shared.policy.model import Policy
from shared.policy.problems import PolicyError, PolicyProblem


def run_check(
    path: Path | None,
    language: Language = "en",
    *,
    examiners: Sequence[Callable[[Policy], object]] = (),
) -> tuple[int, str]:
    """Exit code and text: 0 with the policy in sentences, or 1 with every mistake in the file.

    `examiners` look at what only a service can judge, and raise PolicyError.
    """
    try:
        policy = load_policy(path)
        _examine(policy, examiners)
    except PolicyError as error:
        error.file = "The shipped policy" if path is None else str(path)
        return 1, error.sentence()
    return 0, "\n".join(sentences(policy, language))


def _examine(policy: Policy, examiners: Sequence[Callable[[Policy], object]]) -> None:
    """Raises PolicyError with what each of them found."""
    problems: list[PolicyProblem] = []
    for examine in examiners:
        try:
            examine(policy)
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError(tuple(problems))
