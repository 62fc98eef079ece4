"""What is told to the old desk. Each part needs other services to run; see `fill.py`.

`test_filled_database.py` asks by name for ids that begin with `keep-`, and for `rest-0` and
`post-0-anna`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.data.filled.talk import Talk

OWN_ID = "agent-7"
HURRY_SECONDS = 60
TEXTS = (
    "Beim Anmelden kommt Fehler 500.",
    "Was kostet die Lizenz für 20 Leute? Der Preis steht nirgends.",
    "Wann beginnt das #clouddevcamp2026, und gibt es noch Plätze?",
    "The editor shows an error, my password is not accepted 😡",
    "Danke für die schnelle Rechnung! 🙏🏽",
    "Größe, Straße, naïve café, Đorđe, ﬁn, ½",
    "これは質問ですか？ 料金を教えてください。",
    "مرحبا، متى يبدأ #iico2026؟",
    "@infopark_support Die Seite geht nicht.",
    "Ihr seid doch Idioten!",
    "👍",
    "Zeile eins\n\nZeile drei\tmit Tabulator & <b>Zeichen</b> 'wie' \"diesen\" \\ %s ; --",
)
CHANNELS = ("facebook", "x", "email", "web_form", "hotline", "youtube", "flickr")


def message(name: str, text: str = TEXTS[0], *, author: str = "", **more: Any) -> dict[str, Any]:
    who = author or f"u-{name}"
    given = {"id": who, "name": f"Frau {who}"}
    return {"id": name, "thread_id": f"t-{name}", "author": given, "text": text, **more}


def ago(**units: float) -> str:
    return (datetime.now(UTC) - timedelta(**units)).isoformat()


async def told_to_all(desk: Talk) -> None:
    """Everything runs."""
    hurried = await hurry(desk)
    await many(desk)
    await handed_in(desk)
    await threads(desk)
    await replies(desk)
    await moves(desk)
    await pauses(desk)
    await quarantine(desk)
    await late(desk, hurried)


async def many(desk: Talk) -> None:
    """A quiet week: single messages and lists, some repeated, a third of them answered."""
    for channel in CHANNELS:
        names = [f"{channel}-{number}" for number in range(14)]
        whole = [message(name, TEXTS[n % len(TEXTS)]) for n, name in enumerate(names)]
        found = await desk.webhook(channel, whole[0], status=(202,))
        found += await desk.webhook(channel, whole[1:9])
        for each in whole[9:]:
            found += await desk.webhook(channel, each)
        await desk.webhook(channel, whole[3:6], status=(200,))
        for inquiry in found[::3]:
            await desk.reply(inquiry)
    await desk.webhook("x", message("x-picture", url="https://example.org/p/1", attachments=[
        {"url": "https://example.org/a.png", "type": "image/png", "name": "Bild ä.png", "size": 7}
    ]))  # fmt: skip
    await desk.webhook("x", {"id": "x-like"}, type_="reaction.created")


async def handed_in(desk: Talk) -> None:
    """REST: Idempotency-Keys, external ids, everything that an author may have."""
    path = "/intake/v1/inquiries"
    for number in range(12):
        body: dict[str, Any] = {
            "channel": "shop" if number % 2 else "web_form",
            "author": {"email": f"kunde{number % 5}@example.org", "name": "Jörg Müßig"},
            "text": TEXTS[number],
            "subject": f"Anliegen {number}: Anmeldung",
        }
        if number % 3 == 0:
            body |= {"external_id": f"rest-{number}", "thread_id": f"rest-t-{number}"}
        if number % 4 == 0:
            body |= {"sent_at": ago(minutes=30), "url": "https://example.org/form?x=1&y=ü"}
        once = f"key-{number}" if number % 2 == 0 else None
        await desk.post(path, body, once=once, status=(201,))
        if once is not None:
            await desk.post(path, body, once=once, status=(200, 201))
    anonymous = {"channel": "web_form", "author": {"name": "anonym"}, "text": "Was kostet das?"}
    await desk.post(path, anonymous, status=(201,))


async def threads(desk: Talk) -> None:
    """Conversations: several messages, several people, parents, echoes, a second inquiry."""
    for number in range(6):
        thread = f"talk-{number}"
        for part in range(3):
            said = message(f"{thread}-{part}", f"{TEXTS[part]} ({part})", author=f"u-{thread}")
            [inquiry] = await desk.webhook("email", said | {"thread_id": thread})
        if number % 2:
            await desk.reply(inquiry, external_id=f"{thread}-answer")
            again = message(f"{thread}-9", "Noch eine Frage?", author=f"u-{thread}")
            await desk.webhook("email", again | {"thread_id": thread})
    for number in range(4):
        post = {"thread_id": f"post-{number}"}
        for person in ("anna", "bert", "cem"):
            name = f"post-{number}-{person}"
            await desk.webhook("facebook", message(name, author=person, **post))
        if number % 2:
            echo = message(f"post-{number}-echo", "Das ist behoben.", author=OWN_ID, **post)
            await desk.webhook("facebook", echo)
            await desk.webhook("facebook", echo)
            await desk.webhook("facebook", message(f"post-{number}-dora", author="dora", **post))
    for name, parent in (("p-1", None), ("p-2", "p-1"), ("p-3", "p-2"), ("p-5", "p-4")):
        said = message(name, author="u-parents", parent_id=parent)
        await desk.webhook("facebook", said | {"thread_id": None})
    echo = message("echo-of-nothing", "Guten Morgen allerseits!", author=OWN_ID)
    await desk.webhook("youtube", echo)
    await desk.webhook("facebook", message("keep-open-1", author="u-keep", thread_id="keep-open"))
    await desk.webhook("email", message("keep-mail-1", author="u-keep", thread_id="keep-mail"))


async def replies(desk: Talk) -> None:
    """Answers and holding replies in each form, and each way to close."""
    numbers = iter(range(100))

    async def fresh(text: str = TEXTS[1]) -> str:
        name = f"reply-{next(numbers)}"
        [inquiry] = await desk.webhook("email", message(name, text))
        return inquiry

    await desk.reply(await fresh(), author="Ängström, Zoë", external_id="reply-with-id")
    await desk.reply(await fresh(), sent_at=ago(days=1))
    await desk.reply(await fresh(), sent_at=ago(seconds=0))
    for days in (1, 3, 100):
        tomorrow = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        await desk.reply(await fresh(), "holding", follow_up_at=tomorrow)
    await desk.reply(await fresh(), "holding")
    held_twice = await fresh()
    for kind in ("holding", "holding", "answer"):
        await desk.reply(held_twice, kind, text=f"Wir sind dran: {kind}")
    once = await fresh()
    for _ in range(2):
        path = f"/intake/v1/inquiries/{once}/replies"
        await desk.post(path, {"kind": "answer", "text": "Ja."}, once="reply-key", status=(201,))
    for reason in ("no_answer_needed", "spam", "duplicate", "withdrawn"):
        await desk.close(await fresh(), reason)
        held = await fresh()
        await desk.reply(held, "holding")
        await desk.close(held, reason)


async def moves(desk: Talk) -> None:
    """Whatever a person can do with a ToDo."""
    numbers = iter(range(100))

    async def fresh(channel: str = "x") -> str:
        name = f"move-{next(numbers)}"
        [inquiry] = await desk.webhook(channel, message(name, TEXTS[0], author="u-mover"))
        return inquiry

    anna, boss = {"assignee": "Anna"}, {"by": "Chefin", "as_supervisor": True}
    for _ in range(3):
        await desk.act(await fresh(), "claim", anna)
    claimed = [await fresh() for _ in range(6)]
    for inquiry in claimed:
        await desk.act(inquiry, "claim", anna)
    await desk.act(claimed[0], "release", {"by": "Anna"})
    await desk.act(claimed[1], "complete", {"by": "Anna"})
    await desk.act(claimed[2], "complete", boss)
    await desk.act(claimed[3], "reroute", boss | {"desk": "sales", "reason": "will ein Angebot"})
    await desk.act(claimed[4], "dismiss", {"by": "Anna", "reason": "duplicate"})
    await desk.reply(claimed[5])
    for channel in ("x", "youtube", "email"):
        await desk.act(await fresh(channel), "complete")
    for reason in ("netiquette", "no_answer_needed", "spam", "duplicate"):
        await desk.act(await fresh("hotline"), "dismiss", {"reason": reason})
        await desk.act(await fresh("email"), "dismiss", {"reason": reason})
    for target in ("inbound", "review", "sales"):
        await desk.act(await fresh(), "reroute", {"desk": target, "reason": "gehört dorthin"})
    back = await fresh()
    for target in ("inbound", "technical"):
        await desk.act(back, "reroute", {"desk": target, "reason": "doch nicht"})
    await after_an_end(desk)


async def after_an_end(desk: Talk) -> None:
    """The customer writes on, at once and later, after a complete and a dismiss."""
    for number, (verb, body) in enumerate(
        [("complete", None), ("dismiss", {"reason": "netiquette"}), ("dismiss", {"reason": "spam"})]
    ):
        thread = {"thread_id": f"end-{number}", "author": "u-ended"}
        [inquiry] = await desk.webhook("email", message(f"end-{number}-0", **thread))
        await desk.act(inquiry, verb, body)
        await desk.webhook("email", message(f"end-{number}-1", "Und noch etwas?", **thread))
        await asyncio.sleep(2)
        await desk.webhook("email", message(f"end-{number}-2", "Hallo??", **thread))
    [done] = await desk.webhook("x", message("keep-done", author="u-done"))
    await desk.act(done, "claim", {"assignee": "Anna"})
    await desk.act(done, "complete", {"by": "Anna"})


async def pauses(desk: Talk) -> None:
    """Clocks that stand still, and all the ways in which they run on."""
    found = []
    for number in range(5):
        thread = {"thread_id": f"pause-{number}", "author": "u-pause"}
        found += await desk.webhook("email", message(f"pause-{number}", TEXTS[1], **thread))
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for number, inquiry in enumerate(found):
        await desk.clock_of(inquiry)
        body = {"reason": "wartet auf die Logdatei", **({"until": tomorrow} if number == 1 else {})}
        await desk.post(f"/sla/v1/deadlines/{inquiry}/pause", body)
    await desk.post(f"/sla/v1/deadlines/{found[2]}/resume")
    await desk.webhook("email", message("pause-3-b", thread_id="pause-3", author="u-pause"))
    await desk.reply(found[4])


async def quarantine(desk: Talk) -> None:
    """Signed, and not understood: each kind of mistake, and one tried again in vain."""
    broken: list[dict[str, Any]] = [
        {"id": "q-1", "text": "ohne Absender"},
        message("q-2", text=" "),
        message("q-3", sent_at="1970-01-01T00:00:00Z"),
        message("q-4", sent_at="2026-11-24T08:30:00"),
        message("q-5", attachments=[{"url": "cid:image001.png"}]),
        message("q-6", url="example.org"),
        message("q-7", author="a" * 2000),
        message("q-8", text="x" * 3000, attachments=[{}] * 101),
    ]
    for each in broken[:3]:
        await desk.webhook("facebook", each, status=(422,))
    await desk.webhook("email", [*broken[3:], message("q-good")], status=(202,))
    future = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    await desk.webhook("web_form", message("q-future", sent_at=future), status=(422,))
    await desk.webhook_raw("web_form", b'{"type": "message.created", "da', status=(400,))
    await desk.webhook_raw("web_form", b'{"type": "message.created"}', status=(422,))
    for kept in (await desk.all("/intake/v1/quarantine"))[:2]:
        await desk.post(f"/intake/v1/quarantine/{kept['id']}/retry", status=(400, 422))


async def hurry(desk: Talk) -> tuple[float, list[str]]:
    """Clocks of one minute; when the last of them is over, and the inquiries."""
    whole = [message(f"hurry-{n}", TEXTS[n], author=f"u-hurry-{n % 4}") for n in range(8)]
    found = await desk.webhook("instagram", whole)
    await desk.reply(found[0])
    await desk.reply(found[1], "holding")
    echo = message("hurry-echo", author="agent-8", thread_id="t-hurry-2")
    await desk.webhook("instagram", echo)
    return time.monotonic() + HURRY_SECONDS, found


async def late(desk: Talk, hurried: tuple[float, list[str]]) -> None:
    """After the breaches: what is answered, completed, held, closed and paused too late."""
    over, found = hurried
    await asyncio.sleep(max(0.0, over - time.monotonic()) + 8)
    for inquiry in found[3:]:
        assert (await desk.clock_of(inquiry))["breached_at"] is not None
    await desk.reply(found[3])
    await desk.act(found[4], "complete")
    await desk.reply(found[5], "holding")
    await desk.close(found[6], "withdrawn")
    await asyncio.sleep(HURRY_SECONDS + 8)
    assert (await desk.clock_of(found[5]))["state"] == "breached"


async def told_while_nobody_listens(desk: Talk) -> None:
    """Intake runs alone and reaches the bus: this is published, and nobody has heard it."""
    for channel in CHANNELS:
        found = await desk.webhook(channel, [message(f"unheard-{channel}-{n}") for n in range(2)])
        await desk.reply(found[0])
    joined = message("keep-open-2", "Sind Sie noch da?", author="u-keep", thread_id="keep-open")
    await desk.webhook("facebook", joined)


async def told_to_intake_alone(desk: Talk) -> list[str]:
    """The bus is away: this waits in intake's outbox. The inquiries that it contradicts the router
    about, in the order of `told_to_router_alone`.
    """
    for number, channel in enumerate(CHANNELS * 2):
        [inquiry] = await desk.webhook(channel, message(f"waits-{number}", TEXTS[number % 12]))
        if number % 4 == 1:
            await desk.reply(inquiry, "answer" if number % 8 == 1 else "holding")
    known = await desk.all("/intake/v1/inquiries", state="open", channel="x")
    shared = [each["id"] for each in known if each["todo_id"] and not each["assignee"]][:6]
    await desk.reply(shared[0])
    await desk.reply(shared[1])
    await desk.close(shared[2], "withdrawn")
    await desk.reply(shared[3], "holding")
    return shared


async def told_to_router_alone(desk: Talk, shared: Sequence[str]) -> None:
    """The bus is away: this waits in the router's outbox."""
    for number, inquiry in enumerate(shared[:4]):
        if number % 2:
            await desk.act(inquiry, "dismiss", {"reason": "spam"})
        else:
            await desk.act(inquiry, "complete")
    await desk.act(shared[4], "claim", {"assignee": "Bert"})
    await desk.act(shared[5], "reroute", {"desk": "review", "reason": "unklar"})


async def told_to_sla_alone(desk: Talk) -> None:
    """The bus is away: this waits in sla's outbox."""
    running = await desk.all("/sla/v1/deadlines", state="running", channel="email")
    assert len(running) >= 4
    for each in running[:3]:
        path = f"/sla/v1/deadlines/{each['inquiry_id']}"
        await desk.post(f"{path}/pause", {"reason": "der Bus ist weg"})
    await desk.post(f"/sla/v1/deadlines/{running[2]['inquiry_id']}/resume")
