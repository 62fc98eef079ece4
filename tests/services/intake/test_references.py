"""Each inquiry has a reference of its own: shown, found, unique, also for those of before."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from services.intake.accepting.acceptor import Acceptor
from services.intake.accepting.committer import CareNeededError
from services.intake.inquiries.store import references
from services.intake.inquiries.worker import name_all
from services.intake.tables import inquiries
from shared.db import Write
from shared.policy import known_hashtags
from shared.runtime.ids import new_id
from shared.text.references import reference_of
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import Desk, message, policy, problem
from tests.services.intake.test_group_commit import committing, incoming, writer_of


async def found(desk: Desk, reference: str) -> list[str]:
    return [each["id"] for each in (await desk.get("/inquiries", reference=reference))["items"]]


async def test_it_is_shown_wherever_the_inquiry_is(desk: Desk) -> None:
    answer = (await desk.deliver([message(), message()])).json()
    assert answer["references"] == [reference_of(UUID(each)) for each in answer["inquiries"]]
    placed = await desk.new_inquiry()
    reference = placed["reference"]
    assert reference == reference_of(UUID(placed["inquiry_id"]))
    assert (await desk.detail(placed))["reference"] == reference
    listed = (await desk.get("/inquiries"))["items"]
    assert {each["reference"] for each in listed} == {reference, *answer["references"]}


async def test_it_finds_its_inquiry_however_it_is_typed(desk: Desk) -> None:
    placed = await desk.new_inquiry()
    await desk.new_inquiry()
    reference = placed["reference"]
    for typed in (reference, reference.lower(), reference.replace("-", " "), f" {reference} "):
        assert await found(desk, typed) == [placed["inquiry_id"]]
    assert await found(desk, reference_of(new_id())) == []


@pytest.mark.parametrize("typed", ["", "K7Q", "O7Q-4MX-9RTD", "222-222-2223", "%00", "\u212a" * 10])
async def test_what_is_mistyped_is_called_so(desk: Desk, typed: str) -> None:
    answer = await desk.request("GET", "/inquiries", params={"reference": typed})
    said = problem(answer, 422, "mistyped-reference")
    assert "mistyped" in said["detail"]
    assert said["errors"][0]["field"] == "query.reference"


async def test_another_id_is_drawn_where_the_reference_is_taken(desk: Desk) -> None:
    batch = [incoming(channel="email") for _ in range(20)]
    taken = batch[7]
    await desk.service.database.write(_occupy, taken.inquiry_id)
    writer = writer_of(desk.service.database)
    outcomes = await writer.write(batch)
    await writer.close()
    assert [n for n, each in enumerate(outcomes) if isinstance(each, CareNeededError)] == [7]
    assert not any(isinstance(each, Exception) for n, each in enumerate(outcomes) if n != 7)


async def test_a_message_whose_reference_is_taken_is_accepted_all_the_same(desk: Desk) -> None:
    one = incoming(channel="email")
    await desk.service.database.write(_occupy, one.inquiry_id)
    database = desk.service.database
    known = known_hashtags(policy().hashtags)
    async with committing(writer_of(database)) as committer:
        acceptor = Acceptor(
            committer,
            database=database,
            known=known,
            clock=desk.clock,
            on_accepted=lambda _c, _at: None,
        )
        placed = await acceptor.accept(one)
    assert placed.opened
    assert placed.inquiry_id != one.inquiry_id
    assert await found(desk, reference_of(placed.inquiry_id)) == [str(placed.inquiry_id)]


def _occupy(tx: Write, inquiry_id: UUID) -> None:
    """Somebody else's inquiry has the reference of that one."""
    _add(tx, [new_id()], reference=reference_of(inquiry_id))


def _add(tx: Write, ids: list[UUID], *, reference: str | None = None) -> None:
    rows = [
        {
            "id": each, "conversation_id": new_id(), "contact_id": new_id(), "channel": "email",
            "state": "open", "excerpt": "", "received_at": NOON,
            "reference": reference,
        }
        for each in ids
    ]  # fmt: skip
    tx.execute(insert(inquiries), rows)


async def test_those_of_before_get_theirs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "AT_ONCE", 40)
    old = [new_id() for _ in range(130)]
    await desk.service.database.write(_add, old)
    placed = await desk.new_inquiry()
    shown = (await desk.get("/inquiries", limit=200))["items"]
    assert all(each["reference"] == reference_of(UUID(each["id"])) for each in shown)
    assert await found(desk, reference_of(old[0])) == []

    stop = asyncio.Event()
    assert await name_all(desk.service.database, stop) == 130
    assert await name_all(desk.service.database, stop) == 0
    for each in (*old, UUID(placed["inquiry_id"])):
        assert await found(desk, reference_of(each)) == [str(each)]


async def test_two_of_before_that_share_one_are_both_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [new_id() for _ in range(5)]
    await desk.service.database.write(_add, old)
    shared = reference_of(old[0])
    monkeypatch.setattr(references, "reference_of", lambda _: shared)
    assert await name_all(desk.service.database, asyncio.Event()) == 5
    more = [new_id() for _ in range(2)]
    await desk.service.database.write(_add, more)
    assert await name_all(desk.service.database, asyncio.Event()) == 2
    assert sorted(await found(desk, shared)) == sorted(map(str, (*old, *more)))

    def twins(tx: Write) -> list[int]:
        c = inquiries.c
        return sorted(tx.execute(select(c.reference_twin)).scalars())

    assert await desk.service.database.write(twins) == [*range(7)]


async def test_an_older_program_goes_on_opening_inquiries(desk: Desk) -> None:
    placed = await desk.new_inquiry()

    def as_before(tx: Write) -> None:
        tx.execute(update(inquiries).values(reference=None))

    await desk.service.database.write(as_before)
    assert (await desk.detail(placed))["reference"] == placed["reference"]
    assert await name_all(desk.service.database, asyncio.Event()) == 1
    assert await found(desk, placed["reference"]) == [placed["inquiry_id"]]
