"""The comments on a YouTube channel, from a server that pages, counts its quota and breaks off."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.intake.connectors.youtube import CONNECTOR
from services.intake.pulling import youtube
from services.intake.pulling.source import Cursor, PullError
from services.intake.pulling.youtube import YoutubeSource
from shared.policy.pulling import YoutubePull
from shared.runtime.credentials import Credential
from tests.support.api_server import ApiServer, Asked, Says, api_server
from tests.support.clock import ManualClock

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ENCLOSED = 2
"""Replies that come with their thread."""


def comment(identifier: str, at: datetime, *, parent: str | None = None) -> dict[str, Any]:
    snippet = {
        "textDisplay": f"text of {identifier}",
        "authorChannelId": {"value": f"author-{identifier}"},
        "publishedAt": at.isoformat(),
        "updatedAt": at.isoformat(),
        **({} if parent is None else {"parentId": parent}),
    }
    return {"id": identifier, "snippet": snippet}


@dataclass
class Youtube:
    """Threads in the order in which they were begun, with all their replies."""

    threads: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = field(default_factory=dict)
    page: int = 100

    def add(self, *identifiers: str, at: datetime = NOW) -> None:
        for each in identifiers:
            self.threads[each] = (comment(each, at), [])

    def reply(self, thread: str, *identifiers: str, at: datetime = NOW) -> None:
        replies = self.threads[thread][1]
        replies += [comment(f"{thread}.{each}", at, parent=thread) for each in identifiers]

    def answer(self, asked: Asked) -> Says:
        if asked.headers.get("x-goog-api-key") != "a-key":
            return Says(refused("API key not valid", "badRequest"), 400)
        parameters, first = asked.parameters, int(asked.parameters.get("pageToken", "0"))
        if asked.path == "/youtube/v3/comments":
            items = self.threads[parameters["parentId"]][1]
        elif "id" in parameters:
            known = [each for each in parameters["id"].split(",") if each in self.threads]
            return Says({"items": [self._thread(each) for each in known]})
        else:
            assert asked.path == "/youtube/v3/commentThreads"
            assert parameters["order"] == "time"
            items = [self._thread(each) for each in reversed(self.threads)]
        last = first + min(self.page, int(parameters["maxResults"]))
        more = {"nextPageToken": str(last)} if last < len(items) else {}
        return Says({"items": items[first:last], **more})

    def _thread(self, identifier: str) -> dict[str, Any]:
        top, replies = self.threads[identifier]
        return {
            "id": identifier,
            "snippet": {"videoId": "v", "topLevelComment": top, "totalReplyCount": len(replies)},
            "replies": {"comments": replies[-ENCLOSED:]},
        }


def refused(message: str, reason: str) -> dict[str, Any]:
    return {"error": {"code": 403, "message": message, "errors": [{"reason": reason}]}}


@dataclass
class Reader:
    server: ApiServer
    youtube: Youtube
    clock: ManualClock
    since: date | None = None
    daily_units: int = 8000
    key: str = "a-key"
    cursors: dict[str, Cursor] = field(default_factory=dict)

    async def round(self, *, crash_after: int | None = None) -> list[str]:
        """The ids of the comments that are handed over, each once; it breaks off after so many
        batches that held some.
        """
        pull = YoutubePull(
            type="youtube", channel_id="UC1", server=self.server.url, since=self.since,
            daily_units=self.daily_units,
        )  # fmt: skip
        source = YoutubeSource(pull, Credential("DESK_TOKEN_YOUTUBE", self.key), self.clock)
        found: dict[str, None] = {}
        full = 0
        try:
            async for batch in source.batches(self.cursors):
                for body in batch.bodies:
                    items = CONNECTOR.split(CONNECTOR.decode(body, None)).items
                    found |= dict.fromkeys(str(each["id"]) for each in items)
                full += bool(batch.bodies)
                if full == crash_after:
                    break
                self.cursors[batch.place] = json.loads(json.dumps(batch.cursor))
        finally:
            await source.close()
        return list(found)

    @property
    def calls(self) -> int:
        count = len(self.server.asked)
        self.server.asked.clear()
        return count


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    fake = Youtube()
    async with api_server(fake.answer) as server:
        yield Reader(server, fake, ManualClock(NOW))


async def failure(reader: Reader) -> PullError:
    with pytest.raises(PullError) as failed:
        await reader.round()
    return failed.value


async def test_at_first_nothing_and_then_what_comes(reader: Reader) -> None:
    reader.youtube.add("old", at=NOW - MINUTE)
    assert await reader.round() == []
    reader.clock.advance(5 * MINUTE)
    reader.youtube.add("new", at=NOW + MINUTE)
    assert await reader.round() == ["new"]
    assert await reader.round() == []


async def test_a_reply_to_what_was_there_before(reader: Reader) -> None:
    reader.youtube.add("old", at=NOW - timedelta(days=3))
    await reader.round()
    reader.youtube.reply("old", "r", at=NOW + MINUTE)
    assert await reader.round() == ["old.r"]


async def test_or_what_is_as_old_as_a_day(reader: Reader) -> None:
    reader.since = date(2026, 11, 20)
    reader.youtube.page = 2
    reader.youtube.add(*(f"o{n}" for n in range(9)), at=NOW - timedelta(days=90))
    reader.youtube.add("a", "b", "c", at=NOW - timedelta(days=2))
    assert sorted(await reader.round()) == ["a", "b", "c"]
    assert reader.calls < 6, "the pages before that day are not read"


async def test_after_an_outage_page_after_page_is_read_until_one_is_known(reader: Reader) -> None:
    reader.youtube.page = 3
    reader.youtube.add(*(f"a{n}" for n in range(12)), at=NOW - MINUTE)
    await reader.round()
    await reader.round()
    reader.youtube.add(*(f"b{n}" for n in range(10)), at=NOW + MINUTE)
    assert sorted(await reader.round()) == sorted(f"b{n}" for n in range(10))


async def test_a_round_that_breaks_off_leaves_no_gap(reader: Reader) -> None:
    reader.youtube.page = 3
    reader.youtube.add("a")
    await reader.round()
    reader.youtube.add(*(f"b{n}" for n in range(12)), at=NOW + MINUTE)
    first = await reader.round(crash_after=2)
    rest = await reader.round()
    assert set(first) | set(rest) == {f"b{n}" for n in range(12)}
    assert set(rest) == {f"b{n}" for n in range(12)}, "the known pages are those that were stored"


async def test_new_replies_to_an_old_thread_are_found_although_it_does_not_move(
    reader: Reader,
) -> None:
    reader.youtube.page = 5
    reader.youtube.add("long", *(f"a{n}" for n in range(30)), at=NOW - timedelta(days=9))
    reader.since = date(2026, 11, 1)
    await reader.round()
    reader.youtube.reply("long", *(str(n) for n in range(7)), at=NOW + MINUTE)
    found = await reader.round()
    assert {f"long.{n}" for n in range(7)} <= set(found)
    assert await reader.round() == []


async def test_each_thread_has_its_turn(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(youtube, "BY_ID", 3)
    monkeypatch.setattr(youtube, "CHECKS_A_ROUND", 2)
    reader.youtube.page = 2
    reader.since = date(2026, 11, 1)
    reader.youtube.add(*(f"a{n}" for n in range(20)), at=NOW - timedelta(days=1))
    await reader.round()
    for each in [*reader.youtube.threads]:
        reader.youtube.reply(each, "r", at=NOW)
    found = {each for _ in range(8) for each in await reader.round()}
    assert {f"a{n}.r" for n in range(20)} <= found


async def test_an_edit_is_handed_over_again(reader: Reader) -> None:
    reader.youtube.add("a", at=NOW)
    assert await reader.round() == ["a"]
    reader.youtube.threads["a"][0]["snippet"]["updatedAt"] = (NOW + MINUTE).isoformat()
    assert await reader.round() == ["a"]


async def test_a_quiet_channel_costs_little(reader: Reader) -> None:
    reader.youtube.add(*(f"a{n}" for n in range(90)), at=NOW - timedelta(days=400))
    await reader.round()
    assert reader.calls <= 1 + youtube.CHECKS_A_ROUND
    for _ in range(3):
        assert await reader.round() == []
        assert reader.calls <= 1 + youtube.CHECKS_A_ROUND


async def test_what_the_policy_allows_a_day_is_not_exceeded(reader: Reader) -> None:
    reader.daily_units = 10
    for _ in range(10):
        await reader.round()
    assert reader.calls == 10
    limited = await failure(reader)
    assert (limited.kind, reader.calls) == ("limited", 0)
    assert limited.not_before == datetime(2026, 11, 28, 8, 0, tzinfo=UTC), "midnight in California"
    reader.clock.set(datetime(2026, 11, 28, 8, 0, 1, tzinfo=UTC))
    assert await reader.round() == []


@pytest.mark.parametrize(
    ("says", "kind", "tomorrow"),
    [
        (Says(refused("used up", "quotaExceeded"), 403), "limited", True),
        (Says(refused("slower", "rateLimitExceeded"), 403), "limited", False),
        (Says(refused("closed", "forbidden"), 403), "credentials", False),
        (Says(refused("no such key", "keyInvalid"), 400), "answer", False),
        (Says({}, 429, {"Retry-After": "7"}), "limited", False),
        (Says({}, 500), "unreachable", False),
        (Says({"error": 7}, 403), "credentials", False),
        (Says([]), "answer", False),
        (Says({"items": {}}), "answer", False),
        (Says(body=b"\xff"), "answer", False),
    ],
)
async def test_each_refusal_is_called_what_it_is(
    reader: Reader, says: Says, kind: str, tomorrow: bool
) -> None:
    await reader.round()
    reader.youtube.add("a", at=NOW)
    reader.server.before = [says]
    failed = await failure(reader)
    assert failed.kind == kind
    assert (failed.not_before == datetime(2026, 11, 28, 8, 0, tzinfo=UTC)) == tomorrow
    assert "a-key" not in failed.reason
    assert await reader.round() == ["a"]


async def test_a_thread_of_a_thousand_replies_is_handed_over_in_portions(reader: Reader) -> None:
    reader.youtube.add("a", at=NOW)
    reader.youtube.reply("a", *(str(n) for n in range(950)), at=NOW)
    assert len(await reader.round()) == 951


@pytest.mark.parametrize("odd", [None, 7, {}, {"snippet": []}, {"snippet": {"topLevelComment": 1}}])
async def test_what_is_odd_in_a_page_costs_nothing_else(reader: Reader, odd: Any) -> None:
    await reader.round()
    reader.youtube.add("a", at=NOW)
    page = reader.youtube.answer(
        Asked("/youtube/v3/commentThreads", {"order": "time", "maxResults": "9"}, HEADERS)
    ).document
    reader.server.before = [Says({"items": [odd, *page["items"], odd]})]
    assert await reader.round() == ["a"]


HEADERS = {"x-goog-api-key": "a-key"}
