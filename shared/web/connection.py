"""A connection as uvicorn speaks it, without some of its habits: what is no HTTP is answered by a
problem document like everything else, in nobody's answer and with no line of free text in the log;
trailers do not become headers; and who asks for another protocol keeps the body of the request.

After a body a trailer comes too late to say who is asking: no header may be taken from there.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.web.answer_headers import completed
from shared.web.problems import RefusedError, of_desk_error

_BROKEN_INSIDE = httptools.HttpParserCallbackError
"""The parser's word for an error in what it called: uvicorn could not read the target."""


class Connection(HttpToolsProtocol):
    """One for each connection; uvicorn makes them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_body = False
        self._again = False
        self._broken = False

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while data and not self._broken:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as asked:
                # Nothing else is spoken here: the request is answered as if it had not asked.
                data = data[asked.args[0] :]
                self._read_body_after_all()
            except httptools.HttpParserError as error:
                self._refuse(self._reason(error))
            else:
                return

    def on_message_begin(self) -> None:
        if not self._again:
            self._in_body = False
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._again:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._again:
            super().on_headers_complete()
            self._in_body = True

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade() and self._framing():
            return
        self._in_body = False
        super().on_message_complete()

    def _read_body_after_all(self) -> None:
        """The parser takes what follows a request for an upgrade for another protocol, or for the
        next request: a body would be lost, or be a request that nobody has sent. So another parser
        is told where the body ends.
        """
        if self._in_body:
            self.parser = httptools.HttpRequestParser(self)
            self._again = True
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + self._framing() + b"\r\n")
            self._again = False

    def _framing(self) -> bytes:
        """The header lines that say how long the body is; none for no body."""
        return b"".join(
            b"%b: %b\r\n" % (name, value)
            for name, value in self.headers
            if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        )

    def _reason(self, error: httptools.HttpParserError) -> RefusedError:
        """The parser's words are constant; those of an error inside are not."""
        said = "its target cannot be read" if isinstance(error, _BROKEN_INSIDE) else str(error)
        return RefusedError(400, "bad-request", f"this is no request of HTTP/1.1: {said}")

    def _refuse(self, error: RefusedError) -> None:
        """Answer, unless another answer has begun or is still to come before this one."""
        self._broken = True
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
            self._answer(error)
        self._end()

    def _answer(self, error: RefusedError) -> None:
        problem = of_desk_error(error)
        headers = [
            *self.server_state.default_headers,
            *completed(problem.raw_headers),
            (b"connection", b"close"),
        ]
        lines = [
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode(),
            *(b"%b: %b" % header for header in headers),
        ]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(problem.body))

    def _end(self) -> None:
        self.transport.close()
