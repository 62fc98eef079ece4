"""What a learned model costs: decisions with and without it, its loading, its memory.

The model is as large as one can be: every feature has a weight.
"""

from __future__ import annotations

import resource
import time
from itertools import cycle, islice

import numpy as np

from services.router.deciding.decide import Decider
from services.router.deciding.decision import Inquiry
from services.router.deciding.model.features import SPACE
from services.router.deciding.model.file import from_bytes, to_bytes
from services.router.deciding.model.learned import Version
from services.router.deciding.model.linear import LinearModel
from shared.policy import load_policy

CHARACTERS = 400
ROUNDS = 2_000
TARGET_A_SECOND = 2_000
TARGET_LOADING_SECONDS = 1.0
TARGET_MIB = 100
SENTENCES = (
    "Guten Tag, seit gestern lässt sich die App auf meinem Telefon nicht mehr öffnen.",
    "Wo bleibt meine Bestellung, und wann bekomme ich die Rechnung dazu?",
    "Hello, the dashboard has been slow since this morning, is there an outage?",
    "Ich möchte meinen Vertrag zum Monatsende kündigen und bitte um eine Bestätigung.",
    "The printer in our branch shows error 17 again although we replaced the toner.",
)


def main() -> None:
    decider, texts = Decider.of(load_policy(None)), _texts()
    without = _seconds(decider, texts)
    before = _mebibytes()
    data = to_bytes(_full())
    began = time.process_time()
    decider.learned.current = Version(1, from_bytes(data))
    loading = time.process_time() - began
    with_it = _seconds(decider, texts)
    per_second = len(texts) / with_it
    print(f"decisions with the model / without: {without / with_it:.2f}")
    print(f"decisions a second and core / {TARGET_A_SECOND}: {per_second / TARGET_A_SECOND:.2f}")
    print(f"loading / {TARGET_LOADING_SECONDS:g} s: {loading / TARGET_LOADING_SECONDS:.2f}")
    more = _mebibytes() - before
    print(f"memory, with what made the model / {TARGET_MIB} MiB: {more / TARGET_MIB:.2f}")


def _texts() -> list[str]:
    """Each begins elsewhere, so none is the same as the one before."""
    long = " ".join(islice(cycle(SENTENCES), 40))
    return [long[n % 1000 :][:CHARACTERS] for n in range(ROUNDS)]


def _seconds(decider: Decider, texts: list[str]) -> float:
    for text in texts[:100]:
        decider.decide(Inquiry(text))
    began = time.process_time()
    for text in texts:
        decider.decide(Inquiry(text))
    return time.process_time() - began


def _full() -> LinearModel:
    numbers = np.random.default_rng(1)

    def some(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return numbers.normal(size=shape).astype(np.float32)

    return LinearModel(
        desks=("inbound", "technical"),
        weights=some(2, SPACE),
        rarity=np.abs(some(SPACE)) + 1,
        bias=some(2),
        trust=1.0,
        lexicon=1.0,
        offset=some(2),
        thresholds=(0.9, 0.9),
    )


def _mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
