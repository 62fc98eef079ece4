"""The evaluation sets of the router: inquiries with the kind that a person would give them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "inquiries"
COMPANY_FOLDER = Path(__file__).parent / "company"
DECIDED_ON = 250
"""Inquiries to the one company, from the end of its year: never labels to learn from."""
KINDS = ("technical", "general", "netiquette", "spam", "no_answer_needed")
LANGUAGES = ("de", "en", "mixed", "other")
CHANNELS = (
    "app_review", "email", "facebook", "hotline", "instagram", "linkedin", "mastodon", "web_form",
    "x", "youtube",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledInquiry:
    """One line of a set; README.md says what the fields mean."""

    id: str
    lang: str
    channel: str
    industry: str
    subject: str | None
    text: str
    kind: str
    also_right: tuple[str, ...]
    after_answer: bool
    note: str

    @property
    def right(self) -> frozenset[str]:
        """Every kind that counts as right."""
        return frozenset((self.kind, *self.also_right))


def read_inquiries() -> list[LabelledInquiry]:
    """The set of many companies, in the order of its files. TypeError: a line has other fields."""
    return _read(FOLDER)


def read_company() -> list[LabelledInquiry]:
    """One company's year, in order of arrival. TypeError: a line has other fields."""
    return _read(COMPANY_FOLDER)


def _read(folder: Path) -> list[LabelledInquiry]:
    return [
        _inquiry(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    ]


def _inquiry(line: str) -> LabelledInquiry:
    fields = json.loads(line)
    return LabelledInquiry(**{**fields, "also_right": tuple(fields["also_right"])})
