"""The comments under everything on a YouTube channel.

The API knows no "since": pages are read, newest threads first, until one holds nothing new. A reply
moves no thread up, so the threads of the last weeks are asked for by their ids, some in each round,
and read again where they have grown. Each call costs a unit of the API key's quota of a day.
https://developers.google.com/youtube/v3/docs/commentThreads/list
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from services.intake.pulling.credentials import current
from services.intake.pulling.http import Api, RefusedByServer
from services.intake.pulling.source import Batch, Cursors, PullError
from services.intake.pulling.youtube_threads import Progress, Thread, is_list
from shared.policy.pulling import YoutubePull
from shared.runtime.clock import Clock
from shared.runtime.credentials import Credential

PLACE = "comments"
PAGE = 100
MOST_PAGES = 50
BY_ID = 50
CHECKS_A_ROUND = 4
"""Calls for threads by their ids, of BY_ID each."""
MOST_PAGES_OF_REPLIES = 10
ITEMS_AT_ONCE = 500
PACIFIC = ZoneInfo("America/Los_Angeles")
"""At whose midnight the quota begins anew."""
_THREADS, _COMMENTS = "/youtube/v3/commentThreads", "/youtube/v3/comments"
_OF_THE_DAY = {"quotaExceeded", "dailyLimitExceeded"}
_TOO_FAST = {"rateLimitExceeded", "userRateLimitExceeded"}


class YoutubeSource:
    def __init__(self, settings: YoutubePull, credential: Credential, clock: Clock) -> None:
        self._settings = settings
        self._credential = credential
        self._clock = clock
        self._api = Api(settings.server, clock=clock, named="YouTube")
        self._progress = Progress()

    async def batches(self, cursors: Cursors) -> AsyncGenerator[Batch, None]:
        known = cursors.get(PLACE)
        self._progress = self._begun() if known is None else Progress.of_json(known)
        self._progress.today(self._clock.now().astimezone(PACIFIC).date())
        fresh: list[Thread] = []
        async for page in self._new_pages(first=known is None):
            fresh += page
            # What is known grows only when all pages are read: they are read from the newest on.
            yield await self._batch(page)
        self._progress.add(fresh, now=self._clock.now())
        yield Batch(PLACE, (), self._progress.to_json())
        for _ in range(CHECKS_A_ROUND):
            ids = self._progress.next_to_check(BY_ID, without=fresh)
            if not ids:
                return
            checked = [each async for each in self._by_id(ids)]
            batch = await self._batch(self._progress.changed(checked))
            self._progress.checked(ids, checked)
            yield Batch(PLACE, batch.bodies, self._progress.to_json())

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        await self._api.close()

    def _begun(self) -> Progress:
        since = self._settings.since
        if since is None:
            return Progress(begun=self._clock.now())
        return Progress(begun=datetime.combine(since, time(), UTC))

    async def _new_pages(self, *, first: bool) -> AsyncIterator[list[Thread]]:
        """Of each page what is new or has changed, until a page is known as a whole."""
        where: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = await self._ask(
                _THREADS,
                {
                    "part": "snippet,replies",
                    "allThreadsRelatedToChannelId": self._settings.channel_id,
                    "order": "time",
                    "maxResults": PAGE,
                    "textFormat": "plainText",
                    **where,
                },
            )
            threads = list(Thread.of_page(answer))
            changed = self._progress.changed(threads)
            if changed:
                yield changed
            over = first and all(each.published < self._progress.begun for each in threads)
            if not changed or over or not isinstance(answer.get("nextPageToken"), str):
                return
            where = {"pageToken": answer["nextPageToken"]}

    async def _by_id(self, ids: Sequence[str]) -> AsyncIterator[Thread]:
        answer = await self._ask(
            _THREADS,
            {
                "part": "snippet,replies",
                "id": ",".join(ids),
                "maxResults": PAGE,
                "textFormat": "plainText",
            },
        )
        for thread in Thread.of_page(answer):
            yield thread

    async def _batch(self, threads: Sequence[Thread]) -> Batch:
        bodies = []
        for thread in threads:
            comments = [*thread.comments]
            if thread.has_more:
                comments = [thread.top, *[each async for each in self._replies(thread)]]
            ours = [each for each in comments if self._progress.ours(each)]
            for start in range(0, len(ours), ITEMS_AT_ONCE):
                items = ours[start : start + ITEMS_AT_ONCE]
                bodies.append(orjson.dumps({"kind": "youtube#commentListResponse", "items": items}))
        return Batch(PLACE, bodies, self._progress.to_json())

    async def _replies(self, thread: Thread) -> AsyncIterator[Mapping[str, Any]]:
        """All of them: the thread itself holds a few."""
        where: dict[str, str] = {}
        for _ in range(MOST_PAGES_OF_REPLIES):
            parameters: dict[str, str | int] = {
                "part": "snippet",
                "parentId": thread.id,
                "maxResults": PAGE,
                "textFormat": "plainText",
                **where,
            }
            answer = await self._ask(_COMMENTS, parameters)
            for reply in thread.replies_of(answer):
                yield reply
            if not isinstance(answer.get("nextPageToken"), str):
                return
            where = {"pageToken": answer["nextPageToken"]}

    async def _ask(self, path: str, parameters: Mapping[str, str | int]) -> Mapping[str, Any]:
        if self._progress.used >= self._settings.daily_units:
            reason = f"the {self._settings.daily_units} units that the policy allows a day are used"
            raise PullError("limited", reason, not_before=self._tomorrow())
        self._progress.used += 1
        key = {"x-goog-api-key": current(self._credential)}
        try:
            answer = await self._api.get(path, parameters, headers=key)
        except RefusedByServer as error:
            raise self._refused(error) from None
        if not is_list(answer):
            raise PullError("answer", "YouTube's answer is no list of comments")
        found: Mapping[str, Any] = answer
        return found

    def _refused(self, error: RefusedByServer) -> PullError:
        reasons = _reasons(error.document)
        if reasons & _OF_THE_DAY:
            reason = "the API key's quota of the day is used up"
            return PullError("limited", reason, not_before=self._tomorrow())
        if reasons & _TOO_FAST:
            return PullError("limited", "YouTube asks to ask less often")
        return error

    def _tomorrow(self) -> datetime:
        day = self._clock.now().astimezone(PACIFIC).date() + timedelta(days=1)
        return datetime.combine(day, time(), PACIFIC).astimezone(UTC)


def _reasons(document: Any) -> set[str]:
    error = document.get("error") if isinstance(document, dict) else None
    errors = error.get("errors") if isinstance(error, dict) else None
    return {
        str(each.get("reason"))
        for each in (errors if isinstance(errors, list) else ())
        if isinstance(each, dict)
    }
