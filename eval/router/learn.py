"""What the router would decide after some corrections: the code that trains, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

from services.router.deciding.classifier import Classifier
from services.router.deciding.decide import Decider
from services.router.deciding.decision import INBOUND_DESK, TECHNICAL_DESK
from services.router.deciding.model.learned import Seat, Version
from services.router.learning.samples import sample_of
from services.router.learning.training import train
from shared.policy import load_policy

DESKS = {"technical": TECHNICAL_DESK, "general": INBOUND_DESK}


class Labelled(Protocol):
    """An inquiry with the kind that a person would give it."""

    @property
    def id(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def text(self) -> str: ...
    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Learned:
    """`version` is None where what was trained would not have been promoted."""

    decider: Decider
    version: Version | None
    why: str


def corrections(train_items: Iterable[Labelled], n: int) -> Classifier:
    """The shipped policy after a person corrected `n` of these inquiries, whichever: by the hash of
    their names. Never more than there are; those of other kinds than the two desks' do not count.
    """
    return learned(train_items, n).decider


def learned(train_items: Iterable[Labelled], n: int) -> Learned:
    decider = Decider.of(load_policy(None))
    samples = [
        sample_of(
            each.id,
            decider.inquiry(each.text, subject=each.subject, channel=each.channel),
            DESKS[each.kind],
            weight=1.0,
            decider=decider,
        )
        for each in chosen(train_items, n)
    ]
    trained = train(samples, current=None)
    if trained.model is None or not trained.promoted:
        return Learned(decider, None, trained.why)
    version = Version(1, trained.model)
    return Learned(replace(decider, learned=Seat(version)), version, trained.why)


def chosen(items: Iterable[Labelled], n: int) -> Sequence[Labelled]:
    usable = [each for each in items if each.kind in DESKS]
    # Another hash than the one by which labels are held back.
    return sorted(usable, key=lambda each: sha256(f"chosen {each.id}".encode()).digest())[:n]
