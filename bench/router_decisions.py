"""Decisions a second on one core, what loading takes and what it holds; and the shipped words
against as many words as the policy file had before they shipped, with the engine of then.

Prints shares of the targets and ratios. Run it with `python -m bench.router_decisions`.
"""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import process_time

from services.router.deciding.decide import Decider
from services.router.deciding.decision import Inquiry
from services.router.deciding.lexicon.load import load_lexicon, shipped_finder
from services.router.deciding.rules.terms import Term
from services.router.deciding.rules.words import PolicyWords
from shared.policy import load_policy

LENGTH = 400
TEXTS = 1000
ROUNDS = 7
RATE = 2000
LOADING = 0.5
MEBIBYTES = 100
TERMS_OF_BEFORE = 500
DEVELOPMENT_SET = Path(__file__).parents[1] / "tests/data/routing_dev.jsonl"


def main() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        loading = fresh.submit(_loading_seconds).result()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        held = fresh.submit(_held_bytes).result()
    decider, before, inquiries = Decider.of(load_policy(None)), _words_of_before(), _inquiries()
    ways: tuple[Callable[[Inquiry], object], ...] = (
        decider.decide,
        decider.weigher.weigh,
        before.weigh,
    )
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, seconds in zip(ways, taken, strict=True):
            seconds.append(_seconds(way, inquiries))
    whole, words, old = (median(seconds) for seconds in taken)
    print(f"decisions: share of {RATE} a second       {TEXTS / whole / RATE:6.2f}, at least 1")
    print(f"words alone: share of {RATE} a second     {TEXTS / words / RATE:6.2f}")
    print(f"words alone against those of before     {words / old:6.2f} times")
    print(f"loading: share of {LOADING} s               {loading / LOADING:6.2f}, at most 1")
    print(
        f"held: share of {MEBIBYTES} MiB                 {held / 2**20 / MEBIBYTES:6.2f}, at most 1"
    )


def _loading_seconds() -> float:
    """Of the words alone, in a process that has loaded nothing yet."""
    began = process_time()
    shipped_finder()
    return process_time() - began


def _held_bytes() -> int:
    tracemalloc.start()
    decider = Decider.of(load_policy(None))
    for each in _inquiries():
        decider.decide(each)
    return tracemalloc.get_traced_memory()[0]


def _inquiries() -> list[Inquiry]:
    """Texts of one length, made of those of the development set."""
    lines = DEVELOPMENT_SET.read_text(encoding="utf-8").splitlines()
    written = [json.loads(line)["text"] for line in lines]
    chance = random.Random(13)
    made = []
    for _ in range(TEXTS):
        text = ""
        while len(text) < LENGTH:
            text += f" {chance.choice(written)}"
        made.append(Inquiry(text.strip()[:LENGTH], "Frage", "email"))
    return made


def _words_of_before() -> PolicyWords:
    """As many single words as the policy had, with the engine that it had."""
    words = [
        term
        for term in load_lexicon().terms
        if term.text.replace("*", "").isalpha() and len(term.text) > len("*abc*")
    ]
    return PolicyWords.compile(
        Term(term.text, term.kind, term.weight) for term in words[:: len(words) // TERMS_OF_BEFORE]
    )


def _seconds(way: Callable[[Inquiry], object], inquiries: list[Inquiry]) -> float:
    """Of the processor, so that what else the machine does counts less."""
    began = process_time()
    for each in inquiries:
        way(each)
    return process_time() - began


if __name__ == "__main__":
    main()
