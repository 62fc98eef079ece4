"""A mail server that does what real ones do at times and dovecot does not: one folder, no state."""

from __future__ import annotations

import asyncio
import base64
import imaplib
import re
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.intake.pulling import imap_session


@dataclass(slots=True)
class ImapServer:
    """`mails` by their numbers. `next_uid`: None, and it says nothing of it. `refused` are mails
    that it lists and does not hand out, `tokens` those that it lets in. `silent` names a command
    that it does not answer; `vanishing` are gone once they were found, and with `nonsense` it says
    that and nothing else.
    """

    mails: dict[int, bytes] = field(default_factory=dict)
    validity: int = 7
    next_uid: int | None = 1
    refused: set[int] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    silent: str | None = None
    vanishing: set[int] = field(default_factory=set)
    nonsense: bytes = b""
    can_idle: bool = True
    port: int = 0
    commands: list[str] = field(default_factory=list)

    def add(self, *mails: bytes) -> None:
        for mail in mails:
            uid = max(self.mails, default=0) + 1
            self.mails[uid] = mail
            if self.next_uid is not None:
                self.next_uid = uid + 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"* OK here\r\n")
            while line := await reader.readline():
                tag, _, command = line.decode().strip().partition(" ")
                name = command.removeprefix("UID ").partition(" ")[0]
                self.commands.append(name)
                if name == self.silent:
                    await reader.read()
                    return
                if self.nonsense:
                    answer = self.nonsense + _done()
                else:
                    answer = await self._answer(name, command, reader, writer)
                writer.write(answer.replace(b"TAG", tag.encode()))
                await writer.drain()
        except ConnectionError:
            pass  # the other side went away, as some tests want
        finally:
            writer.close()

    async def _answer(
        self, name: str, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        match name:
            case "CAPABILITY":
                idle = " IDLE" if self.can_idle else ""
                return _done(f"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2{idle}")
            case "AUTHENTICATE":
                writer.write(b"+ \r\n")
                return self._login(base64.b64decode(await reader.readline()).decode())
            case "EXAMINE":
                return self._examine()
            case "SEARCH":
                return self._search(command)
            case "FETCH":
                return self._fetch(command)
            case "IDLE":
                writer.write(b"+ idling\r\n")
                await reader.readline()
        return _done()

    def _login(self, given: str) -> bytes:
        known = any(f"auth=Bearer {token}\1\1" in given for token in self.tokens)
        return _done() if known else b"TAG NO [AUTHENTICATIONFAILED] expired\r\n"

    def _examine(self) -> bytes:
        lines = [f"* {len(self.mails)} EXISTS", f"* OK [UIDVALIDITY {self.validity}] valid"]
        if self.next_uid is not None:
            lines.append(f"* OK [UIDNEXT {self.next_uid}] next")
        return _done(*lines)

    def _search(self, command: str) -> bytes:
        first, last = re.search(r"UID (\d+):(\d+|\*)", command).groups()  # type: ignore[union-attr]
        high = max(self.mails, default=0) if last == "*" else int(last)
        low = min(int(first), high)  # n:* always has the last one
        found = [str(uid) for uid in self.mails if low <= uid <= high]
        for uid in self.vanishing:
            del self.mails[uid]
        return f"* SEARCH {' '.join(found)}\r\nTAG OK done\r\n".encode()

    def _fetch(self, command: str) -> bytes:
        _, _, numbers, wanted = command.split(" ", 3)
        uids = [int(each) for each in numbers.split(",") if int(each) in self.mails]
        part = re.search(r"BODY\.PEEK\[(\w*)\]<(\d+)\.(\d+)>", wanted)
        if part is None:
            lines = [
                f"* {n} FETCH (UID {uid} RFC822.SIZE {len(self.mails[uid])} "
                f'INTERNALDATE "{_now()}")\r\n'
                for n, uid in enumerate(uids, 1)
            ]
            return "".join(lines).encode() + b"TAG OK done\r\n"
        if self.refused.intersection(uids):
            return b"TAG NO [SERVERBUG] this one cannot be read\r\n"
        section, start, size = part[1], int(part[2]), int(part[3])
        answer = b"* 99 FETCH (UID 4711 FLAGS (\\Seen))\r\n"  # unasked, of another mail
        for uid in uids:
            whole = self.mails[uid]
            body = whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if section else whole
            chunk = body[start : start + size]
            head = f"* 1 FETCH (UID {uid} BODY[{section}]<{start}> {{{len(chunk)}}}\r\n"
            answer += head.encode() + chunk + b")\r\n"
        return answer + b"TAG OK done\r\n"


def no_step_is_under_way() -> None:
    """Once the threads in which a client waited have ended; fails when one does not."""
    for each in threading.enumerate():
        if each.name == imap_session.THREAD:
            each.join(10)
            assert not each.is_alive()


def _now() -> str:
    return imaplib.Time2Internaldate(time.time()).strip('"')


def _done(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "TAG OK done")).encode()


@asynccontextmanager
async def imap_server(**known: object) -> AsyncIterator[ImapServer]:
    made = ImapServer(**known)  # type: ignore[arg-type]
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
