"""A small web server that answers GET as a test wants, as an API that is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Says:
    """`torn`: the connection ends in the middle of the body."""

    document: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    torn: bool = False


@dataclass(slots=True)
class ApiServer:
    """`before` are answers that are used up first, whatever is asked."""

    answer: Callable[[Asked], Says]
    before: list[Says] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                says = self._says(head)
                body = json.dumps(says.document).encode() if says.body is None else says.body
                lines = [f"HTTP/1.1 {says.status} Said", f"Content-Length: {len(body)}"]
                lines += [f"{name}: {value}" for name, value in says.headers.items()]
                writer.write("\r\n".join([*lines, "\r\n"]).encode())
                writer.write(body[: len(body) // 2] if says.torn else body)
                await writer.drain()
                if says.torn:
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side went away, or the test is over
        finally:
            writer.close()

    def _says(self, head: list[str]) -> Says:
        target = urlsplit(head[0].split(" ")[1])
        headers = (line.partition(":") for line in head[1:] if line)
        asked = Asked(
            target.path,
            dict(parse_qsl(target.query)),
            {name.lower(): value.strip() for name, _, value in headers},
        )
        self.asked.append(asked)
        return self.before.pop(0) if self.before else self.answer(asked)


@asynccontextmanager
async def api_server(answer: Callable[[Asked], Says]) -> AsyncIterator[ApiServer]:
    made = ApiServer(answer)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
