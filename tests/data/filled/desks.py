"""The three services of today on what the desk of before has filled."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shared.policy import load_policy
from shared.runtime.service import Service
from tests.data.filled.loading import HERE, Filled
from tests.data.filled.talk import SECRET
from tests.services.intake import desk as intake_desk
from tests.services.router import desk as router_desk
from tests.services.sla import desk as sla_desk
from tests.support.clock import ManualClock
from tests.support.outbox import told_by
from tests.support.postgres import fresh_database

POLICY = load_policy(HERE / "desk.toml")
NOTIFY = {
    f"DESK_NOTIFY_{target.name.upper()}_{part}": value
    for target in POLICY.notifications
    for part, value in (("URL", "http://127.0.0.1:1/"), ("SECRET", SECRET))
}


@dataclass(frozen=True, slots=True)
class Desks:
    """The three services of today on what was filled; a hand carries the facts."""

    filled: Filled
    intake: intake_desk.Desk
    router: router_desk.Desk
    sla: sla_desk.SlaBench

    @property
    def services(self) -> Sequence[Service]:
        return (self.intake.service, self.router.service, self.sla.service)

    async def get(self, path: str, **params: Any) -> Any:
        """A path of any service, with its query."""
        url = urlsplit(path)
        service, rest = url.path.split("/")[1], "/".join(url.path.split("/")[3:])
        query = {**dict(parse_qsl(url.query)), **params}
        if service == "sla":
            return await self.sla.get(rest, **query)
        desk = self.intake if service == "intake" else self.router
        return await desk.get(f"/{rest}", **query)

    async def all(self, path: str) -> list[dict[str, Any]]:
        """Every page of a list."""
        page = await self.get(path, limit=200)
        items = list(page["items"])
        while page["next_cursor"] is not None:
            page = await self.get(path, limit=200, cursor=page["next_cursor"])
            items += page["items"]
        return items

    async def inquiries(self) -> list[dict[str, Any]]:
        """In full, without those that turned out to be part of another."""
        listed = await self.all("/intake/v1/inquiries")
        whole = [await self.get(f"/intake/v1/inquiries/{each['id']}") for each in listed]
        return [each for each in whole if each.get("merged_into") is None]

    async def of_message(self, external_id: str) -> dict[str, Any]:
        """The inquiry that had the message with this id on its channel, as it is now."""
        for path, inquiry in self.filled.said("intake"):
            for message in inquiry["messages"] if isinstance(inquiry, dict) else ():
                if (message["external_id"], message["inquiry_id"]) == (external_id, inquiry["id"]):
                    return dict(await self.get(path))
        raise LookupError(external_id)

    async def todo_of(self, inquiry: Mapping[str, Any]) -> dict[str, Any]:
        listed = await self.get("/router/v1/todos", inquiry_id=inquiry["id"])
        [todo] = listed["items"]
        return dict(await self.get(f"/router/v1/todos/{todo['id']}"))

    async def hear_everything(self) -> None:
        """Whatever each has ever told, to the others; then what they say to that."""
        for context in self.services:
            await self._to_others(context, await told_by(context.database))
        while any([await self._to_others(each, await each.drain()) for each in self.services]):
            pass

    async def _to_others(self, context: Service, told: Sequence[Any]) -> bool:
        for listener in self.services:
            if listener is not context and told:
                await listener.handle(told)
        return bool(told)

    def pass_time(self, by: timedelta) -> None:
        for clock in {id(each): each for each in (self.intake.clock, self.sla.clock)}.values():
            clock.advance(by)


@asynccontextmanager
async def copied(filled: Filled, folder: Path, server: str) -> AsyncIterator[Filled]:
    """The same in copies in `folder`, or on `server` where that is a PostgreSQL."""
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        for service, url in filled.urls.items():
            if filled.engine == "sqlite":
                urls[service] = f"sqlite:///{shutil.copy(_file(url), folder / f'{service}.sqlite')}"
            else:
                template = url.rpartition("/")[2]
                copy = fresh_database(server, template=template)
                urls[service] = await stack.enter_async_context(copy)
        yield replace(filled, urls=urls)


def _file(url: str) -> str:
    return url.removeprefix("sqlite:///")


@asynccontextmanager
async def desks_on(filled: Filled, folder: Path) -> AsyncIterator[Desks]:
    """On these very databases; `folder` is for the services' other files."""
    clock = ManualClock(filled.now)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        for service in filled.urls:
            (folder / service).mkdir()
        yield Desks(
            filled,
            await enter(intake_desk.opened(filled.urls["intake"], folder / "intake", clock)),
            await enter(router_desk.opened(filled.urls["router"], folder / "router", clock)),
            await enter(
                sla_desk.sla_bench(
                    filled.urls["sla"],
                    folder / "sla",
                    policy=POLICY,
                    now=filled.now,
                    notify=NOTIFY,
                )
            ),
        )
