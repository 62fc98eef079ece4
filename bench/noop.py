"""The measure of all rates: FastAPI's own POST with a pydantic body of the same shape, no work.

It is served exactly as the desk is: one uvicorn worker with uvloop and httptools.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel

from shared.runtime.lifecycle import listen, serve
from shared.web.limits import ConnectionLimits


class Author(BaseModel):
    id: str
    name: str | None = None


class Message(BaseModel):
    id: str
    thread_id: str | None = None
    author: Author
    text: str
    sent_at: AwareDatetime | None = None


class Event(BaseModel):
    type: str
    timestamp: AwareDatetime | None = None
    data: Message


class Inquiry(BaseModel):
    channel: str
    author: Author
    text: str
    external_id: str | None = None
    sent_at: AwareDatetime | None = None


app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})


@app.post("/intake/v1/webhooks/facebook", status_code=202)
async def webhook(event: Event) -> dict[str, str]:
    return {"id": event.data.id}


@app.post("/intake/v1/inquiries", status_code=201)
async def inquiry(body: Inquiry) -> dict[str, str | None]:
    return {"id": body.external_id}


async def main(port: int) -> None:
    listening = listen("127.0.0.1", port)
    await serve(
        app,
        listening=listening,
        grace_seconds=1.0,
        failed=asyncio.Event(),
        trusted_proxies="127.0.0.1",
        limits=ConnectionLimits(),
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1])))
