"""How often the words are right on the development set, which the calibration comes from.

Minimum numbers: what falls below them got worse. What customers of other companies write is harder;
the figures of the evaluation set, which nothing is tuned to, stand in docs/routing.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.router.deciding.decide import Decider
from services.router.deciding.decision import Decision, Inquiry, Kind
from shared.policy import load_policy
from tests.architecture.source import ROOT

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (ROOT / "tests/data/routing_dev.jsonl").read_text("utf-8").splitlines()
]
DECIDER = Decider.of(load_policy())


def _decided(row: dict[str, Any]) -> Decision:
    return DECIDER.decide(Inquiry(row["text"], row["subject"], row["channel"]))


def _best(decision: Decision) -> Kind:
    return decision.leaning or decision.kind


def _right(kind: Kind, row: dict[str, Any]) -> bool:
    return kind.value in (row["kind"], *row["also_right"])


DECIDED = [(row, _decided(row)) for row in ROWS]


def test_the_set_is_large_and_balanced() -> None:
    assert len(ROWS) >= 300
    assert len({row["text"] for row in ROWS}) == len({row["id"] for row in ROWS}) == len(ROWS)
    for language in ("de", "en"):
        assert sum(row["lang"] == language for row in ROWS) >= 140
    for kind in ("technical", "general"):
        assert sum(row["kind"] == kind for row in ROWS) >= 140


@pytest.mark.parametrize("kind", [Kind.TECHNICAL, Kind.GENERAL])
@pytest.mark.parametrize("language", ["de", "en"])
def test_the_best_guess_is_mostly_right(kind: Kind, language: str) -> None:
    of_kind = [(row, _best(each)) for row, each in DECIDED if row["lang"] == language]
    hits = sum(_right(guess, row) for row, guess in of_kind if guess is kind)
    precision = hits / sum(guess is kind for _, guess in of_kind)
    recall = hits / sum(row["kind"] == kind for row, _ in of_kind)
    assert precision >= 0.9
    assert recall >= 0.9


def test_what_is_decided_alone_is_right() -> None:
    alone = [(row, each) for row, each in DECIDED if each.kind is not Kind.UNSURE]
    assert len(alone) >= 0.6 * len(DECIDED)
    assert sum(_right(each.kind, row) for row, each in alone) >= 0.97 * len(alone)


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 1.0)])
def test_the_probability_promises_no_more_than_it_keeps(low: float, high: float) -> None:
    likely = [(row, each) for row, each in DECIDED if low < each.confidence <= high]
    promised = sum(each.confidence for _, each in likely) / len(likely)
    assert sum(_right(_best(each), row) for row, each in likely) / len(likely) >= promised - 0.02
