"""Start and stop: loops that must not end by themselves, and a server that ends on a signal.

Only this module cancels tasks.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
import uvicorn

from shared.runtime.error_text import described
from shared.web.limits import ConnectionLimits, limited_connection, within_handles
from shared.web.refusals import RefusalLog

log = structlog.get_logger()

Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
LOOP_GRACE_SECONDS = 3.0


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def at_least(seconds: float, began: float, stop: asyncio.Event) -> None:
    """Wait until so long after `began`, a moment of the loop's clock, or until asked to stop."""
    left = began + seconds - asyncio.get_running_loop().time()
    if left > 0:
        await pause(stop, left)


async def first_of(*events: asyncio.Event, seconds: float) -> None:
    """Wait for any of the events, at most so long."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
    """Do the work to its end, or let go of it when asked to stop; whether it came to its end.

    Raises what the work raises.
    """
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        await working
        return True
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


class LoopEndedError(RuntimeError):
    """A background loop returned although nobody asked it to stop, or failed."""


@asynccontextmanager
async def running_loops(loops: Sequence[tuple[str, Loop]]) -> AsyncIterator[asyncio.Event]:
    """Run each loop in a task until the context ends; the yielded event is set if one fails.

    At the end the loops are asked to stop, then cancelled after a grace time. Raises LoopEndedError
    then when one had failed; the log has its stack.
    """
    stop, failed = asyncio.Event(), asyncio.Event()
    failures: list[str] = []

    async def guarded(name: str, loop: Loop) -> None:
        try:
            await _until_stopped(name, loop, stop)
        except Exception as error:
            log.exception("loop.failed", loop=name)
            failures.append(f"the loop {name} failed: {described(error)}")
            failed.set()

    tasks = [asyncio.create_task(guarded(name, loop), name=name) for name, loop in loops]
    try:
        yield failed
    finally:
        stop.set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=LOOP_GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if failures:
        # Not the error itself, which may quote a row: it would be printed as it is.
        raise LoopEndedError(failures[0])


async def _until_stopped(name: str, loop: Loop, stop: asyncio.Event) -> None:
    await loop(stop)
    if not stop.is_set():
        raise LoopEndedError(f"the loop {name} ended by itself")


class _Server(uvicorn.Server):
    """uvicorn re-raises a signal after serving, which would cut off our own shutdown."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: Any,
    *,
    listening: socket.socket,
    grace_seconds: float,
    failed: asyncio.Event,
    trusted_proxies: str,
    limits: ConnectionLimits,
) -> None:
    """Serve until SIGTERM, Ctrl-C, or `failed`; then let open requests end within the grace."""
    limits = within_handles(limits)
    server = _Server(
        uvicorn.Config(
            app,
            http=limited_connection(limits, RefusalLog()),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            timeout_graceful_shutdown=max(1, round(grace_seconds)),
            timeout_keep_alive=limits.idle_seconds,
            forwarded_allow_ips=trusted_proxies,
            backlog=2048,
        )
    )

    def end() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    # What lives from here to the end need not be looked at by every collection: cuts the
    # slowest answers by more than half.
    gc.collect()
    gc.freeze()
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    watching = asyncio.create_task(failed.wait())
    await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
    end()
    await serving
    watching.cancel()


def listen(host: str, port: int) -> socket.socket:
    """Bind before anything is started, so that a port in use is found at once. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listening
