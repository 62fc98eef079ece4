"""The notifications of a Mastodon account, upwards from the last one that was read.

`min_id` goes on just above the cursor, where `since_id` would skip the middle after an outage.
Without `include_filtered` the account's policy hides strangers, who are just our customers.
https://docs.joinmastodon.org/methods/notifications/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import orjson

from services.intake.pulling.credentials import current
from services.intake.pulling.http import Api
from services.intake.pulling.source import Batch, Cursors, PullError
from shared.policy.pulling import MastodonPull
from shared.runtime.clock import Clock
from shared.runtime.credentials import Credential

PLACE = "notifications"
PAGE = 80
MOST_PAGES = 250
"""In a round; the next one goes on where it ended."""
FIRST = "0"


class MastodonSource:
    def __init__(self, settings: MastodonPull, credential: Credential, clock: Clock) -> None:
        self._settings = settings
        self._credential = credential
        self._api = Api(settings.server, clock=clock, named="the Mastodon server")

    async def batches(self, cursors: Cursors) -> AsyncGenerator[Batch, None]:
        known = cursors.get(PLACE)
        if known is None and self._settings.since is None:
            yield Batch(PLACE, (), {"id": await self._newest()})
            return
        last = FIRST if known is None else str(known["id"])
        for _ in range(MOST_PAGES):
            page = _in_order(await self._page(min_id=last, limit=PAGE))
            if not page:
                return
            reached = str(page[-1]["id"])
            if _place(reached) <= _place(last):
                raise PullError("answer", "the Mastodon server gives the same page again and again")
            last = reached
            yield Batch(PLACE, self._bodies(page), {"id": last})

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        await self._api.close()

    async def _newest(self) -> str:
        page = _in_order(await self._page(limit=1))
        return str(page[-1]["id"]) if page else FIRST

    async def _page(self, **where: str | int) -> Any:
        return await self._api.get(
            "/api/v1/notifications",
            {"types[]": "mention", "include_filtered": "true", **where},
            headers={"authorization": f"Bearer {current(self._credential)}"},
        )

    def _bodies(self, page: Sequence[Mapping[str, Any]]) -> list[bytes]:
        ours = [each for each in page if not _before(each, self._settings.since)]
        return [orjson.dumps(ours)] if ours else []


def _in_order(page: Any) -> list[Mapping[str, Any]]:
    """Oldest first. Raises PullError for what is no page of notifications."""
    if not isinstance(page, list) or not all(isinstance(e, dict) and "id" in e for e in page):
        raise PullError("answer", "the Mastodon server's answer is no list of notifications")
    return sorted(page, key=lambda each: _place(str(each["id"])))


def _place(identifier: str) -> tuple[int, str]:
    """Ids are opaque, and grow: first in length."""
    return len(identifier), identifier


def _before(notification: Mapping[str, Any], since: date | None) -> bool:
    if since is None:
        return False
    try:
        created = datetime.fromisoformat(str(notification.get("created_at")))
    except ValueError:
        return False
    return created.replace(tzinfo=created.tzinfo or UTC).astimezone(UTC).date() < since
