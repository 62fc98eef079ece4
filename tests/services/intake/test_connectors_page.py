"""docs/connectors.md does what it says: its code is taken out of the page and run."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from services.intake.connectors.lenient import ATTACHMENT, AUTHOR
from services.intake.connectors.port import Connector
from services.intake.connectors.standard_webhooks import WebhookMessage, claim_of, verify
from services.intake.receiving.schemas import WebhookAnswer
from shared.runtime.clock import SystemClock
from shared.web.signing import secret_key
from tests.architecture.source import ROOT, page, rows, section
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import OWN_ID, SECRET, Desk, opened
from tests.support.clock import ManualClock
from tests.support.processes import needs

PAGE = "docs/connectors.md"


def blocks(heading: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", section(PAGE, heading), re.DOTALL)


def only(heading: str, language: str) -> str:
    (block,) = blocks(heading, language)
    return block


def lines(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.strip()]


@pytest.fixture
async def live(sqlite_copy: str, tmp_path: Path) -> AsyncIterator[tuple[Desk, str]]:
    """An intake on a port of its own, at the time of the machine."""
    clock = ManualClock(SystemClock().now())
    async with opened(sqlite_copy, tmp_path, clock) as desk:
        config = uvicorn.Config(desk.service.app, port=0, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield desk, f"http://127.0.0.1:{port}"
        server.should_exit = True
        await serving


def test_the_python_is_eight_lines_and_signs_as_the_desk_does() -> None:
    code = only("How to sign", "python")
    assert len(lines(code)) <= 8
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - that is what the page is for
    body = '{"text": "Grüß Gott"}'.encode()
    found = names["headers"](SECRET, "msg_1", int(NOON.timestamp()), body)
    raw = {name.encode(): value.encode() for name, value in found.items()}
    verify([secret_key(SECRET)], claim_of(raw.items(), now=NOON), body)


async def test_the_four_lines_of_openssl_deliver(live: tuple[Desk, str], tmp_path: Path) -> None:
    desk, url = live
    needs("openssl", "curl")
    code = only("How to sign", "sh")
    assert len(lines(code)) == 4
    file = tmp_path / "event.json"
    file.write_text(only("An event", "json"))
    answer = json.loads(
        await run(
            *("sh", "-eu", "-c", code),
            secret=SECRET,
            file=str(file),
            url=f"{url}/intake/v1/webhooks/facebook",
        )
    )
    assert answer["accepted"] == 1, answer
    assert set(answer) == set(WebhookAnswer.model_fields)
    assert await desk.stored() == 1


async def run(*command: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": "/usr/bin:/bin", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_the_connector_delivers(live: tuple[Desk, str], tmp_path: Path) -> None:
    desk, url = live
    code = only("A whole connector", "python")
    assert len(lines(code)) <= 30
    comments = [
        {"id": "c-1", "post": "p", "from": {"id": "u", "name": "Erika"}, "message": "Frage"},
        {"id": "c-2", "post": "p", "from": {"id": "v"}, "photos": ["https://example.org/a"]},
        {"id": "c-3", "post": "p", "from": {"id": OWN_ID}, "reply_to": "c-1", "message": "Ja"},
        {"id": "c-4", "post": "p"},
    ]
    script = tmp_path / "connector.py"
    script.write_text(f"{code}\nprint(json.dumps(deliver({comments!r})))")
    answer = json.loads(
        await run(sys.executable, str(script), DESK_URL=url, DESK_SECRET_FACEBOOK=SECRET)
    )
    assert (answer["accepted"], answer["ignored"], answer["broken"]) == (2, 2, 0)
    assert [each["reason"] for each in answer["ignored_items"]] == ["own-post", "empty"]
    states = [(await desk.detail(each))["state"] for each in answer["inquiries"]]
    assert states == ["answered", "open"]


async def test_send_delivers(live: tuple[Desk, str], tmp_path: Path) -> None:
    desk, url = live
    file = tmp_path / "message.json"
    file.write_text('{"id": "c-1", "text": "Frage"}')
    command = (sys.executable, "-m", "services", "send", "facebook", str(file), "--url", url)
    said = await run(*command, DESK_SECRET_FACEBOOK=SECRET, PYTHONPATH=str(ROOT))
    status, _, answer = said.partition("\n")
    assert (status, json.loads(answer)["accepted"]) == ("202", 1)
    assert await desk.stored() == 1


def test_the_example_is_understood_as_it_stands() -> None:
    event = json.loads(only("An event", "json"))
    data = event["data"]
    told = WebhookMessage.model_validate(data)
    assert set(_names(data)) == set(documented())
    assert told.model_dump(exclude_none=True).keys() == data.keys()


def test_every_field_is_on_the_page() -> None:
    fields = set(WebhookMessage.model_fields) - {"author", "attachments"}
    fields |= {f"author.{name}" for name in AUTHOR}
    fields |= {f"attachments.{name}" for name in ATTACHMENT}
    assert set(documented()) == fields


def test_the_answer_on_the_page_has_the_fields_of_the_answer() -> None:
    shown = json.loads(only("What the counts mean", "json"))
    assert WebhookAnswer.model_validate(shown).model_dump(mode="json") == shown
    assert set(shown) == set(WebhookAnswer.model_fields)


def test_the_parts_of_a_format_are_on_the_page() -> None:
    named = {name for row in rows(section(PAGE, "Another format")) for name in _split(row[0])}
    assert named == {each.name for each in dataclasses.fields(Connector)}


def _split(cell: str) -> list[str]:
    return [name.strip(" `") for name in cell.split(",")]


def test_the_page_names_the_limits() -> None:
    text = page(PAGE)
    for limit in ("1,000 messages", "500 characters", "100,000 characters", "2,000 characters"):
        assert limit in text


def documented() -> Iterator[str]:
    return (row[0] for row in rows(section(PAGE, "Every field")))


def _names(data: dict[str, Any]) -> Iterator[str]:
    for name, value in data.items():
        inner = value[0] if isinstance(value, list) else value
        if isinstance(inner, dict):
            yield from (f"{name}.{each}" for each in inner)
        else:
            yield name
