"""What falls due, and what is promised anew, while the desk is down.

All services in this process on real databases and a real bus, so that a test's own clock can let
days pass between stop and start.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import Select, select

from services.intake.app import build as build_intake
from services.intake.settings import IntakeSettings
from services.root import connect, make_bus
from services.router.app import build as build_router
from services.router.settings import RouterSettings
from services.sla.app import build as build_sla
from services.sla.settings import SlaSettings
from shared.access.keys import ALL_SCOPES, KeyRing, add_key, new_key
from shared.messaging.outbox import OUTBOX
from shared.policy import Policy, load_policy
from shared.runtime.lifecycle import running_loops
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import DeskSettings
from tests.support.clock import ManualClock
from tests.support.kafka_broker import Broker
from tests.support.migrated import MigratedDatabases, MigratedFiles
from tests.support.outbox import unpublished_count
from tests.system.copies import Row, differences
from tests.system.desk import SERVICES

BERLIN = ZoneInfo("Europe/Berlin")
PATIENCE_SECONDS = 60


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@dataclass(frozen=True, slots=True)
class Place:
    """What stays when the desk stops."""

    folder: Path
    settings: DeskSettings
    databases: Mapping[str, str]
    key: str
    clock: ManualClock


@dataclass(frozen=True, slots=True)
class Life:
    """What is done to an inquiry, when, and how its clock stands at last."""

    acts: tuple[tuple[str, str], ...]
    state: str
    is_breached: bool = False


MON, TUE, WED = "2026-03-02 11:00", "2026-03-03 09:30", "2026-03-04 11:00"
FRI, NEXT = "2026-03-06 11:00", "2026-03-09 15:00"
WITHOUT_SLA = {
    "answered": Life(((MON, "answer"),), "met"),
    "completed": Life(((MON, "complete"),), "met"),
    "dismissed": Life(((MON, "dismiss"),), "cancelled"),
    "rerouted": Life(((MON, "reroute"),), "breached", is_breached=True),
    "held, answered in time": Life(((MON, "hold"), (TUE, "answer")), "met"),
    "held, completed in time": Life(((MON, "hold"), (TUE, "complete")), "met"),
    "held, completed": Life(((MON, "hold"), (WED, "complete")), "met"),
    "held": Life(((MON, "hold"),), "breached", is_breached=True),
    "answered late": Life(((WED, "answer"),), "met_late", is_breached=True),
    "completed late": Life(((WED, "complete"),), "met_late", is_breached=True),
    "forgotten": Life((), "breached", is_breached=True),
}
"""They arrive on Monday at 10:00; who is held is told until Wednesday at 12:00."""
WITHOUT_ROUTER = {
    "answered": Life(((FRI, "answer"),), "met"),
    "closed": Life(((FRI, "close"),), "cancelled"),
    "held, answered": Life(((FRI, "hold"), (NEXT, "answer")), "met"),
    "answered late": Life(((NEXT, "answer"),), "met_late", is_breached=True),
    "forgotten": Life((), "breached", is_breached=True),
}
"""They arrive on Thursday at 12:00; who is held is told until Tuesday at 12:00."""
_UNTIL = {MON: berlin("2026-03-04 12:00"), FRI: berlin("2026-03-10 12:00")}


@dataclass(frozen=True, slots=True)
class Running:
    services: Mapping[str, Service]
    clients: Mapping[str, httpx.AsyncClient]

    async def call(self, method: str, path: str, body: object = None, **params: str) -> Any:
        client = self.clients[path.split("/")[1]]
        answer = await client.request(method, path, json=body, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    async def arrives(self, text: str) -> str:
        body = {"channel": "web_form", "author": {"email": "erika@example.org"}, "text": text}
        taken: str = (await self.call("POST", "/intake/v1/inquiries", body))["inquiry_id"]
        return taken

    async def shows(self, inquiry: str, state: str, due: datetime) -> None:
        """Returns when the ToDo shows its clock in this state with this due time."""
        wanted = (state, due.astimezone(UTC))
        found: object = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while found != wanted:
                    page = await self.call("GET", "/router/v1/todos", inquiry_id=inquiry)
                    for todo in page["items"]:
                        if todo["deadline"] is not None:
                            at = datetime.fromisoformat(todo["due_at"])
                            found = (todo["deadline"]["state"], at)
                    await asyncio.sleep(0.05)
        assert found == wanted

    async def hand_over(self, inquiry: str, state: str) -> datetime:
        """Returns its due time when sla shows the hand-over in this state."""
        found: Any = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while found is None or found["state"] != state:
                    found = (await self.call("GET", f"/sla/v1/deadlines/{inquiry}"))["hand_over"]
                    await asyncio.sleep(0.05)
        assert found is not None
        assert found["state"] == state
        return datetime.fromisoformat(found["due_at"])

    async def act(
        self, clock: ManualClock, inquiries: Mapping[str, str], lives: Mapping[str, Life]
    ) -> None:
        """All of it, each at its moment; returns when everything is on the bus."""
        plan = [(at, act, name) for name, life in lives.items() for at, act in life.acts]
        for at, act, name in sorted(plan):
            clock.set(berlin(at))
            await self._do(act, inquiries[name], until=_UNTIL.get(at))
        async with asyncio.timeout(PATIENCE_SECONDS):
            for service in self.services.values():
                while await service.database.read(unpublished_count):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)

    async def _do(self, act: str, inquiry: str, *, until: datetime | None) -> None:
        replies = f"/intake/v1/inquiries/{inquiry}/replies"
        match act:
            case "answer":
                await self.call("POST", replies, {"kind": "answer", "text": "Gern."})
            case "hold":
                moment = None if until is None else until.isoformat()
                hold = {"kind": "holding", "text": "Wir prüfen das.", "follow_up_at": moment}
                await self.call("POST", replies, hold)
            case "close":
                path = f"/intake/v1/inquiries/{inquiry}/close"
                await self.call("POST", path, {"reason": "no_answer_needed"})
            case _:
                (todo,) = (await self.call("GET", "/router/v1/todos", inquiry_id=inquiry))["items"]
                bodies = {
                    "reroute": {"desk": "technical", "reason": "belongs there"},
                    "dismiss": {"reason": "no_answer_needed"},
                }
                path = f"/router/v1/todos/{todo['id']}/{act}"
                await self.call("POST", path, bodies.get(act, {}))

    async def rests(self, inquiries: Mapping[str, str], lives: Mapping[str, Life]) -> None:
        """Returns when every copy is what it is a copy of, and every clock as it must be."""

        async def look(service: str, query: Select[*tuple[Any, ...]]) -> list[Row]:
            return [*await self.services[service].database.read(lambda tx: tx.rows(query))]

        wanted = {name: (life.state, int(life.is_breached)) for name, life in lives.items()}
        found: object = None
        wrong = ["nobody has looked yet"]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while wrong or found != wanted:
                    await asyncio.sleep(0.2)
                    wrong = await differences(look)
                    found = {
                        name: (
                            (await self.call("GET", f"/sla/v1/deadlines/{inquiry}"))["state"],
                            (await self.told(inquiry))["breached"],
                        )
                        for name, inquiry in inquiries.items()
                    }
        assert (wrong, found) == ([], wanted)

    async def told(self, inquiry: str) -> Counter[str]:
        """How often sla has told what about the inquiry's clock, warnings left aside."""
        wanted = select(OUTBOX.c.type).where(OUTBOX.c.payload.contains(inquiry))
        rows = await self.services["sla"].database.read(lambda tx: tx.rows(wanted))
        kinds = Counter(each["type"].removeprefix("deadline.") for each in rows)
        kinds.pop("warning", None)
        return kinds


@pytest.fixture
async def files(migrated_files: MigratedFiles, tmp_path: Path) -> dict[str, str]:
    return {name: await migrated_files.copy(name, tmp_path / f"{name}.sqlite") for name in SERVICES}


@pytest.fixture
async def on_a_server(migrated_databases: MigratedDatabases) -> AsyncIterator[dict[str, str]]:
    async with contextlib.AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(migrated_databases.copy(name))
            for name in SERVICES
        }


@pytest.fixture(params=["embedded", "distributed"])
def databases(request: pytest.FixtureRequest) -> dict[str, str]:
    """The URL of each service's own, with its tables."""
    copies = "files" if request.param == "embedded" else "on_a_server"
    return dict(request.getfixturevalue(copies))


@pytest.fixture
def bus(databases: dict[str, str], request: pytest.FixtureRequest) -> str:
    """The URL of a Kafka, where the databases are on a server, too."""
    if databases["sla"].startswith("sqlite"):
        return ""
    broker: Broker = request.getfixturevalue("desk_broker")
    return f"kafka://{broker.bootstrap}"


@pytest.fixture
def place(databases: dict[str, str], bus: str, tmp_path: Path) -> Place:
    clock = ManualClock(berlin("2026-03-02 10:00"))
    key = new_key()
    add_key(tmp_path / "keys.json", name="anna", key=key, scopes=ALL_SCOPES, now=clock.now())
    settings = DeskSettings.model_validate({"data_dir": tmp_path, "bus_url": bus})
    return Place(tmp_path, settings, databases, key, clock)


@contextlib.asynccontextmanager
async def running(place: Place, policy: Policy, *, without: str = "") -> AsyncIterator[Running]:
    """The services as the root runs them, but for the clock, and one of them may be away."""
    bus = make_bus(place.settings, policy)
    keys = KeyRing(place.folder / "keys.json")
    runtime = Runtime(place.settings, policy, bus, place.clock, keys)
    urls = place.databases
    services = {
        "intake": build_intake(runtime, IntakeSettings(database_url=urls["intake"]), {}),
        "router": build_router(runtime, RouterSettings(database_url=urls["router"])),
        "sla": build_sla(runtime, SlaSettings(database_url=urls["sla"], poll_seconds=0.2)),
    }
    services.pop(without, None)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(bus.stop)
        await stack.enter_async_context(running_loops(await connect(bus)))
        clients = {}
        for name, service in services.items():
            await stack.enter_async_context(service.running())
            clients[name] = await stack.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app=service.app),
                    base_url="http://desk",
                    headers={"Authorization": f"Bearer {place.key}"},
                )
            )
        async with asyncio.timeout(PATIENCE_SECONDS):
            for service in services.values():
                while (await service.ready()).status != "ok":  # noqa: ASYNC110 - asked as a probe does
                    await asyncio.sleep(0.05)
        yield Running(services, clients)


async def test_one_service_is_away_for_longer_than_a_promise(place: Place) -> None:
    """What it hears afterwards crosses; whatever each shows of the others is what they have."""
    policy = load_policy()
    async with running(place, policy) as desk:
        first = {name: await desk.arrives("Was kostet die Lizenz?") for name in WITHOUT_SLA}
        for inquiry in first.values():
            await desk.shows(inquiry, "running", berlin("2026-03-03 10:00"))

    async with running(place, policy, without="sla") as desk:
        await desk.act(place.clock, first, WITHOUT_SLA)
    place.clock.set(berlin("2026-03-05 12:00"))
    async with running(place, policy) as desk:
        await desk.rests(first, WITHOUT_SLA)

    async with running(place, policy, without="router") as desk:
        second = {name: await desk.arrives("Und die Rechnung?") for name in WITHOUT_ROUTER}
        await desk.act(place.clock, second, WITHOUT_ROUTER)
    place.clock.set(berlin("2026-03-11 12:00"))
    async with running(place, policy) as desk:
        await desk.rests(second, WITHOUT_ROUTER)
        await desk.rests(first, WITHOUT_SLA)


async def test_a_breach_while_the_desk_is_down_is_told_once(place: Place) -> None:
    policy, tuesday = load_policy(), berlin("2026-03-03 10:00")
    async with running(place, policy) as desk:
        missed = await desk.arrives("Was kostet die Lizenz?")
        kept = await desk.arrives("Wann beginnt das #clouddevcamp2026?")
        for inquiry in (missed, kept):
            await desk.shows(inquiry, "running", tuesday)
        place.clock.advance(timedelta(hours=1))
        answer = {"kind": "answer", "text": "Am 3. Juni."}
        await desk.call("POST", f"/intake/v1/inquiries/{kept}/replies", answer)
        await desk.shows(kept, "met", tuesday)

    place.clock.set(berlin("2026-03-05 12:00"))
    async with running(place, policy) as desk:
        await desk.shows(missed, "breached", tuesday)
        shown = await desk.call("GET", f"/sla/v1/deadlines/{missed}")
        assert datetime.fromisoformat(shown["breached_at"]) == tuesday
    async with running(place, policy) as desk:
        # A later inquiry that has gone all the way says that everything before it has, too.
        later = await desk.arrives("Und die Rechnung?")
        await desk.shows(later, "running", berlin("2026-03-06 12:00"))
        assert await desk.told(missed) == {"started": 1, "breached": 1}
        assert await desk.told(kept) == {"started": 1, "met": 1}


async def test_a_new_policy_moves_open_clocks_and_no_others(place: Place) -> None:
    thursday = berlin("2026-03-05 10:00")
    place.clock.set(thursday)
    old_due, new_due = berlin("2026-03-06 10:00"), berlin("2026-03-09 10:00")
    async with running(place, load_policy()) as desk:
        waiting = await desk.arrives("Was kostet die Lizenz?")
        answered = await desk.arrives("Wann beginnt das #clouddevcamp2026?")
        for inquiry in (waiting, answered):
            await desk.shows(inquiry, "running", old_due)
        answer = {"kind": "answer", "text": "Am 3. Juni."}
        await desk.call("POST", f"/intake/v1/inquiries/{answered}/replies", answer)
        await desk.shows(answered, "met", old_due)

    generous = _policy(place.folder, first_answer="48h")
    place.clock.advance(timedelta(hours=1))
    for _ in range(2):
        async with running(place, generous) as desk:
            await desk.shows(waiting, "running", new_due)
            await desk.shows(answered, "met", old_due)
            later = await desk.arrives("Und die Rechnung?")
            await desk.shows(later, "running", berlin("2026-03-09 11:00"))
            assert await desk.told(waiting) == {"started": 1, "moved": 1}
            assert await desk.told(answered) == {"started": 1, "met": 1}


async def test_the_technical_desk_takes_over_in_time_or_not(place: Place) -> None:
    policy = _policy(place.folder, first_answer='24h"\nhand_over = "4h')
    tuesday, two = berlin("2026-03-03 10:00"), berlin("2026-03-02 14:00")
    text = "Der Server ist abgestürzt, Fehlermeldung 500."
    async with running(place, policy) as desk:
        taken, missed = await desk.arrives(text), await desk.arrives(text)
        for inquiry in (taken, missed):
            await desk.shows(inquiry, "running", tuesday)
            assert await desk.hand_over(inquiry, "running") == two
        page = await desk.call("GET", "/router/v1/todos", inquiry_id=taken)
        (todo,) = page["items"]
        assert todo["desk"] == "technical"
        await desk.call("POST", f"/router/v1/todos/{todo['id']}/claim")
        await desk.hand_over(taken, "met")

    place.clock.set(berlin("2026-03-02 20:00"))
    async with running(place, policy) as desk:
        await desk.hand_over(missed, "breached")
        for inquiry in (taken, missed):
            await desk.shows(inquiry, "running", tuesday)
        later = await desk.arrives("Und die Rechnung?")
        await desk.shows(later, "running", berlin("2026-03-03 17:00"))
        assert await desk.told(missed) == {"started": 2, "breached": 1}
        assert await desk.told(taken) == {"started": 2, "met": 1}


def _policy(folder: Path, *, first_answer: str) -> Policy:
    """The shipped policy file, edited as an operator would."""
    shipped = (resources.files("services") / "desk.toml").read_text(encoding="utf-8")
    before = 'first_answer = "24h"'
    assert shipped.count(before) == 1
    edited = folder / "desk.toml"
    edited.write_text(shipped.replace(before, f'first_answer = "{first_answer}"'), encoding="utf-8")
    return load_policy(edited)
