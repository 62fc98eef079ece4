"""Which facts hold: what was taken back is left out, in whatever order both were heard.

- Of all facts about one reply the one with the highest revision counts. A withdrawn reply counts as
  nothing.
- A reopening takes back what a desk decided until its moment: completions by hand, dismissals and
  closes. A reply stands until it is classified again, and so does the end of an inquiry that turned
  out to be part of another.
- A message that left takes what it did to this clock with it.

Facts that were recorded before replies and messages were named are still understood: their moment
says which reply or message they are about.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.sla.businesstime.instants import as_utc
from services.sla.clocks.events import (
    Answered,
    Cancelled,
    Fact,
    Held,
    Left,
    Reopened,
    ResumeCause,
    Resumed,
    WindowSet,
    Withdrawn,
    in_order_of_occurrence,
)

Word = Answered | Held | Withdrawn
"""What a fact says about a reply."""
_TAKES_BACK: Final = (Withdrawn, Reopened, Left)


def standing(facts: Iterable[Fact]) -> list[Fact]:
    """Those of the facts that hold, in the order given, each reply's at most once."""
    known = list(facts)
    # Most clocks end once, and nobody takes it back.
    if not any(isinstance(fact, _TAKES_BACK) or _reply(fact) is not None for fact in known):
        return known
    words = _by_reply(known)
    last = {reply: max(said, key=_revision) for reply, said in words.items()}
    superseded = _superseded_moments(known, words, last)
    reopened = sorted(as_utc(fact.at) for fact in known if isinstance(fact, Reopened))
    superseded |= _reopened_moments(known, reopened)
    left = {fact.message_id: as_utc(fact.at) for fact in known if isinstance(fact, Left)}
    return [
        fact
        for fact in known
        if not isinstance(fact, _TAKES_BACK)
        and not _outdone(fact, last)
        and not (_is_nameless(fact) and as_utc(fact.at) in superseded)
        and not (reopened and _is_of_a_desk(fact) and as_utc(fact.at) <= reopened[-1])
        and not _gone(fact, left)
    ]


def merged_into(facts: Iterable[Fact]) -> UUID | None:
    """The inquiry of which this one turned out to be a part, if it did."""
    merged = [fact for fact in facts if isinstance(fact, Cancelled) and fact.merged_into]
    return min(merged, key=in_order_of_occurrence).merged_into if merged else None


def _by_reply(facts: Iterable[Fact]) -> dict[UUID, list[Word]]:
    words: dict[UUID, list[Word]] = {}
    for fact in facts:
        if isinstance(fact, Answered | Held | Withdrawn) and fact.message_id is not None:
            words.setdefault(fact.message_id, []).append(fact)
    return words


def _reply(fact: Fact) -> UUID | None:
    return fact.message_id if isinstance(fact, Answered | Held | Withdrawn) else None


def _outdone(fact: Fact, last: Mapping[UUID, Word]) -> bool:
    reply = _reply(fact)
    return reply is not None and last[reply] is not fact


def _revision(word: Word) -> tuple[int, tuple[datetime, int, str]]:
    return word.revision, in_order_of_occurrence(word)


def _is_nameless(fact: Fact) -> bool:
    """Recorded before replies were named; whose it is, only its moment says."""
    match fact:
        case Answered(message_id=None, by_hand=False) | Held(message_id=None):
            return True
        case _:
            return False


def _superseded_moments(
    facts: Sequence[Fact],
    words: Mapping[UUID, Sequence[Word]],
    last: Mapping[UUID, Word],
) -> set[datetime]:
    """When those nameless replies were given of which a later revision has come since.

    A withdrawal does not say when its reply was given: it is meant when only one can be.
    """
    moments = {as_utc(fact.at) for fact in facts if _is_nameless(fact)}
    superseded: set[datetime] = set()
    for reply, said in words.items():
        if not moments or any(word.revision == 0 for word in said):
            continue
        if not isinstance(last[reply], Withdrawn):
            superseded.add(as_utc(last[reply].at))
        elif len(moments) == 1:
            superseded |= moments
    return superseded


def _reopened_moments(facts: Sequence[Fact], reopened: Sequence[datetime]) -> set[datetime]:
    """When those nameless answers were given that a reopening must have meant.

    It takes back what a desk decided. Where such a decision is known, it meant that one.
    """
    decided = [as_utc(fact.at) for fact in facts if _is_of_a_desk(fact)]
    taken_back = set()
    for fact in facts:
        if isinstance(fact, Answered) and _is_nameless(fact):
            at = as_utc(fact.at)
            first = next((each for each in reopened if each >= at), None)
            if first is not None and not any(each <= first for each in decided):
                taken_back.add(at)
    return taken_back


def _is_of_a_desk(fact: Fact) -> bool:
    match fact:
        case Answered(by_hand=True) | Cancelled(merged_into=None):
            return True
        case _:
            return False


def _gone(fact: Fact, left: Mapping[UUID, datetime]) -> bool:
    match fact:
        case WindowSet() | Resumed(cause=ResumeCause.CUSTOMER_WROTE):
            if fact.message_id is None:
                return as_utc(fact.at) in left.values()
            return fact.message_id in left
        case _:
            return False
