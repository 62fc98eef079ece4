"""What is known of the threads of comments on a YouTube channel: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

KEPT = timedelta(weeks=6)
MOST_KEPT = 2_000
ALWAYS_KEPT = 500
"""Threads that are remembered and asked for again: those of the last weeks, and the newest however
old they are, or the pages of a quiet channel would seem new each time.
"""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Thread:
    """`count` is how many replies there are, `replies` those that came with it. `updated` is the
    platform's word for the first comment's last change.
    """

    id: str
    count: int
    updated: str
    published: datetime
    top: Mapping[str, Any]
    replies: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of_page(cls, answer: Mapping[str, Any]) -> Iterator[Thread]:
        """Those with an id; what else is wrong with a comment is the connector's matter."""
        for item in answer["items"]:
            snippet = _table(item, "snippet")
            top = _table(snippet, "topLevelComment")
            identifier = top.get("id") or _table(item).get("id")
            if not isinstance(identifier, str) or not top:
                continue
            first, count = _table(top, "snippet"), snippet.get("totalReplyCount")
            replies = _table(item, "replies").get("comments")
            video = snippet.get("videoId")
            yield cls(
                identifier,
                count if isinstance(count, int) else 0,
                str(first.get("updatedAt")),
                _moment(first.get("publishedAt")),
                _plain(top, video),
                tuple(_plain(each, video) for each in replies if isinstance(each, dict))
                if isinstance(replies, list)
                else (),
            )

    @property
    def comments(self) -> tuple[Mapping[str, Any], ...]:
        return (self.top, *self.replies)

    @property
    def has_more(self) -> bool:
        return self.count > len(self.replies)

    def replies_of(self, answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """From an answer that lists them."""
        video = _table(self.top, "snippet").get("videoId")
        for each in answer["items"]:
            if isinstance(each, dict):
                yield _plain(each, video)


@dataclass(slots=True)
class Progress:
    """`begun`: what was published before is not the desk's (UTC). `used` are the units of the quota
    on `day`. `known` are count, change and publication of threads by id, in the order in which they
    are to be asked for again.
    """

    begun: datetime = LONG_AGO
    day: date | None = None
    used: int = 0
    known: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "begun": self.begun.isoformat(),
            "day": None if self.day is None else self.day.isoformat(),
            "used": self.used,
            "threads": [[key, *values] for key, values in self.known.items()],
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Progress:
        day = values["day"]
        return cls(
            datetime.fromisoformat(values["begun"]),
            None if day is None else date.fromisoformat(day),
            int(values["used"]),
            {key: (count, updated, at) for key, count, updated, at in values["threads"]},
        )

    def today(self, day: date) -> None:
        if self.day != day:
            self.day, self.used = day, 0

    def ours(self, comment: Mapping[str, Any]) -> bool:
        """Whether it was published, or changed, since the desk reads this channel."""
        snippet = _table(comment, "snippet")
        moments = [_moment(snippet.get(name)) for name in ("publishedAt", "updatedAt")]
        return LONG_AGO in moments or max(moments) >= self.begun

    def changed(self, threads: Sequence[Thread]) -> list[Thread]:
        return [each for each in threads if self.known.get(each.id, ())[:2] != _state(each)]

    def add(self, threads: Sequence[Thread], *, now: datetime) -> None:
        """They are stored; the oldest are forgotten."""
        for each in threads:
            self.known[each.id] = (*_state(each), each.published.isoformat())
        oldest = (now - KEPT).isoformat()
        newest = sorted(self.known, key=lambda key: self.known[key][2], reverse=True)[:MOST_KEPT]
        kept = {
            key
            for place, key in enumerate(newest)
            if place < ALWAYS_KEPT or self.known[key][2] >= oldest
        }
        self.known = {key: values for key, values in self.known.items() if key in kept}

    def next_to_check(self, most: int, *, without: Sequence[Thread]) -> list[str]:
        """Ids of those that have waited longest."""
        fresh = {each.id for each in without}
        return [key for key in self.known if key not in fresh][:most]

    def checked(self, ids: Sequence[str], found: Sequence[Thread]) -> None:
        """They go to the end; what is not there any more is forgotten."""
        states = {each.id: _state(each) for each in found}
        for key in ids:
            at = self.known.pop(key)[2]
            if key in states:
                self.known[key] = (*states[key], at)


def is_list(answer: Any) -> bool:
    return isinstance(answer, dict) and isinstance(answer.get("items"), list)


def _state(thread: Thread) -> tuple[int, str]:
    return thread.count, thread.updated


def _plain(comment: Mapping[str, Any], video: Any) -> Mapping[str, Any]:
    """With the words as they were asked for, without HTML, and with the video that it is under."""
    snippet = _table(comment, "snippet")
    known = {"textOriginal": snippet.get("textDisplay"), "videoId": video, **snippet}
    return {**comment, "snippet": known} if snippet else comment


def _table(value: Any, *path: str) -> Mapping[str, Any]:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _moment(text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return LONG_AGO
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
