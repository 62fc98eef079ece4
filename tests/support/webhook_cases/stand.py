"""A desk with a channel for each case, as it runs for real."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from services.intake.tables import conversations, messages
from shared.db import Read
from tests.support import backing
from tests.support.webhook_cases.case import PUBLIC, Case
from tests.support.webhook_cases.comparing import Answered, Outcome, Stored
from tests.support.webhook_cases.signing import signed
from tests.system.desk import PROJECT, Caller, Desk, distributed, embedded

HOST = "intake.example.test"
PASSED_OVER = ("ignored", "duplicate", "broken")
"""Outcomes of an item that makes nothing new."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Each case has its channel. `all_cases` are those that others may want before them."""

    desk: Desk
    caller: Caller
    channels: Mapping[str, str]
    all_cases: Mapping[str, Case]

    async def outcome(self, case: Case) -> Outcome:
        channel = self.channels[case.name]
        for name in case.after:
            await self._after(name, channel)
        outcome, before = Outcome(), set(await self._inbound(channel))
        counted = await asyncio.to_thread(self._passed_over)
        for _ in range(case.expected.get("repeat", 1)):
            outcome.answers.append(await self._send(case, channel))
        outcome.passed_over = await asyncio.to_thread(self._passed_over) - counted
        after = await self._inbound(channel)
        outcome.stored = [stored for name, stored in after.items() if name not in before]
        return outcome

    async def _after(self, name: str, channel: str) -> None:
        earlier = self.all_cases[name]
        for each in earlier.after:
            await self._after(each, channel)
        for _ in range(earlier.expected.get("repeat", 1)):
            await self._send(earlier, channel)

    async def _send(self, case: Case, channel: str) -> Answered:
        path = f"/intake/v1/webhooks/{channel}"
        recorded = urlsplit(case.expected.get("url") or f"https://{HOST}/")
        query = f"?{case.query}" if case.query else ""
        url = f"{recorded.scheme}://{recorded.netloc}{path}{query}"
        headers, body = signed(case, url, int(time.time()))
        headers |= {"Host": recorded.netloc, "X-Forwarded-Proto": recorded.scheme}
        address = urlsplit(self.desk.addresses("intake")[0])
        return await asyncio.to_thread(
            _request,
            address.netloc,
            case.method,
            path + _ascii(query),
            headers,
            body if case.has_body else b"",
        )

    async def _inbound(self, channel: str) -> dict[str, Stored]:
        """The channel's inbound messages by their external ids."""
        threads = await self.desk.read("intake", lambda tx: _threads(tx, channel))
        found: dict[str, Stored] = {}
        # A case has a handful at most, and a page as many as it may.
        page = await self.caller.get("/intake/v1/inquiries", channel=channel, limit=200)
        for item in page["items"]:
            detail = await self.caller.get(f"/intake/v1/inquiries/{item['id']}")
            for message in detail["messages"]:
                if message["kind"] == "inbound" and message["inquiry_id"] == item["id"]:
                    name = message["external_id"]
                    found[name] = _stored(message, detail["contact"], threads[name])
        return found

    def _passed_over(self) -> int:
        """Counted so far, by every instance."""
        found = 0.0
        for address in self.desk.addresses("intake"):
            text = _request(urlsplit(address).netloc, "GET", "/intake/metrics", {}, b"").body
            for outcome, number in re.findall(
                r'^desk_messages_total\{outcome="(\w+)"\} (\S+)$', text.decode(), re.MULTILINE
            ):
                found += float(number) if outcome in PASSED_OVER else 0
        return int(found)


def _threads(tx: Read, channel: str) -> dict[str, str]:
    """Which no answer of the desk shows: the name of each message's conversation."""
    query = (
        select(messages.c.external_id, conversations.c.thread)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(messages.c.channel == channel)
    )
    return {row.external_id: row.thread for row in tx.execute(query)}


def _stored(message: Mapping[str, Any], contact: Mapping[str, Any], thread: str) -> Stored:
    keys = [each["key"] for each in contact["identities"]]
    return Stored(
        {
            "external_id": [message["external_id"]],
            "thread_id": [thread],
            "author_id": [key.partition(":")[2] for key in keys],
            "author_name": [message["author_name"]],
            "text": [message["text"], *([message["full_text"]] if message["full_text"] else [])],
            "sent_at": [message["sent_at"] or message["received_at"]],
        },
        len(message["attachments"]),
    )


def _request(
    address: str, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Answered:
    """To the byte as it is given, which a client that means well does not do."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1", "replace"))
        if body or method == "POST":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        shown = {name.lower(): value for name, value in answer.getheaders()}
        return Answered(answer.status, shown, answer.read())
    finally:
        connection.close()


def _ascii(query: str) -> str:
    return "".join(each if each.isascii() else f"%{ord(each):02X}" for each in query)


def policy_of(channels: Mapping[str, Case]) -> str:
    """The shipped policy with a channel for each case."""
    shipped = (PROJECT / "services" / "desk.toml").read_text(encoding="utf-8")
    return shipped + "".join(_channel(name, case) for name, case in channels.items())


def _channel(name: str, case: Case) -> str:
    audience = "public" if case.connector in PUBLIC else "private"
    # A JSON string is one in TOML as well.
    own_ids = json.dumps(case.own_ids, ensure_ascii=False)
    return (
        f"\n[channels.{name}]\n"
        f'connector = "{case.connector}"\n'
        'service_level = "promised"\n'
        f'audience = "{audience}"\n'
        f"own_ids = {own_ids}\n"
    )


def secrets_of(channels: Mapping[str, Case]) -> dict[str, str]:
    """The environment variables of the channels' secrets."""
    return {
        f"DESK_SECRET_{name.upper()}": ",".join(case.channel_secrets)
        for name, case in channels.items()
    }


@contextlib.asynccontextmanager
async def standing(
    folder: Path, chosen: Sequence[Case], all_cases: Mapping[str, Case], *, kafka: bool
) -> AsyncIterator[Stand]:
    """A desk for these cases, ready; its files are in `folder`.

    Raises MissingBackingError where PostgreSQL or Kafka is wanted and cannot be had.
    """
    channels = {case.channel(number): case for number, case in enumerate(chosen)}
    policy = folder / "desk.toml"
    policy.write_text(policy_of(channels), encoding="utf-8")
    environment = {
        "DESK_POLICY": str(policy),
        "DESK_CHANNEL_RATE": "0",
        "DESK_KEY_RATE": "0",
        **secrets_of(channels),
    }
    async with contextlib.AsyncExitStack() as stack:
        if kafka:
            desk = await stack.enter_async_context(
                distributed(
                    folder,
                    postgres=stack.enter_context(backing.postgres()),
                    kafka=stack.enter_context(backing.kafka()),
                    instances=1,
                    **environment,
                )
            )
        else:
            desk = await stack.enter_async_context(embedded(folder, **environment))
        await asyncio.to_thread(desk.start)
        caller = await stack.enter_async_context(Caller(desk))
        names = {case.name: name for name, case in channels.items()}
        yield Stand(desk, caller, names, all_cases)
