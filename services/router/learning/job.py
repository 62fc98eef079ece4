"""What the process that trains is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """`policy` is the path of the policy file, None for the shipped one. `from_lexicon`: the labels
    are what the words alone decide.
    """

    database_url: str
    policy: str | None
    fewest_labels: int
    from_lexicon: bool = False
