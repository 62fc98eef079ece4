"""One connection of a client, and what it may cost: bytes, headers, seconds; and how many at once.

uvicorn limits none of these with the parser that the desk uses: its one limit, on concurrency,
answers without Retry-After, and `h11_max_incomplete_event_size` is for the other parser. A silent
client would stay for ever, an endless head would fill the memory.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import httptools
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web.answer_headers import completing
from shared.web.connection import Connection
from shared.web.problems import RefusedError, of_desk_error
from shared.web.refusals import RefusalLog

REFUSED_WITH_ANSWER = 32
"""Connections over the limit that are read before they get a refusal; then the oldest gives way."""
FULL_SECONDS = 1.0
"""What they get for their head, so that there is nearly always room to be told."""
RESERVED_HANDLES = 100
"""Files and sockets that are no clients': databases, the bus, the log."""
LINGER_SECONDS = 1.0
_HEALTH = ("/health/live", "/health/ready")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Times are in seconds. The head of a request is its first line and its headers."""

    head_bytes: int = 32_768
    header_count: int = 100
    head_seconds: float = 10.0
    body_seconds: float = 15.0
    idle_seconds: int = 65
    connections: int = 1000


def within_handles(limits: ConnectionLimits) -> ConnectionLimits:
    """The same with only as many connections as the process may have files and sockets open.

    Takes as many handles as the system allows, if it needs them. When they run out, nothing can be
    accepted any more, and no database be opened: so fewer clients are the lesser evil.
    """
    needed = limits.connections + REFUSED_WITH_ANSWER + RESERVED_HANDLES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return limits
    handles = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (handles, hard))
    allowed = max(1, handles - REFUSED_WITH_ANSWER - RESERVED_HANDLES)
    if allowed < limits.connections:
        log.warning("http.connections_lowered", handles=handles, connections=allowed)
    return replace(limits, connections=min(allowed, limits.connections))


def limited_connection(limits: ConnectionLimits, refusals: RefusalLog) -> type[asyncio.Protocol]:
    """The protocol class for uvicorn's `http` that keeps to these limits."""
    return type(
        "LimitedConnection", (_Limited,), {"limits": limits, "refusals": refusals, "unheard": {}}
    )


class _TooMuchError(Exception):
    """Ends the parser's work on a head that is over a limit."""


class _Limited(Connection):
    limits: ClassVar[ConnectionLimits]
    refusals: ClassVar[RefusalLog]
    unheard: ClassVar[dict[_Limited, None]]
    """Connections over the limit that have not said yet what they want, oldest first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_open = False  # a head has begun and is not complete
        self._request_open = False  # a head or its body has begun and is not complete
        self._advanced = False  # a head or a body was completed by the bytes of this turn
        self._head_bytes = 0
        self._header_count = 0
        self._unparsed_bytes = 0  # of an open head: a field may not have been complete yet
        self._too_much: str | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._sending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        over = len(self.connections) - self.limits.connections
        if over <= 0:
            self._expect_within(self.limits.head_seconds)
            return
        self.refusals.note("too-many-connections")
        self.app = _no_room_but_for_health(self.app)
        self._expect_within(min(FULL_SECONDS, self.limits.head_seconds))
        self.unheard[self] = None
        if over > REFUSED_WITH_ANSWER:
            # The oldest, not the newest: who asks how the desk is has asked at once.
            next(iter(self.unheard)).turn_away()

    def turn_away(self) -> None:
        """Make room for one that may have something to ask."""
        self.unheard.pop(self, None)
        self._answer(_full())
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.unheard.pop(self, None)
        self._expect_nothing()
        if self._sending is not None:
            self._sending.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        head_was_open, waited = self._head_open, not self._request_open
        self._advanced = False
        super().data_received(data)
        if self._broken:
            return
        if head_was_open and self._head_open:
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > self.limits.head_bytes:
                self._refuse(_too_large(self._over_bytes()))
                return
        # Line breaks before a head open none, but they must not keep a connection either.
        if self._head_open or (waited and not self._advanced):
            self._expect_within(self.limits.head_seconds)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._again:
            return
        self._head_open = self._request_open = True
        self._head_bytes = self._header_count = self._unparsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._again:
            self._header_count += 1
            self._count(len(name) + len(value) + 4)
            if self._header_count > self.limits.header_count:
                self._too_much = f"there are more than {self.limits.header_count} headers"
                raise _TooMuchError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_open = False
        self._advanced = True
        self.unheard.pop(self, None)
        self._expect_nothing()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._in_body:  # it goes on: the client asked for another protocol
            return
        self._request_open = False
        self._advanced = True
        self._expect_nothing()
        if not self._answering():  # the answer did not wait for the body
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._request_open and not self._head_open:
            self._expect_within(self.limits.body_seconds)
        self._watch_sending()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_sending()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.limits.head_bytes:
            self._too_much = self._over_bytes()
            raise _TooMuchError

    def _over_bytes(self) -> str:
        return f"the first line and the headers are over {self.limits.head_bytes} bytes"

    def _answering(self) -> bool:
        return bool(self.pipeline) or (self.cycle is not None and not self.cycle.response_complete)

    def _expect_within(self, seconds: float) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(seconds, self._late)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if self._broken:
            self.transport.close()
        elif self._answering():  # it may be our own answer that keeps the next request waiting
            self._expect_within(self.limits.head_seconds)
        elif self._head_open:
            seconds = self.limits.head_seconds
            detail = f"the headers did not arrive within {seconds:g} seconds"
            self._refuse(RefusedError(408, "headers-too-slow", detail))
        else:
            self.transport.close()

    def _reason(self, error: httptools.HttpParserError) -> RefusedError:
        return super()._reason(error) if self._too_much is None else _too_large(self._too_much)

    def _refuse(self, error: RefusedError) -> None:
        if not self.transport.is_closing():
            self.refusals.note(error.code)
            self._expect_nothing()
            super()._refuse(error)

    def _end(self) -> None:
        # What still comes is read and dropped for a moment: closed at once, the connection would
        # be reset, and the client might never see the answer.
        self.transport.write_eof()
        self._expect_within(LINGER_SECONDS)

    def timeout_keep_alive_handler(self) -> None:
        """Nothing was asked for `idle_seconds`."""
        if self.transport.get_write_buffer_size():  # closed, it would wait until all is taken
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _watch_sending(self) -> None:
        size = self.transport.get_write_buffer_size()
        if size and self._sending is None:
            self._sending = self.loop.call_later(
                self.limits.idle_seconds, self._end_unless_taken, size
            )

    def _end_unless_taken(self, before: int) -> None:
        """A client that takes nothing of its answer would hold it in memory for ever."""
        self._sending = None
        if self.transport.get_write_buffer_size() >= before:
            self.transport.abort()
        else:
            self._watch_sending()


def _too_large(detail: str) -> RefusedError:
    return RefusedError(431, "headers-too-large", detail)


def _full() -> RefusedError:
    return RefusedError(
        503,
        "too-many-connections",
        "as many clients as the desk serves at once are connected: send it again in a moment",
    )


def _no_room_but_for_health(app: ASGIApp) -> ASGIApp:
    """A full desk still says how it is: nobody is to restart it for being full."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith(_HEALTH):
            await app(scope, receive, send)
        else:
            response = of_desk_error(_full())
            response.headers["Connection"] = "close"
            await response(scope, receive, completing(send))

    return answer
