"""How far a folder of a mailbox is read, and what that means when the server says something else.

A mail's number (UID) holds for as long as the folder's UIDVALIDITY is the same. When that changes,
or when the numbers begin again below what was read (some servers do that under the same
UIDVALIDITY), what arrived lately is read again: what the desk has of it is known by its Message-ID.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from services.intake.pulling.imap_session import Selected

OVERLAP = timedelta(days=2)
"""SEARCH knows days only, of the server's zone; and the last round may have been long."""
CLOCKS_OFF = timedelta(minutes=5)
MOST_TRIES = 3
EAST = timedelta(hours=14)
"""So much earlier than in UTC a day begins at the most: it is the server that knows its zone."""


@dataclass(frozen=True, slots=True)
class FolderCursor:
    """`uid` is the last one that was read. `again_from`: the numbers are new, and what arrived on
    that day or later is being read again. `begun`: what arrived before is not the desk's (UTC).
    `read_on`: the last day on which the folder was read to its end. `large` is a large mail that
    was about to be stored when the cursor was written, `tries` how often that was so.
    """

    validity: int
    uid: int
    begun: datetime
    read_on: date
    again_from: date | None = None
    large: int | None = None
    tries: int = 0

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        for name in ("begun", "read_on", "again_from"):
            values[name] = None if values[name] is None else values[name].isoformat()
        return values

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> FolderCursor:
        again_from = values["again_from"]
        return cls(
            int(values["validity"]),
            int(values["uid"]),
            datetime.fromisoformat(values["begun"]),
            date.fromisoformat(values["read_on"]),
            None if again_from is None else date.fromisoformat(again_from),
            values.get("large"),
            values.get("tries", 0),
        )

    def ours(self, arrived: datetime | None) -> bool:
        """Whether a mail that arrived then is to be read, when it is read again by its day."""
        return self.again_from is None or arrived is None or arrived >= self.begun - CLOCKS_OFF

    def read_to(self, uid: int) -> FolderCursor:
        return replace(self, uid=max(uid, self.uid), large=None, tries=0)

    def about_to_store(self, large: int) -> FolderCursor:
        return replace(self, large=large, tries=self.tries + 1 if large == self.large else 1)

    def gives_up(self, uid: int) -> bool:
        """Whether whoever stored that mail has died of it, again and again."""
        return uid == self.large and self.tries >= MOST_TRIES

    def read_to_its_end(self, selected: Selected, today: date) -> FolderCursor:
        last = self.uid if selected.next_uid is None else selected.next_uid - 1
        return replace(self.read_to(last), read_on=today, again_from=None)


def beginning(selected: Selected, *, since: date | None, now: datetime) -> FolderCursor:
    """Of a folder that was never read: from now on, or from that day on.

    Where the server does not say which number comes next, everything of today is read.
    """
    if since is None and selected.next_uid is not None:
        return FolderCursor(selected.validity, selected.next_uid - 1, now, now.date())
    first = since or now.date()
    begun = datetime.combine(first, time(), UTC) - EAST if since else now
    return FolderCursor(selected.validity, 0, begun, now.date(), first)


def going_on(cursor: FolderCursor, selected: Selected) -> FolderCursor:
    """The same cursor, or one that reads again what arrived lately."""
    begins_again = selected.next_uid is not None and selected.next_uid - 1 < cursor.uid
    if selected.validity == cursor.validity and not begins_again:
        return cursor
    lately = max(cursor.read_on - OVERLAP, cursor.begun.date() - timedelta(days=1))
    again_from = lately if cursor.again_from is None else min(lately, cursor.again_from)
    return replace(
        cursor, validity=selected.validity, uid=0, again_from=again_from, large=None, tries=0
    )
