"""What is in the evaluation sets, as the tables of README.md: `python -m eval.router.counts`."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from eval.router.dataset import (
    COMPANY_FOLDER,
    DECIDED_ON,
    FOLDER,
    KINDS,
    LabelledInquiry,
    read_company,
    read_inquiries,
)


def tables(inquiries: list[LabelledInquiry]) -> str:
    """Markdown: each kind by language, channel, industry and by what makes it difficult."""
    return "\n\n".join(
        [
            _table("Kind", inquiries, lambda _: ["all"]),
            _table("Language", inquiries, lambda each: [each.lang]),
            _table("Channel", inquiries, lambda each: [each.channel]),
            _table("Industry", inquiries, lambda each: [each.industry]),
            _table("Of these", inquiries, _difficulties),
        ]
    )


def company_tables(inquiries: list[LabelledInquiry]) -> str:
    """Markdown: one company's year by language, channel, part and what makes it difficult."""
    decided_on = {each.id for each in inquiries[-DECIDED_ON:]}
    return "\n\n".join(
        [
            _table("Kind", inquiries, lambda _: ["all"]),
            _table("Language", inquiries, lambda each: [each.lang]),
            _table("Channel", inquiries, lambda each: [each.channel]),
            _table(
                "Part",
                inquiries,
                lambda each: ["decided on" if each.id in decided_on else "corrections"],
            ),
            _table("Of these", inquiries, _difficulties),
        ]
    )


def digest(folder: Path) -> str:
    """SHA-256 of the files' bytes, one after another in the order of their names."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.jsonl")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _difficulties(inquiry: LabelledInquiry) -> Iterable[str]:
    if inquiry.after_answer:
        yield "after an answer"
    if inquiry.also_right:
        yield "another kind is right as well"
    if "angry" in inquiry.note:
        yield "angry, and insults nobody"
    if "thanks" in inquiry.note:
        yield "thanks that want an answer"


def _table(
    title: str,
    inquiries: list[LabelledInquiry],
    values: Callable[[LabelledInquiry], Iterable[str]],
) -> str:
    kinds = [kind for kind in KINDS if any(each.kind == kind for each in inquiries)]
    counts = Counter((value, each.kind) for each in inquiries for value in values(each))
    rows = [
        [title, *kinds, "all"],
        ["---", *["---:"] * (len(kinds) + 1)],
        *(
            _row(value, [counts[value, kind] for kind in kinds])
            for value in sorted({value for value, _ in counts})
        ),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(title: str, counts: list[int]) -> list[str]:
    return [title, *map(str, counts), str(sum(counts))]


if __name__ == "__main__":
    print(f"{tables(read_inquiries())}\n\nSHA-256: `{digest(FOLDER)}`\n")
    print(f"{company_tables(read_company())}\n\nSHA-256: `{digest(COMPANY_FOLDER)}`")
