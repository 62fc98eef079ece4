"""What becomes of a delivery that does not prove who sent it: refused, or observed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from shared.policy import Verification
from tests.contracts.connectors.postcards import CONNECTOR as POSTCARDS
from tests.contracts.connectors.postcards_sample import SAMPLE
from tests.contracts.connectors.sample import Sent
from tests.contracts.test_connectors_in_intake import send
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import OWN_ID, Desk, message, opened, problem
from tests.support.clock import ManualClock

OBSERVE = {"verification": Verification.OBSERVE}


@asynccontextmanager
async def postcards(
    database_url: str,
    folder: Path,
    clock: ManualClock,
    *,
    secrets: Sequence[str] = SAMPLE.secrets,
    facebook: Any = OBSERVE,
    **more: Any,
) -> AsyncIterator[Desk]:
    async with opened(
        database_url,
        folder,
        clock,
        connector=POSTCARDS,
        secrets=secrets,
        facebook=facebook,
        **more,
    ) as desk:
        yield desk


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    async with postcards(database_url, tmp_path, clock) as desk:
        yield desk


def forged(*ids: str) -> Sent:
    return SAMPLE.sign(SAMPLE.delivery([SAMPLE.items["message"](n) for n in ids]), "nobody's", NOON)


def unsigned(*ids: str) -> Sent:
    sent = forged(*ids)
    return Sent(sent.body, {"content-type": sent.headers["content-type"]})


async def failures(desk: Desk) -> dict[str, float]:
    lines = (await desk.http.get("/intake/metrics")).text.splitlines()
    name = 'desk_webhook_signature_failures_total{channel="facebook",reason="'
    found = (line.removeprefix(name).split('"} ') for line in lines if line.startswith(name))
    return {reason: float(count) for reason, count in found}


async def test_where_it_is_observed_the_message_is_kept_and_the_failure_counted(
    desk: Desk,
) -> None:
    for sent in (
        forged("m-1"),
        unsigned("m-2"),
        SAMPLE.signed(SAMPLE.items["message"]("m-3"), now=NOON),
    ):
        assert (await send(desk, sent)).status_code == 200
    assert await desk.stored() == 3
    assert await failures(desk) == {"signature": 1, "headers": 1}


async def test_whoever_reads_it_sees_that_nobody_proved_it(desk: Desk) -> None:
    await send(desk, forged("m-1"))
    await send(desk, SAMPLE.signed(SAMPLE.items["message"]("m-2"), now=NOON))
    shown = [await desk.detail(each["id"]) for each in (await desk.get("/inquiries"))["items"]]
    details = [each["messages"][0]["details"] for each in shown]
    assert [each for each in details if each is not None] == [{"proven": False}]
    assert len(details) == 2


async def test_the_log_has_one_line_a_minute_with_the_count(desk: Desk) -> None:
    with capture_logs() as logs:
        for number in range(3):
            await send(desk, forged(f"m-{number}"))
        desk.clock.advance(timedelta(minutes=1))
        await send(desk, unsigned("m-9"))
    lines = [each for each in logs if each["event"] == "webhook.not_proven"]
    assert [(each["channel"], each["reason"], each["count"]) for each in lines] == [
        ("facebook", "signature", 1),
        ("facebook", "headers", 3),
    ]
    assert lines[0]["problem"] == "x-postcard-signature fits none of this channel's secrets"


async def test_a_handshake_is_never_only_observed(desk: Desk) -> None:
    for asked in SAMPLE.refused_handshakes:
        assert (await send(desk, asked)).status_code == 403
    ping = forged()
    answer = await send(desk, Sent(b"ping=1", ping.headers))
    problem(answer, 401, "signature-invalid")


async def test_what_is_not_proven_takes_nothing_of_the_channels_rate(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with postcards(
        database_url, tmp_path, clock, channel_burst=2, channel_rate=0.001
    ) as desk:
        statuses = [(await send(desk, forged(f"f-{n}"))).status_code for n in range(3)]
        assert statuses == [200, 200, 429]
        assert (
            await send(desk, SAMPLE.signed(SAMPLE.items["message"]("m-1"), now=NOON))
        ).is_success


async def test_without_a_secret_everything_is_observed_but_a_handshake(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with postcards(database_url, tmp_path, clock, secrets=()) as desk:
        assert (await send(desk, forged("m-1"))).status_code == 200
        assert await failures(desk) == {"no-secret": 1}
        problem(await send(desk, SAMPLE.handshakes[0][0]), 401, "channel-secret-missing")


async def test_what_is_not_proven_ends_nothing(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(database_url, tmp_path, clock, facebook=OBSERVE) as desk:
        (inquiry,) = await desk.accepted(message(id="m-1"))
        post = message(id="p-1", author=OWN_ID, parent_id="m-1", thread_id=..., text="Hallo")
        body = json.dumps({"type": "message.created", "data": post}).encode()
        answer = await desk.deliver_raw(body, headers={"content-type": "application/json"})
        assert answer.json()["ignored_items"] == [{"index": 0, "reason": "own-post"}]
        shown = await desk.detail(inquiry)
        assert shown["state"] == "open"
        assert [each["kind"] for each in shown["messages"]] == ["inbound", "post"]


async def test_an_edit_without_proof_is_marked_and_what_was_said_is_kept(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(database_url, tmp_path, clock, facebook=OBSERVE) as desk:
        (inquiry,) = await desk.accepted(message(id="m-1", text="Wann?"))
        edit = {"type": "message.edited", "data": message(id="m-1", text="Gar nicht.")}
        body = json.dumps(edit).encode()
        await desk.deliver_raw(body, headers={"content-type": "application/json"})
        (shown,) = (await desk.detail(inquiry))["messages"]
        assert (shown["text"], shown["details"]) == ("Gar nicht.", {"proven": False})
        assert [each["text"] for each in shown["earlier_versions"]] == ["Wann?"]


async def test_nothing_is_withdrawn_without_proof(desk: Desk) -> None:
    sent = SAMPLE.sign(SAMPLE.delivery([SAMPLE.items["withdrawn"]("m-1")]), "nobody's", NOON)
    assert (await send(desk, sent)).is_success
    text = (await desk.http.get("/intake/metrics")).text
    name = 'desk_channel_ignored_total{channel="facebook",kind="withdrawal-not-proven"}'
    assert f"{name} 1.0" in text


async def test_where_it_is_enforced_the_failure_is_counted_and_refused(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with postcards(database_url, tmp_path, clock, facebook={}) as desk:
        answers: list[httpx.Response] = [
            await send(desk, each) for each in (forged("m"), unsigned("m"))
        ]
        assert [each.status_code for each in answers] == [401, 401]
        assert await failures(desk) == {"signature": 1, "headers": 1}
        assert await desk.stored() == 0


async def test_a_platforms_channel_without_a_secret_does_not_start(
    tmp_path: Path, clock: ManualClock
) -> None:
    with pytest.raises(ValueError, match="the channel facebook has no secret") as refused:
        async with postcards("", tmp_path, clock, secrets=(), facebook={}):
            pass
    (sentence,) = str(refused.value).splitlines()
    assert "and set DESK_SECRET_FACEBOOK (or DESK_SECRET_FACEBOOK_FILE" in sentence
    assert "to: the secret with which the platform signs;" in sentence
    assert "/intake/v1/webhooks/facebook" in sentence
    assert "docs/channels/postcards.md" in sentence


async def test_what_is_ignored_is_counted_by_kind(desk: Desk) -> None:
    for kind in ("ignored", "own_post"):
        await send(desk, SAMPLE.signed(SAMPLE.items[kind]("m-1"), now=NOON))
    text = (await desk.http.get("/intake/metrics")).text
    for kind in ("unknown", "own-post"):
        assert f'desk_channel_ignored_total{{channel="facebook",kind="{kind}"}} 1.0' in text
