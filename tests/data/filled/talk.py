"""Talks to a running desk as connectors, tools and people do: over HTTP, and nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from shared.web.signing import secret_key, sign

SECRET = "whsec_bm9yZGxpY2h0LWdlbmVyaWMtaW5ib3gta2V5LTAwMDE="
WAIT_SECONDS = 90.0


@dataclass(slots=True)
class Talk:
    """`addresses` has the URL of each service that runs now; `key` is a key with all rights."""

    http: httpx.AsyncClient
    key: str
    addresses: Mapping[str, str] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, body: object = None, *, once: str | None = None, **params: Any
    ) -> httpx.Response:
        """`/intake/v1/...` and so on; `once` is an Idempotency-Key."""
        headers = {"authorization": f"Bearer {self.key}"}
        if once is not None:
            headers["idempotency-key"] = once
        url = self.addresses[path.split("/")[1]] + path
        return await self._taken(method, url, json=body, headers=headers, params=params or None)

    async def _taken(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Send as connectors do: again while the desk, just started, takes nothing yet."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            answer = await self.http.request(method, url, **more)
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(0.2)

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.call("GET", path, **params)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    async def post(
        self,
        path: str,
        body: object = None,
        *,
        status: Sequence[int] = (200, 201),
        once: str | None = None,
    ) -> Any:
        answer = await self.call("POST", path, body, once=once)
        assert answer.status_code in status, (path, body, answer.status_code, answer.text)
        return answer.json()

    async def all(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Every page of a list."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, limit=200, **params, **cursor)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    async def webhook(
        self,
        channel: str,
        data: object,
        *,
        type_: str = "message.created",
        status: Sequence[int] = (200, 202),
    ) -> list[str]:
        """A signed delivery; the ids of the inquiries."""
        body = json.dumps({"type": type_, "data": data}, ensure_ascii=False).encode()
        answer = await self.webhook_raw(channel, body, status=status)
        return list(answer.get("inquiries", ()))

    async def webhook_raw(self, channel: str, body: bytes, *, status: Sequence[int]) -> Any:
        now, name = int(time.time()), f"msg_{uuid4().hex}"
        signature = sign(secret_key(SECRET), webhook_id=name, timestamp=now, body=body)
        answer = await self._taken(
            "POST",
            f"{self.addresses['intake']}/intake/v1/webhooks/{channel}",
            content=body,
            headers={
                "content-type": "application/json",
                "webhook-id": name,
                "webhook-timestamp": str(now),
                "webhook-signature": signature,
            },
        )
        assert answer.status_code in status, (channel, answer.status_code, answer.text)
        return answer.json()

    async def todo_of(self, inquiry: str) -> str:
        """The inquiry's ToDo, as soon as it is there."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            page = await self.get("/router/v1/todos", inquiry_id=inquiry)
            if page["items"]:
                return str(page["items"][0]["id"])
            assert time.monotonic() < deadline, f"no ToDo for {inquiry}"
            await asyncio.sleep(0.1)

    async def clock_of(self, inquiry: str) -> dict[str, Any]:
        """The inquiry's clock, as soon as it is there."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            answer = await self.call("GET", f"/sla/v1/deadlines/{inquiry}")
            if answer.status_code == 200:
                return dict(answer.json())
            assert time.monotonic() < deadline, f"no clock for {inquiry}"
            await asyncio.sleep(0.1)

    async def act(self, inquiry: str, verb: str, body: object = None) -> None:
        """Move the inquiry's ToDo."""
        await self.post(f"/router/v1/todos/{await self.todo_of(inquiry)}/{verb}", body)

    async def reply(self, inquiry: str, kind: str = "answer", **fields: Any) -> None:
        body = {"kind": kind, "text": "Das haben wir behoben. Viele Grüße!", **fields}
        await self.post(f"/intake/v1/inquiries/{inquiry}/replies", body)

    async def close(self, inquiry: str, reason: str) -> None:
        await self.post(f"/intake/v1/inquiries/{inquiry}/close", {"reason": reason})
