"""Random mutations of valid deliveries: no message that has an id is lost, and nothing is a 5xx."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from services.intake.connectors.lenient import id_of
from services.intake.tables import messages, own_posts, quarantine
from shared.db import Read
from tests.services.intake.desk import OWN_ID, Desk, message

DELIVERIES = 150
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "\0", "\ud83d", "\udfff x", "x" * 700,
    "x" * 3000, "@", "a@b", "a@b\n", [], {},
    [None], {"id": {}}, [[[[]]]], "1970-01-01T00:00:00Z", "24:00",
    "9999-12-31T23:59:59-14:00", "2026-11-24T12:00:00", "cid:1", "//example.org", "https://\0",
    OWN_ID, "public", "m-parent", "desk:1", "ﷺ" * 400, "'; DROP TABLE messages; --", "{{7*7}}",
)  # fmt: skip


def _valid(chance: random.Random) -> dict[str, Any]:
    return message(
        thread_id=f"t-{chance.randrange(5)}",
        parent_id=chance.choice([..., "m-parent", "unseen"]),
        author={
            "id": chance.choice(["c-1", "c-2", OWN_ID]),
            "name": "Anna",
            "handle": "@anna",
            "email": "anna@example.org",
        },
        subject="Anmeldung",
        sent_at="2026-11-24T11:59:00Z",
        url="https://example.org/1",
        attachments=[{"url": "https://example.org/a.png", "name": "a", "size": 7}],
        visibility="public",
    )


def _mutate(chance: random.Random, whole: Any) -> Any:
    """Replace, drop, rename or nest something somewhere in it."""
    if not isinstance(whole, dict | list) or not whole or chance.random() < 0.1:
        return chance.choice(ODD)
    key = chance.choice(list(whole)) if isinstance(whole, dict) else chance.randrange(len(whole))
    changed: Any = whole.copy()
    match chance.randrange(6):
        case 0:
            del changed[key]
        case 1 if isinstance(changed, dict):
            changed[str(chance.choice(["Text", "data", "type", "\ud800", "ID"]))] = changed.pop(key)
        case 2:
            changed[key] = [changed[key]]
        case 3:
            changed[key] = chance.choice(ODD)
        case _:
            changed[key] = _mutate(chance, changed[key])
    return changed


def _mutated(chance: random.Random) -> dict[str, Any]:
    found: Any = _valid(chance)
    for _ in range(chance.randrange(1, 4)):
        changed = _mutate(chance, found)
        found = changed if isinstance(changed, dict) else found
    return dict(found)


@pytest.mark.parametrize("seed", range(2))
async def test_no_message_with_an_id_is_lost(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(DELIVERIES):
        items = [_mutated(chance) for _ in range(chance.choice([1, 1, 3]))]
        answer = await desk.deliver(items[0] if len(items) == 1 else items)
        assert answer.status_code in {200, 202}, (items, answer.text)
        body = answer.json()
        counted = sum(body[name] for name in ("accepted", "duplicate", "ignored", "broken"))
        assert counted == len(items)
        assert not [each for each in body["errors"] if each["field"] == "item"], items
        told = {each["index"] for each in body["ignored_items"]}
        known = await _ids(desk)
        for index, item in enumerate(items):
            identifier = id_of(item)
            assert identifier is None or identifier in known or index in told, item
    for kept in (await desk.get("/quarantine", limit=200))["items"]:
        answer = await desk.post(f"/quarantine/{kept['id']}/retry", None)
        assert answer.status_code < 500, answer.text


async def _ids(desk: Desk) -> set[str]:
    """Every id that is stored or kept aside."""

    def ids(tx: Read) -> set[str]:
        tables = (messages, own_posts, quarantine)
        found = [tx.execute(select(table.c.external_id)).scalars() for table in tables]
        return {each for column in found for each in column if each}

    return await desk.service.database.read(ids)


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body))]


def _flip(chance: random.Random, body: bytes) -> bytes:
    place = chance.randrange(len(body))
    return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]


def _double(chance: random.Random, body: bytes) -> bytes:
    place = chance.randrange(len(body))
    return body[:place] + body[place : place + 40] * 2 + body[place:]


def _deepen(chance: random.Random, body: bytes) -> bytes:
    depth = chance.choice([10, 40, 150, 500])
    return body.replace(b'"Anmeldung"', b"[" * depth + b"]" * depth)


@pytest.mark.parametrize("mutate", [_cut, _flip, _double, _deepen])
async def test_whatever_bytes_are_signed_nothing_is_a_5xx(
    desk: Desk, mutate: Callable[[random.Random, bytes], bytes]
) -> None:
    chance = random.Random(1)
    for _ in range(60):
        event = {"type": "message.created", "data": [_valid(chance), _mutated(chance)]}
        body = mutate(
            chance,
            json.dumps(event, ensure_ascii=chance.random() < 0.9).encode("utf-8", "surrogatepass"),
        )
        answer = await desk.deliver_raw(body)
        assert answer.status_code in {200, 202, 400, 422}, (body, answer.text)
        if answer.status_code in {400, 422}:
            assert (await desk.get("/quarantine"))["items"], "refused, and not kept"
