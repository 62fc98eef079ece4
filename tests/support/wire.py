"""The network between the desk and a server, which a test can make swallow everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit


class Wire:
    """Hands on what either side sends, until it is cut: then nothing arrives and nothing closes."""

    def __init__(self) -> None:
        self._whole = asyncio.Event()
        self._whole.set()

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        """For connections to come; what was lost stays lost."""
        self._whole.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if not self._whole.is_set():
                    await asyncio.Event().wait()  # for ever: the end would close the connection
                writer.write(data)
                await writer.drain()
            writer.close()


@contextlib.asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server of the URL, and the URL that leads over it."""
    parts, wire = urlsplit(url), Wire()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(parts.hostname, parts.port)
        tasks.add(asyncio.create_task(wire.carry(reader, far_writer)))
        tasks.add(asyncio.create_task(wire.carry(far_reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = "" if parts.username is None else f"{parts.netloc.rpartition('@')[0]}@"
    try:
        yield wire, urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{port}"))
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
