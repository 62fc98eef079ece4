"""Bodies of requests while they come in: how large each may be, how long it may take, and how many
bytes all of them together may hold.

No server and no framework limits any of these. Who holds back the last byte of many large bodies
would fill the memory, with a webhook even without a key, since its signature is that of the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.types import Message, Receive

from shared.web.notes import Notes
from shared.web.problems import RefusedError
from shared.web.refusals import RefusalLog

RETRY_SECONDS = 1
LARGE_FACTOR = 4
"""How much longer a body may take on a path where it may be larger than an ordinary one."""
_CLOSE = {"Connection": "close"}
_CHECK_SECONDS = 0.05
_LENGTH_DIGITS = 20  # whatever begins with as many is too large


class Bodies:
    """Those of one service that are not complete, or large and not handled yet; oldest first."""

    def __init__(self, *, limit: int, seconds: float, together: int, refusals: RefusalLog) -> None:
        """`limit` is the bytes of an ordinary body, `together` those of all that are held."""
        self.limit = limit
        self.seconds = seconds
        self._together = max(together, limit)
        self._refusals = refusals
        self._held: dict[Body, int] = {}
        self._total = 0
        self._waiting: dict[Body, asyncio.Task[Any]] = {}
        self._watching: asyncio.TimerHandle | None = None

    def hold(self, body: Body, size: int) -> None:
        """Count these bytes. When they are too many in all, the body that takes longest has to go:
        honest senders are done within moments. Those go first whose senders have shown no key; what
        is complete stays.
        """
        self._held[body] = self._held.get(body, 0) + size
        self._total += size
        while self._total > self._together:
            coming = [each for each in self._held if not each.complete]
            if not coming:
                return
            oldest = next((each for each in coming if not each.vouched), coming[0])
            self.release(oldest)
            self._refusals.note("too-many-bodies")
            self.interrupt(oldest, _too_many())

    def release(self, body: Body) -> None:
        """It is complete, or handled, or will not be read any further."""
        self._total -= self._held.pop(body, 0)

    async def wait(self, body: Body, receive: Receive) -> Message:
        """What `receive` gives. Raises the body's `refusal` when it has one meanwhile.

        One timer looks after all that wait: one for each piece would cost more than reading it.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a body is read in a task")
        self._waiting[body] = task
        if self._watching is None or body.deadline < self._watching.when():
            self._check_at(body.deadline)
        try:
            return await receive()
        except asyncio.CancelledError:
            # Who else cancels must get through.
            if body.refusal is None or task.uncancel():
                raise
            raise body.refusal from None
        finally:
            del self._waiting[body]

    def interrupt(self, body: Body, refusal: RefusedError) -> None:
        """Read no further, also where it waits. The first refusal stays."""
        if body.refusal is not None:
            return
        body.refusal = refusal
        if body in self._waiting:
            self._waiting[body].cancel()

    def _check_at(self, moment: float) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._watching = asyncio.get_running_loop().call_at(moment, self._end_late)

    def _end_late(self) -> None:
        now = asyncio.get_running_loop().time()
        for body in self._waiting:
            if body.deadline <= now:
                self.interrupt(body, _too_slow(body.seconds))
        later = [body.deadline for body in self._waiting if body.refusal is None]
        self._watching = None
        if later:
            self._check_at(max(min(later), now + _CHECK_SECONDS))


class Body:
    """A request's body as the app receives it: not larger and not slower than it may be."""

    def __init__(
        self,
        receive: Receive,
        headers: Mapping[bytes, bytes],
        bodies: Bodies,
        *,
        limit: int | None = None,
    ) -> None:
        """`limit`: the bytes that it may have, if not as many as any."""
        self._receive = receive
        self._limit = bodies.limit if limit is None else limit
        self._announced = headers.get(b"content-length")
        # Who asks first whether to send it may not send it after a refusal.
        self._unsure = b"transfer-encoding" in headers or b"expect" in headers
        self._bodies = bodies
        self.seconds = bodies.seconds * (LARGE_FACTOR if self._limit > bodies.limit else 1)
        self.deadline = asyncio.get_running_loop().time() + self.seconds
        self.refusal: RefusedError | None = None
        self._size = 0
        self.complete = False
        self.notes: Notes | None = None

    @property
    def vouched(self) -> bool:
        """Whether a key was looked at before it was read."""
        return bool(self.notes and self.notes.key)

    def check_announced(self) -> None:
        """Raises RefusedError (413)."""
        announced = self._announced or b"0"
        if announced.isdigit() and int(announced[:_LENGTH_DIGITS]) > self._limit:
            raise self._too_large()

    @property
    def open_ended(self) -> bool:
        """Whether nobody knows how much of it is still to come."""
        return self._unsure and not self.complete

    async def receive(self) -> Message:
        """Raises RefusedError: 408, 413, 503, or 400 when the client goes away meanwhile."""
        if self.complete:  # now only a disconnect can come, and that may take its time
            return await self._receive()
        if self.refusal is not None:
            raise self.refusal
        message = await self._bodies.wait(self, self._receive)
        if message["type"] == "http.disconnect":
            raise RefusedError(
                400, "body-incomplete", "the connection ended before the body was complete"
            )
        self._count(message)
        return message

    def _count(self, message: Message) -> None:
        size = len(message.get("body", b""))
        self._size += size
        if self._size > self._limit:
            raise self._too_large()
        complete = not message.get("more_body", False)
        large = self._size > self._bodies.limit
        if size and (large or not complete):
            self._bodies.hold(self, size)
        if complete and self.refusal is not None:
            raise self.refusal
        self.complete = complete
        if complete and not large:  # a large one counts until it is handled
            self._bodies.release(self)

    def _too_large(self) -> RefusedError:
        return RefusedError(
            413,
            "body-too-large",
            f"the body is over the limit of {self._limit} bytes",
            headers=_CLOSE,
        )


def _too_slow(seconds: float) -> RefusedError:
    return RefusedError(
        408,
        "body-too-slow",
        f"the body did not arrive within {seconds:g} seconds",
        headers=_CLOSE,
    )


def _too_many() -> RefusedError:
    return RefusedError(
        503,
        "too-many-bodies",
        "too many request bodies are being received, and this one has taken longest; send it again",
        headers={**_CLOSE, "Retry-After": str(RETRY_SECONDS)},
    )
