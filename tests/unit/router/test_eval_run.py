"""How the figures of the evaluation are counted."""

from __future__ import annotations

import pytest

from eval.router.dataset import LabelledInquiry
from eval.router.run import Decided, decided_by, macro_f1, print_report
from services.router.deciding.decision import Decision, Inquiry, Kind


def _inquiry(kind: str, *also: str, text: str = "") -> LabelledInquiry:
    return LabelledInquiry(
        id="1", lang="de", channel="email", industry="bank", subject=None, text=text, kind=kind,
        also_right=also, after_answer=False, note="",
    )  # fmt: skip


def _decided(inquiry: LabelledInquiry, kind: Kind, leaning: Kind | None = None) -> Decided:
    return Decided(inquiry, Decision(kind, "review", 0.9, (), "lexicon", leaning=leaning))


TECHNICAL, GENERAL = _inquiry("technical"), _inquiry("general")


def test_the_best_guess_counts_where_nothing_is_decided() -> None:
    decided = [
        _decided(TECHNICAL, Kind.UNSURE, Kind.TECHNICAL),
        _decided(GENERAL, Kind.UNSURE, Kind.GENERAL),
    ]
    assert macro_f1(decided) == 1.0
    assert not any(each.alone for each in decided)


def test_a_double_matter_is_right_either_way() -> None:
    both = _inquiry("general", "technical")
    decided = [_decided(both, Kind.TECHNICAL), _decided(GENERAL, Kind.GENERAL)]
    assert macro_f1(decided) == 1.0


def test_the_mean_is_of_both_kinds() -> None:
    """Of two technical ones one is missed: 2/3 for technical, 2/3 for general."""
    decided = [
        _decided(TECHNICAL, Kind.TECHNICAL),
        _decided(TECHNICAL, Kind.GENERAL),
        _decided(GENERAL, Kind.GENERAL),
    ]
    assert macro_f1(decided) == pytest.approx(2 / 3)


class _Suspects:
    def decide(self, inquiry: Inquiry) -> Decision:
        kind = Kind.SPAM if "win" in inquiry.text else Kind.TECHNICAL
        return Decision(kind, "review", 1.0, (), "test")


def test_the_report_says_how_often_each_kind_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    inquiries = [_inquiry("spam", text="win"), _inquiry("technical"), _inquiry("general")]
    print_report(decided_by(_Suspects(), inquiries))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "decided alone 0.667" in lines
    assert "right when alone 0.500" in lines
    assert "spam 1 1 1.000 1.000" in lines
    assert "technical 1 2 0.500 1.000" in lines
    assert "general 1 0 none 0.000" in lines
