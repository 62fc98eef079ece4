"""The notifications of a Mastodon account, from a server that pages, limits and breaks off."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.intake.connectors.mastodon import CONNECTOR
from services.intake.connectors.port import Reading
from services.intake.pulling import mastodon
from services.intake.pulling.mastodon import MastodonSource
from services.intake.pulling.source import Cursor, PullError
from shared.policy.pulling import MastodonPull
from shared.runtime.credentials import Credential
from tests.support.api_server import ApiServer, Asked, Says, api_server
from tests.support.clock import ManualClock

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def key(identifier: str) -> tuple[int, str]:
    return len(identifier), identifier


@dataclass
class Instance:
    """Its notifications by id, which it hands out as Mastodon does: newest first."""

    notifications: dict[str, Any] = field(default_factory=dict)
    most: int = 80

    def add(self, *identifiers: str, at: datetime = NOW, kind: str = "mention") -> None:
        for each in identifiers:
            self.notifications[each] = {
                "id": each, "type": kind, "created_at": at.isoformat(),
                "status": {
                    "id": f"s{each}", "content": f"<p>Frage {each}</p>", "visibility": "public",
                    "account": {"id": f"a{each}", "acct": "nina"}, "created_at": at.isoformat(),
                },
            }  # fmt: skip

    def answer(self, asked: Asked) -> Says:
        if asked.headers.get("authorization") != "Bearer a-token":
            return Says({"error": "The access token is invalid"}, 401)
        assert asked.path == "/api/v1/notifications"
        assert asked.parameters["include_filtered"] == "true", "strangers are hidden otherwise"
        kind = asked.parameters["types[]"]
        known = sorted((n for n, v in self.notifications.items() if v["type"] == kind), key=key)
        limit = min(int(asked.parameters["limit"]), self.most)
        if (low := asked.parameters.get("min_id")) is not None:
            page = [each for each in known if key(each) > key(low)][:limit]
        else:
            page = known[-limit:]
        return Says([self.notifications[each] for each in reversed(page)])


@dataclass
class Reader:
    server: ApiServer
    instance: Instance
    since: date | None = None
    token: str = "a-token"
    cursors: dict[str, Cursor] = field(default_factory=dict)

    async def round(self, *, most: int = 1000) -> list[str]:
        """The ids of the posts that are new; it breaks off after `most` of them."""
        pull = MastodonPull.model_construct(
            type="mastodon", server=self.server.url, since=self.since, every=timedelta(minutes=5)
        )
        token = Credential("DESK_TOKEN_MASTODON", self.token)
        source = MastodonSource(pull, token, ManualClock(NOW))
        found: list[str] = []
        try:
            async for batch in source.batches(self.cursors):
                found += [
                    each["status"]["id"] for body in batch.bodies for each in json.loads(body)
                ]
                if len(found) >= most:
                    break
                self.cursors[batch.place] = batch.cursor
        finally:
            await source.close()
        return found


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    instance = Instance()
    async with api_server(instance.answer) as server:
        yield Reader(server, instance)


async def failure(reader: Reader) -> PullError:
    with pytest.raises(PullError) as failed:
        await reader.round()
    return failed.value


async def test_at_first_nothing_and_then_what_comes_oldest_first(reader: Reader) -> None:
    reader.instance.add("98", "99")
    assert await reader.round() == []
    reader.instance.add("102", "100", "101")
    assert await reader.round() == ["s100", "s101", "s102"]
    assert await reader.round() == []


async def test_an_account_that_nobody_ever_mentioned(reader: Reader) -> None:
    assert await reader.round() == []
    reader.instance.add("1")
    assert await reader.round() == ["s1"]


async def test_after_an_outage_every_page_is_read_upwards(reader: Reader) -> None:
    await reader.round()
    reader.instance.most = 7
    reader.instance.add(*(str(n) for n in range(995, 1035)))
    assert await reader.round() == [f"s{n}" for n in range(995, 1035)]


async def test_a_round_that_breaks_off_is_gone_on_with(reader: Reader) -> None:
    await reader.round()
    reader.instance.most = 4
    reader.instance.add(*(str(n) for n in range(10, 30)))
    first = await reader.round(most=9)
    rest = await reader.round()
    assert first + rest == [f"s{n}" for n in (*range(10, 22), *range(18, 30))]


async def test_or_what_is_as_old_as_a_day(reader: Reader) -> None:
    reader.since = date(2026, 11, 20)
    reader.instance.add("5", at=NOW - timedelta(days=30))
    reader.instance.add("6", at=NOW - timedelta(days=2))
    assert await reader.round() == ["s6"]


async def test_only_mentions_are_asked_for(reader: Reader) -> None:
    await reader.round()
    reader.instance.add("1", kind="favourite")
    reader.instance.add("2")
    assert await reader.round() == ["s2"]


async def test_what_is_handed_over_is_what_the_connector_reads(reader: Reader) -> None:
    await reader.round()
    reader.instance.add("7", "8")
    source = MastodonSource(
        MastodonPull(type="mastodon", server=reader.server.url),
        Credential("DESK_TOKEN_MASTODON", "a-token"),
        ManualClock(NOW),
    )
    bodies = [body async for batch in source.batches(reader.cursors) for body in batch.bodies]
    await source.close()
    items = [i for body in bodies for i in CONNECTOR.split(CONNECTOR.decode(body, None)).items]
    texts = [getattr(CONNECTOR.read(each, Reading(NOW)), "message").text for each in items]  # noqa: B009
    assert texts == ["Frage 7", "Frage 8"]


@pytest.mark.parametrize(
    ("says", "kind", "seconds"),
    [
        (Says({}, 429, {"Retry-After": "90"}), "limited", 90),
        (Says({}, 429, {"Retry-After": "Fri, 27 Nov 2026 09:05:00 GMT"}), "limited", 300),
        (Says({}, 429, {"X-RateLimit-Reset": "2026-11-27T09:02:00.123456Z"}), "limited", 120),
        (Says({}, 429, {"Retry-After": "soon"}), "limited", None),
        (Says({}, 429, {"Retry-After": "9" * 40}), "limited", None),
        (Says({}, 503, {"Retry-After": "30"}), "unreachable", 30),
        (Says({}, 403), "credentials", None),
        (Says({}, 404), "answer", None),
        (Says({}, 302, {"Location": "http://127.0.0.1:1/"}), "answer", None),
        (Says(body=b"<html>"), "answer", None),
        (Says({"error": "?"}), "answer", None),
        (Says([{"type": "mention"}]), "answer", None),
        (Says([7]), "answer", None),
        (Says([{"id": "1"}] * 9, torn=True), "unreachable", None),
    ],
)
async def test_each_refusal_is_called_what_it_is(
    reader: Reader, says: Says, kind: str, seconds: int | None
) -> None:
    await reader.round()
    reader.instance.add("1")
    reader.server.before = [says]
    failed = await failure(reader)
    assert failed.kind == kind
    if seconds is None:
        assert failed.not_before is None
    else:
        assert failed.not_before is not None
        assert round((failed.not_before - NOW).total_seconds()) == seconds
    assert await reader.round() == ["s1"]


async def test_a_wrong_token_is_called_that_and_not_shown(reader: Reader) -> None:
    reader.token = "another-token"
    failed = await failure(reader)
    assert (failed.kind, failed.reason) == ("credentials", "the Mastodon server answers 401")


async def test_a_server_that_is_away(reader: Reader) -> None:
    await reader.round()
    reader.server.port = 1
    assert (await failure(reader)).kind == "unreachable"


async def test_a_server_that_knows_no_min_id_is_not_asked_for_ever(reader: Reader) -> None:
    await reader.round()
    reader.instance.add("1")
    await reader.round()
    reader.server.before = [Says([{"id": "1", "type": "mention"}])]
    assert (await failure(reader)).kind == "answer"


async def test_a_round_is_bounded_and_the_next_goes_on(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mastodon, "MOST_PAGES", 2)
    await reader.round()
    reader.instance.most = 3
    reader.instance.add(*(str(n) for n in range(10, 20)))
    assert await reader.round() == [f"s{n}" for n in range(10, 16)]
    assert await reader.round() == [f"s{n}" for n in range(16, 20)]
