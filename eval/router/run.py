"""How often the router is right on a set, in shares; prints nothing of what customers wrote.

Usage:
    python -m eval.router.run                  the frozen set of many companies
    python -m eval.router.run --company        one company's year: by the words alone, and after
                                               50, 200 and 1,000 corrections
    python -m eval.router.run --set FILE       any file with one inquiry a line, such as
                                               tests/data/routing_dev.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.router.dataset import (
    DECIDED_ON,
    KINDS,
    LANGUAGES,
    LabelledInquiry,
    read_company,
    read_inquiries,
)
from eval.router.learn import corrections
from services.router.deciding.classifier import Classifier
from services.router.deciding.decide import Decider
from services.router.deciding.decision import Decision, Inquiry, Kind
from shared.policy import load_policy

CORRECTIONS = (50, 200, 1000)
DESKS = ("technical", "general")
SUSPICIONS = (Kind.NETIQUETTE, Kind.SPAM)


@dataclass(frozen=True, slots=True)
class Decided:
    """An inquiry of a set and what the router makes of it."""

    inquiry: LabelledInquiry
    decision: Decision

    @property
    def guess(self) -> str:
        """The kind that is decided, or the one that an unsure decision leans to."""
        return (self.decision.leaning or self.decision.kind).value

    @property
    def alone(self) -> bool:
        """Whether a desk got it without a person having decided."""
        return self.decision.kind.value in DESKS

    @property
    def as_decided(self) -> Decided:
        """The same without its leaning."""
        return replace(self, decision=replace(self.decision, leaning=None))

    def is_right(self, kind: str) -> bool:
        return kind in self.inquiry.right


def main() -> None:
    parser = argparse.ArgumentParser(prog="eval.router.run")
    parser.add_argument("--set", type=Path, help="a file with one inquiry a line")
    parser.add_argument("--company", action="store_true", help="one company's year, and learning")
    asked = parser.parse_args()
    if asked.company:
        _company(read_company())
    else:
        inquiries = read_inquiries() if asked.set is None else _read(asked.set)
        print_report(decided_by(Decider.of(load_policy(None)), inquiries))


def decided_by(classifier: Classifier, inquiries: Iterable[LabelledInquiry]) -> list[Decided]:
    """As if no channel led to a desk: on the hotline the words would not be asked."""
    return [
        Decided(
            each,
            classifier.decide(Inquiry(each.text, each.subject, after_answer=each.after_answer)),
        )
        for each in inquiries
    ]


def macro_f1(decided: Sequence[Decided], kinds: Sequence[str] = DESKS) -> float:
    """The mean of the F1 of the best guess on the inquiries of these kinds."""
    of_kinds = [each for each in decided if each.inquiry.kind in kinds]
    return sum(_f1(of_kinds, kind) for kind in kinds) / len(kinds)


def print_report(decided: Sequence[Decided]) -> None:
    for name, part in [("all", list(decided)), *_by_language(decided)]:
        if part:
            print(f"{name}: {len(part)} inquiries")
            _print_desks(part)
    print("by kind: inquiries, decided or suspected as such, precision, recall")
    for kind in KINDS:
        _print_kind(decided, kind)
    angry = [each for each in decided if "angry" in each.inquiry.note]
    suspected = [each.inquiry.id for each in angry if each.decision.kind in SUSPICIONS]
    print(f"angry, and suspected: {len(suspected)} of {len(angry)} {' '.join(suspected)}".rstrip())


def _company(inquiries: Sequence[LabelledInquiry]) -> None:
    labels, later = inquiries[:-DECIDED_ON], inquiries[-DECIDED_ON:]
    ways: list[tuple[str, Classifier]] = [("words alone", Decider.of(load_policy(None)))]
    ways += [(f"after {n} corrections", corrections(labels[:n], n)) for n in CORRECTIONS]
    for name, classifier in ways:
        print(f"{name}:")
        _print_desks(decided_by(classifier, later))


def _by_language(decided: Sequence[Decided]) -> list[tuple[str, list[Decided]]]:
    return [(name, [each for each in decided if each.inquiry.lang == name]) for name in LANGUAGES]


def _print_desks(decided: Sequence[Decided]) -> None:
    """Of the inquiries that belong to a desk, and of all that a desk got."""
    desks = [each for each in decided if each.inquiry.kind in DESKS]
    alone = [each for each in decided if each.alone]
    right = [each for each in alone if each.is_right(each.decision.kind.value)]
    theirs = [each for each in alone if each.inquiry.kind in DESKS]
    hits = sum(each in right for each in theirs)
    accuracy = _share(sum(each.is_right(each.guess) for each in desks), len(desks))
    print(f"  accuracy of the best guess  {accuracy}")
    print(f"  macro-F1 of best guesses    {macro_f1(decided):.3f}")
    print(f"  macro-F1, unsure is a miss  {macro_f1([each.as_decided for each in decided]):.3f}")
    print(f"  decided alone               {_share(len(alone), len(decided))}")
    print(f"  right when alone            {_share(len(right), len(alone))}")
    print(f"  the same, of inquiries that belong to a desk: {_share(hits, len(theirs))}")


def _print_kind(decided: Sequence[Decided], kind: str) -> None:
    """Of the desks, what they got alone; of the others, what was suspected or suggested."""
    said = [each for each in decided if each.decision.kind == Kind(kind)]
    true = [each for each in decided if each.inquiry.kind == kind]
    right = sum(each.is_right(kind) for each in said)
    found = sum(each.decision.kind.value == kind for each in true)
    precision, recall = _share(right, len(said)), _share(found, len(true))
    print(f"  {kind:18} {len(true):5} {len(said):5} {precision:>7} {recall:>7}")


def _f1(decided: Sequence[Decided], kind: str) -> float:
    """A double matter counts for the kind that was guessed where that is right as well."""
    truths = [each.guess if each.is_right(each.guess) else each.inquiry.kind for each in decided]
    pairs = [(each.guess, truth) for each, truth in zip(decided, truths, strict=True)]
    right = sum(guess == kind == truth for guess, truth in pairs)
    wrong = sum((guess == kind) != (truth == kind) for guess, truth in pairs)
    return 2 * right / (2 * right + wrong) if right else 0.0


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "none"


def _read(path: Path) -> list[LabelledInquiry]:
    """A set may leave out what is only for its readers."""
    lines = path.read_text(encoding="utf-8").splitlines()
    missing = {"industry": "", "note": "", "also_right": [], "after_answer": False}
    rows = [{**missing, **json.loads(line)} for line in lines if line]
    return [LabelledInquiry(**{**row, "also_right": tuple(row["also_right"])}) for row in rows]


if __name__ == "__main__":
    main()
