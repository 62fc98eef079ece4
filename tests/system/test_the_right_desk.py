"""Which desk gets an inquiry, and why: what the desk decides alone, what a person decides, what it
learns from that, and what is left of all this when the router has lost its database.

Everything goes through public interfaces, on running desks of both kinds; every stop is a SIGKILL.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.services.router.learning_desk import alternating
from tests.system.desk import Caller, Desk, delivered, desk_of
from tests.system.losing import (
    DECIDED,
    WORKED_ON,
    at_rest,
    catch_up,
    changed,
    kill_the_router,
    lose_the_database,
    recover,
    todos,
)

TODOS = "/router/v1/todos"
OF_EACH_DESK = 30
LEARNED = "Unser Zwirbel drallt heute früh schon wieder."
POLICY = {
    # A clock that always runs: what an appeal gives back is exact, whenever this is run.
    'counting = "working-days"': 'counting = "wall-clock"',
    # Left out, those in business time would come whenever this is run late on a Friday.
    'warn = ["75%", "1h"]': "warn = []",
    "\n[routing]\n": "\n[routing]\nnetiquette_verdicts = 2\ndismiss_thanks_above = 0.97\n",
}


@dataclass(slots=True)
class Company:
    desk: Desk
    caller: Caller
    began: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(seconds=1))

    async def arrives(self, channel: str, text: str, **more: Any) -> str:
        """Sent as connectors do, until it is taken; the inquiry."""
        author = {"id": f"u-{uuid4()}", "name": "Erika"}
        data = {"id": f"m-{uuid4()}", "author": author, "text": text, **more}
        answer = await delivered(lambda: self.caller.webhook(channel, data))
        (inquiry,) = answer.json()["inquiries"]
        return str(inquiry)

    async def comes_in(self, channel: str, text: str, **more: Any) -> dict[str, Any]:
        """The ToDo as it reads when its clock runs, with reasons and history."""
        inquiry = await self.arrives(channel, text, **more)
        todo = await self.caller.todo_of(inquiry, lambda todo: todo["due_at"] is not None)
        return await self.todo(todo)

    async def todo(self, todo: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await self.caller.get(f"{TODOS}/{todo['id']}")
        return found

    async def does(self, todo: Mapping[str, Any], verb: str, **body: Any) -> dict[str, Any]:
        done: dict[str, Any] = await self.caller.post(f"{TODOS}/{todo['id']}/{verb}", body)
        return done

    async def answers(self, todo: Mapping[str, Any], text: str) -> dict[str, Any]:
        path = f"/intake/v1/inquiries/{todo['inquiry_id']}/replies"
        await self.caller.post(path, {"kind": "answer", "text": text, "author": "Anna"})
        done: dict[str, Any] = await self.caller.todo_of(
            todo["inquiry_id"],
            lambda todo: (todo["state"], todo["deadline"]["state"]) == ("done", "met"),
        )
        return done

    async def clock(self, todo: Mapping[str, Any], state: str) -> dict[str, Any]:
        """The deadline as soon as sla says that it stands so."""
        found: dict[str, Any] = await self.caller.until(
            f"/sla/v1/deadlines/{todo['inquiry_id']}", lambda clock: clock["state"] == state
        )
        return found

    async def report(
        self, path: str, fits: Callable[[Any], bool] = lambda _: True
    ) -> dict[str, Any]:
        """Of all inquiries, as soon as it fits."""
        span: dict[str, Any] = {
            "from": self.began.isoformat(),
            "to": (self.began + timedelta(days=1)).isoformat(),
        }
        found: dict[str, Any] = await self.caller.until(path, fits, **span)
        return found

    async def router_dies(self, *meanwhile: str) -> list[str]:
        """What these verbs of `inbound-desk router` say while it is dead; then it is started."""
        await asyncio.to_thread(kill_the_router, self.desk)
        said = [await asyncio.to_thread(self.desk.run, "router", verb) for verb in meanwhile]
        await asyncio.to_thread(self.desk.start)
        return said


@pytest.fixture(params=["embedded", "distributed"])
async def company(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Company]:
    async with _desk(request, tmp_path) as desk, Caller(desk) as caller:
        await asyncio.to_thread(desk.start)
        yield Company(desk, caller)


@asynccontextmanager
async def _desk(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Desk]:
    text = (files("services") / "desk.toml").read_text()
    for shipped, ours in POLICY.items():
        assert shipped in text
        text = text.replace(shipped, ours)
    policy = folder / "desk.toml"
    policy.write_text(text)
    context = desk_of(request.param, folder, request, instances=1, DESK_POLICY=str(policy))
    async with context as desk:
        yield desk


async def test_the_right_desk_with_a_reason(company: Company) -> None:
    async with asyncio.TaskGroup() as together:
        for story in (
            _who_calls_the_hotline_is_handed_over,
            _clear_ones_are_decided_alone,
            _two_persons_dismiss_and_an_appeal_goes_on,
            _a_person_dismisses_spam,
            _thanks_after_an_answer,
            _an_answer_given_before_is_found,
        ):
            together.create_task(story(company))
    await _it_learns_from_verdicts(company)
    await at_rest(company.desk)
    await _what_the_reports_say(company)
    await _nothing_is_lost_with_the_database(company)


async def _who_calls_the_hotline_is_handed_over(company: Company) -> None:
    called = await company.comes_in("hotline", "Guten Tag, ich bitte um Rückruf zur Rechnung.")
    assert (called["desk"], called["decided_by"]) == ("technical", "addressed_desk")
    assert called["confidence"] == 1

    before = datetime.now(UTC)
    why = "asks for an invoice"
    moved = await company.does(called, "reroute", desk="inbound", reason=why, by="Anna")
    assert (moved["desk"], moved["due_at"]) == ("inbound", called["due_at"])
    line = moved["history"][-1]
    assert (line["what"], line["who"]) == ("rerouted", "Anna")
    assert why in line["why"]
    assert before <= datetime.fromisoformat(line["at"]) <= datetime.now(UTC)
    done = await company.answers(called, "Die Rechnung ist unterwegs.")
    assert (done["desk"], done["due_at"]) == ("inbound", called["due_at"])


async def _clear_ones_are_decided_alone(company: Company) -> None:
    for text, kind, desk, words in (
        ("Seit dem Update kommt beim Anmelden Fehler 500.", "technical", "technical", "Fehler"),
        ("Bitte schickt mir die Rechnung zur Bestellung noch einmal.", "general", "inbound",
         "Rechnung"),
    ):  # fmt: skip
        todo = await company.comes_in("facebook", text)
        assert (todo["kind"], todo["desk"], todo["decided_by"]) == (kind, desk, "lexicon")
        assert 0.5 < todo["confidence"] < 1
        found = {why["word"]: why["span"] for why in todo["reasons"]}
        assert words in found
        assert all(text[slice(*span)] == word for word, span in found.items() if span), found
        assert await company.clock(todo, "running")
        await company.answers(todo, "Erledigt.")


async def _two_persons_dismiss_and_an_appeal_goes_on(company: Company) -> None:
    text = "Wer hat das gebaut? Ihr Vollidioten!"
    suspected = await company.comes_in("mastodon", text)
    assert (suspected["kind"], suspected["desk"]) == ("netiquette", "review")
    (reason,) = suspected["reasons"]
    assert (reason["term"], text[slice(*reason["span"])]) == ("insult", "Vollidioten")
    await company.clock(suspected, "running")

    for _ in range(2):  # the same person twice is no second one
        waits = await company.does(suspected, "verdict", verdict="netiquette", by="Anna")
        assert (waits["state"], waits["pending_verdict"]["by"]) == ("open", "Anna")
    assert (await company.clock(suspected, "running"))["due_at"] == suspected["due_at"]
    dismissed = await company.does(suspected, "verdict", verdict="netiquette", by="Berta")
    assert (dismissed["state"], dismissed["dismiss_reason"]) == ("dismissed", "netiquette")
    assert (await company.clock(suspected, "cancelled"))["cancel_reason"] == "netiquette"
    await company.caller.until(
        f"/intake/v1/inquiries/{suspected['inquiry_id']}",
        lambda shown: (shown["state"], shown["reason"]) == ("no_answer", "netiquette"),
    )

    appealed = await company.does(suspected, "appeal", reason="I had quoted him", by="Carla")
    assert (appealed["desk"], appealed["state"]) == ("review", "open")
    stood_still = _moment(appealed, "reopened_at") - _moment(dismissed, "ended_at")
    assert stood_still > timedelta(0)
    clock = await company.clock(suspected, "running")
    assert _moment(clock, "due_at") == _moment(suspected, "due_at") + stood_still
    assert clock["breached_at"] is None
    await company.caller.todo_of(
        suspected["inquiry_id"], lambda todo: todo["due_at"] == clock["due_at"]
    )
    moved = await company.does(suspected, "verdict", verdict="general", by="Carla")
    assert (moved["desk"], moved["state"]) == ("inbound", "open")
    await company.answers(suspected, "Das hat nicht uns gemeint, danke für den Hinweis.")


async def _a_person_dismisses_spam(company: Company) -> None:
    text = "Abonniert meinen Kanal! Garantierter Gewinn mit Krypto: https://bit.ly/geld"
    spam = await company.comes_in("instagram", text)
    assert (spam["kind"], spam["desk"], spam["state"]) == ("spam", "review", "open")
    await company.clock(spam, "running")
    dismissed = await company.does(spam, "verdict", verdict="spam", by="Anna")
    assert (dismissed["state"], dismissed["ended_by"]) == ("dismissed", "Anna")
    assert (await company.clock(spam, "cancelled"))["cancel_reason"] == "spam"


async def _thanks_after_an_answer(company: Company) -> None:
    sure = await _after_an_answer(company, "Danke, hat geklappt!")
    assert (sure["kind"], sure["confidence"]) == ("no_answer_needed", 0.98)
    assert {why["rule"] for why in sure["reasons"]} == {"thanks"}
    assert (sure["state"], sure["ended_by"]) == ("dismissed", "policy")
    assert (await company.clock(sure, "cancelled"))["cancel_reason"] == "no_answer_needed"

    likely = await _after_an_answer(company, "Vielen Dank, liebe Quarzer!")
    assert (likely["kind"], likely["desk"]) == ("no_answer_needed", "review")
    assert (likely["confidence"], likely["state"]) == (0.95, "open")
    confirmed = await company.does(likely, "dismiss", reason="no_answer_needed", by="Anna")
    assert (confirmed["state"], confirmed["ended_by"]) == ("dismissed", "Anna")

    asks = await _after_an_answer(
        company, "Danke! Aber warum kommt seit dem Update beim Anmelden wieder Fehler 500?"
    )
    assert (asks["kind"], asks["desk"], asks["state"]) == ("technical", "technical", "open")


async def _after_an_answer(company: Company, text: str) -> dict[str, Any]:
    thread: dict[str, Any] = {"thread_id": f"t-{uuid4()}", "author": {"id": f"u-{uuid4()}"}}
    asked = await company.comes_in("email", "Die App ist abgestürzt, Fehler 17.", **thread)
    await company.answers(asked, "Bitte neu starten.")
    return await company.todo(
        await company.caller.todo_of(await company.arrives("email", text, **thread))
    )


async def _an_answer_given_before_is_found(company: Company) -> None:
    question = "Der Zählerstand lässt sich im Kundenportal nicht eintragen"
    advice = "Bitte tragen Sie ihn ohne Nachkommastellen ein."
    before = await company.comes_in("facebook", f"{question}, das Feld bleibt rot.")
    again = await company.comes_in("mastodon", f"Hallo! {question}. Was nun?")
    similar = f"{TODOS}/{again['id']}/similar"
    assert (await company.caller.get(similar))["items"] == []

    await company.answers(before, advice)
    found = await company.caller.until(similar, lambda found: found["items"])
    (answer,) = found["items"]
    assert (answer["inquiry_id"], answer["answer"]) == (before["inquiry_id"], advice)
    assert (answer["reused"], answer["desk"]) == (0, before["desk"])
    assert "Zählerstand" in answer["words"]
    await company.does(again, "reuse", inquiry_id=before["inquiry_id"], by="Anna")
    await company.answers(again, advice)
    (answer,) = (await company.caller.get(similar))["items"]
    assert answer["reused"] == 1


async def _it_learns_from_verdicts(company: Company) -> None:
    """What nobody's list knows is unsure, until people have said often enough whose it is."""
    belongs = dict(alternating(OF_EACH_DESK))
    texts = list(belongs)
    async with asyncio.TaskGroup() as together:
        for text in texts[:OF_EACH_DESK]:
            together.create_task(company.arrives("facebook", text))
    # The other half comes while the router is dead; in one process, as soon as that is there again.
    async with asyncio.TaskGroup() as together:
        together.create_task(company.router_dies())
        for text in texts[OF_EACH_DESK:]:
            together.create_task(company.arrives("facebook", text))
    page = await company.caller.until(
        TODOS,
        lambda page: len(page["items"]) == len(belongs),
        desk="review",
        state="open",
        limit=200,
    )
    unsure = page["items"]
    assert {todo["excerpt"] for todo in unsure} == belongs.keys()
    assert {(todo["kind"], todo["decided_by"]) for todo in unsure} == {("unsure", "lexicon")}
    for todo in unsure:
        verdict = "technical" if belongs[todo["excerpt"]] == "technical" else "general"
        await company.does(todo, "verdict", verdict=verdict, by="Anna")

    (said,) = await company.router_dies("train")
    assert "promoted" in said.splitlines()[-1], said
    learned = await company.comes_in("mastodon", LEARNED)
    assert (learned["desk"], learned["kind"]) == ("technical", "technical")
    assert learned["decided_by"] == "model:1"
    assert "Zwirbel" in {LEARNED[slice(*why["span"])] for why in learned["reasons"] if why["span"]}
    await company.answers(learned, "Wir tauschen ihn aus.")

    (said,) = await company.router_dies("rollback")
    assert said.startswith("the lexicon alone decides"), said
    unlearned = await company.comes_in("mastodon", LEARNED)
    assert (unlearned["desk"], unlearned["kind"]) == ("review", "unsure")
    assert unlearned["decided_by"] == "lexicon"


async def _what_the_reports_say(company: Company) -> None:
    shares = _by((await company.report("/sla/v1/reports/desks"))["desks"], "desk")
    assert shares["technical"]["handed_over_from"] == 1
    assert shares["inbound"]["handed_over_to"] == 1 + 1 + OF_EACH_DESK  # the hotline, and review
    assert shares["inbound"]["answered"] == 3  # the invoice, the hotline's, the appeal
    assert shares["review"]["handed_over_from"] == 1 + 2 * OF_EACH_DESK

    reused = (await company.report("/router/v1/reports/reuse"))["total"]
    assert (reused["found"], reused["reused"], reused["answered_with_reuse"]) == (1, 1, 1)
    await _what_the_router_counts(company)


async def _what_the_router_counts(company: Company) -> None:
    """What it counts from what it has of each ToDo, also after it was lost."""
    moderated = (await company.report("/router/v1/reports/moderation"))["total"]
    assert moderated == {
        "netiquette": 1, "spam": 1, "appeals": 1, "upheld": 0, "overturned": 1, "open": 0,
    }  # fmt: skip
    routed = await company.report(
        "/router/v1/reports/routing",
        lambda report: _cells(report)["unsure", "technical"] == OF_EACH_DESK,
    )
    assert _cells(routed)["unsure", "general"] == OF_EACH_DESK
    assert _cells(routed)["netiquette", "general"] == 1
    assert routed["total"]["addressed"] == 1


async def _nothing_is_lost_with_the_database(company: Company) -> None:
    desk, caller, since = company.desk, company.caller, company.began.isoformat()
    by = _by((await company.report("/router/v1/reports/routing"))["by"], "decided_by")
    assert (by["model:1"]["alone"], by["model:1"]["right"]) == (1, 1)
    # The model goes with the database: what it had decided is left to a person this time.
    by_rules = [todo for todo in await todos(caller) if todo["decided_by"] != "model:1"]
    ids = {todo["id"] for todo in await todos(caller)}

    await lose_the_database(desk)
    await catch_up(desk, since)
    caught_up = await todos(caller)
    assert {todo["id"] for todo in caught_up} == ids
    assert changed(by_rules, caught_up, DECIDED) == []

    await recover(desk, since)
    (trained,) = await company.router_dies("train")
    await at_rest(desk)
    assert changed(by_rules, await todos(caller), WORKED_ON) == []
    await _what_the_router_counts(company)
    (asked,) = (each for each in await todos(caller) if each["excerpt"].startswith("Hallo!"))
    similar = await caller.until(f"{TODOS}/{asked['id']}/similar", lambda found: found["items"])
    assert similar["items"][0]["answer"].endswith("ohne Nachkommastellen ein.")
    # What people had said is there to be learned again.
    assert "promoted" in trained.splitlines()[-1], trained
    again = await company.comes_in("mastodon", LEARNED)
    assert (again["desk"], again["decided_by"]) == ("technical", "model:1")


def _cells(report: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    """How many of each decided kind are of which kind, as people have said."""
    return Counter(
        {(cell["decided_kind"], cell["label_kind"]): cell["count"] for cell in report["confusion"]}
    )


def _by(lines: Iterable[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    return {line[name]: line for line in lines}


def _moment(shown: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(shown[name])
