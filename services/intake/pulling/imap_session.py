"""One connection to a mail server, as steps that end in bounded time and never hold the loop.

The library (IMAPClient) blocks, so each step runs in a thread of its own, one after the other. A
step that takes too long, or that nobody waits for any more, gets its socket closed, so its thread
ends.
The threads are daemons: a server that says nothing keeps no process from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from services.intake.pulling.credentials import current
from services.intake.pulling.source import PullError
from shared.policy.pulling import ImapPull, Login, Security
from shared.runtime.credentials import Credential

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 30.0
"""What says nothing for so long is dead."""
STEP_SECONDS = 120.0
CHUNK_BYTES = 262_144
HEADER_BYTES = 262_144
LONGEST_ANSWER = 200  # characters of what a server says that are shown

THREAD = "imap"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder as the server describes it. `next_uid`: None where it does not say so."""

    validity: int
    next_uid: int | None


@dataclass(frozen=True, slots=True)
class Mail:
    """`size` in bytes as the server counts; `arrived` is when it got into this mailbox."""

    uid: int
    size: int
    arrived: datetime | None


class ImapSession:
    """Once it has failed it is over; the next one is another."""

    def __init__(self, settings: ImapPull, credential: Credential) -> None:
        self._settings = settings
        self._credential = credential
        self._client: IMAPClient | None = None
        self._work: Future[Any] | None = None
        self._over = False
        self._can: frozenset[bytes] = frozenset()

    @property
    def over(self) -> bool:
        return self._over

    async def connect(self) -> None:
        """Raises PullError."""
        secret = current(self._credential)
        await self._step(self._connected, secret)

    def _connected(self, secret: str) -> None:
        settings = self._settings
        context = _context(settings.ca)
        encrypted = settings.security is Security.TLS
        client = IMAPClient(
            settings.host,
            settings.port,
            ssl=encrypted,
            ssl_context=context if encrypted else None,
            timeout=SocketTimeout(CONNECT_SECONDS, SILENT_SECONDS),
        )
        client.normalise_times = False
        self._client = client
        if self._over:  # nobody has waited for it
            _shut(client)
        if settings.security is Security.STARTTLS:
            client.starttls(context)
        if settings.login is Login.XOAUTH2:
            client.oauth2_login(settings.user, secret)
        elif (settings.user + secret).isascii():
            client.login(settings.user, secret)
        else:
            client.plain_login(settings.user, secret)
        self._can = frozenset(client.capabilities())

    async def select(self, folder: str, *, readonly: bool) -> Selected:
        """Raises PullError."""
        answer = await self._step(self._one.select_folder, folder, readonly)
        validity, following = answer.get(b"UIDVALIDITY"), answer.get(b"UIDNEXT")
        if not isinstance(validity, int):
            raise PullError("answer", f"the server gives {folder!r} no UIDVALIDITY")
        return Selected(validity, following if isinstance(following, int) else None)

    async def uids(self, first: int, last: int | None, *, since: date | None) -> list[int]:
        """In order. `since`: those that arrived on that day or later. Raises PullError."""
        criteria: list[Any] = ["UID", f"{first}:{'*' if last is None else last}"]
        if since is not None:
            criteria += ["SINCE", since]
        found = await self._step(self._one.search, criteria)
        # n:* is never empty: it has the last one, also when that is before n.
        return sorted({u for u in found if u >= first and (last is None or u <= last)})

    async def mails(self, uids: Sequence[int]) -> list[Mail]:
        """Those that are still there, in order. Raises PullError."""
        found = await self._step(self._one.fetch, uids, ["RFC822.SIZE", "INTERNALDATE"])
        return [
            Mail(uid, int(found[uid].get(b"RFC822.SIZE") or 0), found[uid].get(b"INTERNALDATE"))
            for uid in uids
            if uid in found
        ]

    async def body(self, uid: int, *, most: int) -> bytes | None:
        """The whole mail, without marking it as read, in chunks; None when it is gone, or over
        `most` bytes. Raises PullError.
        """
        read = bytearray()
        while len(read) <= most:
            chunk = await self._part(uid, "BODY", "", len(read), CHUNK_BYTES)
            if chunk is None:
                return None
            read += chunk
            if len(chunk) < CHUNK_BYTES:
                return bytes(read)
        return None

    async def header(self, uid: int) -> bytes | None:
        """The headers, as far as they go; None when the mail is gone. Raises PullError."""
        return await self._part(uid, "BODY", "HEADER", 0, HEADER_BYTES)

    async def _part(self, uid: int, item: str, section: str, start: int, size: int) -> bytes | None:
        wanted = f"{item}.PEEK[{section}]<{start}.{size}>"
        found = await self._step(self._one.fetch, [uid], [wanted])
        if uid not in found:
            return None
        name = f"{item}[{section}]<{start}>".encode()
        value = found[uid].get(name, b"")
        return value if isinstance(value, bytes) else b""

    async def mark_seen(self, uids: Sequence[int]) -> None:
        """Raises PullError."""
        await self._step(partial(self._one.add_flags, uids, [b"\\Seen"], silent=True))

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Raises PullError, of kind `answer` where the server does not do it."""
        await self._step(self._moved, uids, folder)

    def _moved(self, uids: Sequence[int], folder: str) -> None:
        client = self._one
        if b"MOVE" in self._can:
            client.move(uids, folder)
            return
        client.copy(uids, folder)
        client.add_flags(uids, [b"\\Deleted"], silent=True)
        if b"UIDPLUS" in self._can:
            client.uid_expunge(uids)

    @property
    def can_idle(self) -> bool:
        return not self._over and b"IDLE" in self._can

    async def idle(self, seconds: float) -> None:
        """Until the server says that something changed, at most so long. Raises PullError."""
        await self._step(self._idled, seconds, more_seconds=seconds)

    def _idled(self, seconds: float) -> None:
        client = self._one
        client.idle()
        client.idle_check(timeout=seconds)
        client.idle_done()

    @property
    def _one(self) -> IMAPClient:
        if self._client is None or self._over:
            raise PullError("unreachable", "the connection to the mail server was closed")
        return self._client

    async def _step(
        self, function: Callable[..., T], *arguments: Any, more_seconds: float = 0.0
    ) -> T:
        try:
            async with asyncio.timeout(STEP_SECONDS + more_seconds):
                return await self._in_thread(function, arguments)
        except TimeoutError:
            self.close()
            raise PullError("unreachable", "the mail server takes too long to answer") from None
        except asyncio.CancelledError:
            self.close()
            raise
        except LoginError as error:
            self.close()
            reason = f"the mail server refuses the login: {_shown(error)}"
            raise PullError("credentials", reason) from None
        except (IMAPClientAbortError, OSError) as error:
            self.close()
            reason = f"the connection to the mail server broke: {_named(error)}"
            raise PullError("unreachable", reason) from None
        except IMAPClientError as error:
            raise PullError("answer", f"the mail server refuses: {_shown(error)}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # What the library makes of an answer that it cannot read; its text may quote a mail.
            self.close()
            reason = f"the mail server's answer cannot be read ({type(error).__name__})"
            raise PullError("answer", reason) from None

    async def _in_thread(self, function: Callable[..., T], arguments: Sequence[Any]) -> T:
        outcome: Future[T] = Future()
        self._work = outcome

        def run() -> None:
            if not outcome.set_running_or_notify_cancel():
                return
            try:
                result = function(*arguments)
            except BaseException as error:  # noqa: BLE001 - handed on to who waits
                outcome.set_exception(error)
            else:
                outcome.set_result(result)

        threading.Thread(target=run, name=THREAD, daemon=True).start()
        return await asyncio.wrap_future(outcome)

    def close(self) -> None:
        """Without a word: a server that does not answer holds nobody up."""
        self._over = True
        client, work = self._client, self._work
        if client is None:
            return
        _shut(client)
        if work is None:
            _closed(client)
        else:
            # Only when the thread is through: its number would be another's.
            work.add_done_callback(lambda _: _closed(client))


def _context(ca: Path | None) -> ssl.SSLContext:
    """Raises PullError for a file with which no certificate can be checked."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        reason = f"{ca} holds no certificate of an authority: {_named(error)}"
        raise PullError("credentials", reason) from None


def _shut(client: IMAPClient) -> None:
    """Whoever reads from it reads its end: of the TCP connection, under TLS as well."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)


def _closed(client: IMAPClient) -> None:
    with contextlib.suppress(OSError, IMAPClientError):
        client.shutdown()


def _shown(error: Exception) -> str:
    text = "".join(character if character.isprintable() else " " for character in str(error))
    return text[:LONGEST_ANSWER]


def _named(error: Exception) -> str:
    """What the operating system or TLS says; a library's own text may quote what was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
