"""What a platform's terms let us keep for a short time goes from ToDos in time, open or not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.router.todos.terms import hold_once
from services.router.todos.usecases import terms
from shared.runtime.removal import EARLY
from tests.services.router.desk import Desk, Inquiry, everything_kept

HOUR = timedelta(hours=1)
WORDS = 48 * HOUR
SAID = "Die Anmeldung ist abgestürzt."
URL = "https://example.org/posts/1#comment-7"


async def held(desk: Desk, **more: timedelta) -> int:
    return await hold_once(
        desk.service.database,
        {"linkedin": WORDS, **more},
        now=desk.clock.now(),
        stop=asyncio.Event(),
    )


async def test_an_open_todo_says_that_its_words_are_gone_and_where_they_are(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now(), channel="linkedin")
    fact = inquiry.received(SAID, "Vertraulich").model_copy(update={"url": URL})
    await desk.hears(fact)
    todo = await desk.todo_of(inquiry)
    assert (todo["excerpt"], todo["url"], todo["words_removed_at"]) == (SAID, URL, None)
    assert todo["messages"][0]["url"] == URL
    desk.clock.advance(WORDS - EARLY - HOUR)
    assert await held(desk) == 0
    desk.clock.advance(HOUR + timedelta(seconds=1))
    assert await held(desk) == 1
    assert await held(desk) == 0

    gone = await desk.todo_of(inquiry)
    assert (gone["state"], gone["desk"]) == ("open", todo["desk"])
    assert (gone["excerpt"], gone["url"], gone["reasons"]) == (None, URL, [])
    assert gone["words_removed_at"] is not None
    assert gone["removed_at"] is None
    (message,) = gone["messages"]
    assert (message["text"], message["subject"], message["url"]) == (None, None, URL)
    everything = await desk.service.database.read(everything_kept)
    assert "abgestürzt" not in everything
    assert "Vertraulich" not in everything

    await desk.hears(fact)
    assert "abgestürzt" not in await desk.service.database.read(everything_kept)
    assert (await desk.post(f"/todos/{todo['id']}/claim")).status_code == 200
    assert (await desk.post(f"/todos/{todo['id']}/complete")).status_code == 200


async def test_later_words_stay_until_their_own_time(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now(), channel="linkedin")
    await desk.hears(inquiry.received(SAID))
    desk.clock.advance(WORDS - HOUR)
    await desk.hears(inquiry.added("Und noch etwas", at=desk.clock.now()))
    desk.clock.advance(HOUR)
    assert await held(desk) == 1
    todo = await desk.todo_of(inquiry)
    assert [each["text"] for each in todo["messages"]] == [None, "Und noch etwas"]
    assert todo["excerpt"] == "Und noch etwas"
    desk.clock.advance(WORDS)
    assert await held(desk) == 1


async def test_each_channel_has_its_own_terms(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "AT_ONCE", 2)
    now = desk.clock.now()
    todos = [Inquiry(now, channel=name) for name in ("linkedin", "x", "email") for _ in range(3)]
    for each in todos:
        await desk.hears(each.received(SAID))
    desk.clock.advance(HOUR)
    young = replace(todos[0], inquiry_id=todos[0].conversation_id, at=desk.clock.now())
    await desk.hears(young.received(SAID))
    desk.clock.advance(WORDS - HOUR)
    assert await held(desk, x=2 * WORDS) == 3
    assert await held(desk, x=HOUR) == 3
    left = [each for each in (*todos, young) if (await desk.todo_of(each))["excerpt"]]
    assert {(each.channel, each.at) for each in left} == {("email", now), ("linkedin", young.at)}
    assert len(left) == 4
