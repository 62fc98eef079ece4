"""What a ToDo teaches, as it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.router.learning.domain.labels import (
    Label,
    Line,
    Source,
    Standing,
    decided_desk,
    label_of,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def todo(**changes: object) -> Standing:
    """Decided for the technical desk, where it is open."""
    plain = Standing(
        desk="technical", first_desk="technical", state="open", dismissal=None, ended_at=None,
        ended_by=None, decided_by="lexicon", merged=False, history=(),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def moved(who: str = "Anna", what: str = "rerouted", at: datetime = NOON) -> Line:
    return Line(at, who, what)


MOVED = {"desk": "inbound", "history": (moved(),)}
DONE = {"state": "done", "ended_at": LATER, "ended_by": "Anna"}


@pytest.mark.parametrize(
    ("standing", "label"),
    [
        (todo(), None),
        (todo(**DONE), Label("technical", "technical", Source.ENDED, LATER)),
        (todo(desk="inbound", first_desk="inbound", **DONE),
         Label("general", "inbound", Source.ENDED, LATER)),
        (todo(desk="sales", first_desk="sales", **DONE),
         Label("general", "sales", Source.ENDED, LATER)),
        (todo(**MOVED), Label("general", "inbound", Source.MOVED, NOON)),
        (todo(**MOVED, **DONE), Label("general", "inbound", Source.MOVED, NOON)),
        (todo(first_desk="review", history=(moved(),)),
         Label("technical", "technical", Source.VERDICT, NOON)),
        (todo(history=(moved(what="verdict"),)),
         Label("technical", "technical", Source.VERDICT, NOON)),
        # The latest counts, in whatever order the lines were written.
        (todo(history=(moved(at=LATER), moved(at=NOON))),
         Label("technical", "technical", Source.MOVED, LATER)),
        # Back at review: nobody knows any more.
        (todo(desk="review", history=(moved(),)), None),
        (todo(desk="review", first_desk="review", **DONE), None),
        # The customer's edit moved it: the router decided that, no person.
        (todo(desk="inbound", history=(moved(who="router"),)), None),
        (todo(state="dismissed", dismissal="spam", ended_at=LATER, ended_by="Anna"),
         Label("spam", None, Source.VERDICT, LATER)),
        (todo(state="dismissed", dismissal="netiquette", ended_at=LATER, **MOVED),
         Label("netiquette", None, Source.VERDICT, LATER)),
        (todo(state="dismissed", dismissal="no_answer_needed", ended_at=LATER, ended_by="policy"),
         None),
        (todo(state="dismissed", dismissal="duplicate", ended_at=LATER, ended_by="Anna"), None),
        (todo(merged=True, **MOVED), None),
        # Whoever writes to the hotline says nothing of what is written.
        (todo(decided_by="addressed_desk", **DONE), None),
        (todo(decided_by="addressed_desk", **MOVED),
         Label("general", "inbound", Source.MOVED, NOON)),
    ],
)  # fmt: skip
def test_the_label_follows_from_how_it_stands(standing: Standing, label: Label | None) -> None:
    assert label_of(standing) == label


def test_a_correction_weighs_more_than_silence() -> None:
    ended, corrected = label_of(todo(**DONE)), label_of(todo(**MOVED))
    assert ended is not None
    assert corrected is not None
    assert (ended.weight, corrected.weight) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("kind", "first", "desk"),
    [
        ("technical", "technical", "technical"),
        ("general", "inbound", "inbound"),
        ("general", "sales", "sales"),
        # An edit decided again, after the ToDo had begun elsewhere.
        ("general", "technical", "inbound"),
        ("unsure", "review", "review"),
        ("netiquette", "technical", "review"),
    ],
)
def test_where_a_decision_sent_it(kind: str, first: str, desk: str) -> None:
    assert decided_desk(kind, first) == desk
