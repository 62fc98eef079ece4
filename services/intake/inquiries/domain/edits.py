"""What an edit is: known, older than what the message says, or its words from now on; and whether
it says more than the words before.

Platforms tell of edits late, twice and in any order, and some name no time. Of two the later counts
by when it was made; one without a time whose words have come before is a repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rapidfuzz.distance import Levenshtein

from services.intake.inquiries.domain.text import plain
from services.intake.inquiries.domain.thread import Inquiry, Message

TYPING = 0.9
"""From this similarity on a change is typing: who answered the one text answered the other."""
COMPARED = 10_000
"""Characters between the first and the last difference that are compared one by one."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a message says, or said. `since` is the platform's moment, else that of the receipt
    (UTC); `edited`: it came as an edit.
    """

    text: str
    subject: str | None
    since: datetime
    edited: bool = False

    @property
    def words(self) -> str:
        return f"{self.subject}\n{self.text}" if self.subject else self.text


@dataclass(frozen=True, slots=True)
class Versions:
    """All that is known of a message's words: those that it has now, and the earlier ones.

    `removed`: the platform's terms took them; only their moment is known.
    """

    current: Version
    earlier: Sequence[Version] = ()
    removed: bool = False

    def has(self, edit: Version, *, dated: bool) -> bool:
        """Whether the edit changes nothing. `dated`: its moment is the platform's."""
        if self.removed:
            return edit.since <= self.current.since
        if edit.words == self.current.words:
            return True
        same = [each for each in self.earlier if each.edited and each.words == edit.words]
        return any(not dated or each.since == edit.since for each in same)

    def is_newest(self, edit: Version) -> bool:
        """Every edit is newer than what the message said at first, whatever the clocks say."""
        return not self.current.edited or edit.since >= self.current.since

    def words_at(self, moment: datetime | None) -> str:
        """What the message said then; None: at first."""
        in_order = sorted((*self.earlier, self.current), key=lambda each: (each.edited, each.since))
        said = [each for each in in_order if moment is not None and each.since <= moment]
        return said[-1].words if said else in_order[0].words


def restates(inquiry: Inquiry, message: Message, edit: Version, versions: Versions) -> bool:
    """Whether the edit says more than the words that were answered last, or are still waiting."""
    seen = [end.saw_until for end in inquiry.standing]
    moments = [each for each in seen if each < edit.since]
    if message.restated_at is not None:
        moments.append(message.restated_at)
    return says_more(versions.words_at(max(moments, default=None)), edit.words)


def says_more(before: str, after: str) -> bool:
    """Whether the change is more than typing: the similarity of both is below 0.9.

    That is one less the share of the longer text's characters that have to be changed
    (Levenshtein), but for case, white space and how characters are composed. Of what lies between
    the first and the last difference 10,000 characters are compared and the rest counts as changed:
    so it is linear in the length, and errs towards an inquiry too many.
    """
    one, other = plain(before), plain(after)
    longest = max(len(one), len(other))
    one, other = _differing(one, other)
    rest = max(len(one), len(other), COMPARED) - COMPARED
    changed = rest + Levenshtein.distance(one[:COMPARED], other[:COMPARED])
    return longest > 0 and 1 - changed / longest < TYPING


def _differing(one: str, other: str) -> tuple[str, str]:
    """Both without what they have in common at the beginning and at the end."""
    begin = _common(one, other)
    one, other = one[begin:], other[begin:]
    end = _common(one[::-1], other[::-1])
    return one[: len(one) - end], other[: len(other) - end]


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
