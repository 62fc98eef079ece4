"""A real browser without a window, spoken to by the DevTools protocol over a pipe."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ANSWER_SECONDS = 30.0


def program() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """One page. What is waited for is what the browser says, never a time."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads = reads
        self._writes = writes
        self._number = 0
        self._unread = b""
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")

    def looks(self, *, width: int, dark: bool) -> None:
        """How wide its window is in CSS pixels, and which colours its user likes."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        self._call("Page.navigate", url=url)
        self._until("Page.loadEventFired")

    def submit(self, filled: dict[str, str]) -> None:
        """Fill in the page's form and send it; the browser checks nothing before."""
        self.evaluate(
            f"for (const [name, value] of Object.entries({json.dumps(filled)}))"
            " document.getElementById(name).value = value;"
            "const form = document.querySelector('form'); form.noValidate = true;"
            "form.querySelector('button').click()"
        )
        self._until("Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """What the expression is worth in the page, as JSON can tell it. Raises AssertionError."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        request = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            request["sessionId"] = self._session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self._writes, data) :]
        answer = self._until(None, number=self._number)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _until(self, method: str | None, *, number: int | None = None) -> dict[str, Any]:
        """The answer with that number, or else the event of that name."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            while b"\0" not in self._unread:
                left = max(0.0, deadline - time.monotonic())
                ready, _, _ = select.select([self._reads], [], [], left)
                assert ready, f"the browser does not say {method or number}"
                piece = os.read(self._reads, 65_536)
                assert piece, "the browser has ended"
                self._unread += piece
            said, _, self._unread = self._unread.partition(b"\0")
            message: dict[str, Any] = json.loads(said)
            if message.get("id") == number and message.get("method") == method:
                return message


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser of its own with an empty profile in the folder; the program must be there."""
    chromium = program()
    assert chromium is not None
    to_read, from_us = os.pipe()
    from_it, to_write = os.pipe()
    arguments = (
        "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
        f"--remote-debugging-pipe --user-data-dir={folder}"
    )
    with (folder / "chromium.log").open("wb") as log:
        child = subprocess.Popen(
            ["bash", "-c", f"exec {chromium} {arguments} 3<&{to_read} 4>&{to_write}"],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    os.close(to_read)
    os.close(to_write)
    try:
        yield Page(from_it, from_us)
    finally:
        child.kill()
        child.wait()
        os.close(from_it)
        os.close(from_us)
