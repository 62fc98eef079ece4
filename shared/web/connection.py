"""A connection as uvicorn speaks it, without three of its habits: what is no HTTP is answered by a
problem document like everything else, in nobody's answer and with no line of free text in the log,
and trailers do not become headers.

After a body a trailer comes too late to say who is asking: no header may be taken from there.
"""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.web.answer_headers import completed
from shared.web.problems import problem_response

_BROKEN_INSIDE = httptools.HttpParserCallbackError
"""The parser's word for an error in what it called: uvicorn could not read the target."""


class Connection(HttpToolsProtocol):
    """One for each connection; uvicorn makes them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_body = False
        self._broken = False

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while data and not self._broken:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as asked:
                # Nothing else is spoken here: the request is answered as if it had not asked.
                data = data[asked.args[0] :]
            except httptools.HttpParserError as error:
                self._broken = True
                self._refuse(_reason(error))
            else:
                return

    def on_message_begin(self) -> None:
        self._in_body = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_body = True

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def _refuse(self, reason: str) -> None:
        """Answer, unless another answer has begun or is still to come before this one."""
        cycle = self.cycle
        answered = cycle is None or cycle.response_complete
        if not answered and (not self._in_body or cycle.response_started or self.pipeline):
            cycle.keep_alive = False  # closes after the answer
            return
        if self._in_body and not answered:
            # Nobody reads what the app would answer to half a body.
            cycle.disconnected = True
            cycle.message_event.set()
        if not (self._in_body and answered):
            self.transport.write(_answer(reason))
        self.transport.close()


def _reason(error: httptools.HttpParserError) -> str:
    """The parser's words are constant; those of an error inside are not."""
    return "its target cannot be read" if isinstance(error, _BROKEN_INSIDE) else str(error)


def _answer(reason: str) -> bytes:
    problem = problem_response(
        400,
        "bad-request",
        f"this is no request of HTTP/1.1: {reason}",
        headers={"Connection": "close"},
    )
    lines = [b"%b: %b\r\n" % header for header in completed(problem.raw_headers)]
    return b"HTTP/1.1 400 Bad Request\r\n" + b"".join(lines) + b"\r\n" + bytes(problem.body)
