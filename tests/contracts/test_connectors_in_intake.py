"""What becomes of the deliveries of every connector: the same, whatever its platform sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from services.intake.connectors.items import Item
from services.intake.connectors.port import Answer, Connector, Reading, WebhookRequest
from services.intake.receiving.delivery import MOST_ITEMS
from shared.policy import Verification
from tests.contracts.connectors import postcards_sample
from tests.contracts.connectors.sample import Sample, Sent
from tests.contracts.connectors.samples import SAMPLES
from tests.services.intake.desk import Desk, opened
from tests.support.clock import ManualClock
from tests.support.migrated import MigratedFiles

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(params=SAMPLES, ids=lambda each: each.name)
def sample(request: pytest.FixtureRequest) -> Sample:
    found: Sample = request.param
    return found


class Opened(Protocol):
    def __call__(
        self, sample: Sample, connector: Connector[Any], **facebook: Any
    ) -> AbstractAsyncContextManager[Desk]: ...


@pytest.fixture
def intake_with(migrated_files: MigratedFiles, tmp_path: Path) -> Opened:
    """An intake in which `facebook` has this connector, the sample's secrets, and what else the
    policy says of it.
    """

    @asynccontextmanager
    async def intake(
        sample: Sample, connector: Connector[Any], **facebook: Any
    ) -> AsyncIterator[Desk]:
        url = await migrated_files.copy("intake", tmp_path / "intake.sqlite")
        clock = ManualClock(NOON)
        async with opened(
            url,
            tmp_path,
            clock,
            connector=connector,
            secrets=sample.secrets,
            facebook=facebook,
        ) as desk:
            yield desk

    return intake


@pytest.fixture
async def desk(sample: Sample, intake_with: Opened) -> AsyncIterator[Desk]:
    async with intake_with(sample, sample.connector) as desk:
        yield desk


async def send(desk: Desk, sent: Sent, *, channel: str = "facebook") -> httpx.Response:
    query = f"?{sent.query}" if sent.query else ""
    return await desk.http.request(
        sent.method,
        f"/intake/v1/webhooks/{channel}{query}",
        content=sent.body,
        headers=[(name.encode(), value) for name, value in sent.headers.items()],
    )


async def deliver(desk: Desk, sample: Sample, *items: Any) -> httpx.Response:
    return await send(desk, sample.signed(*items, now=desk.clock.now()))


async def kept(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await desk.get("/quarantine"))["items"]
    return found


async def outcomes(desk: Desk) -> dict[str, float]:
    """How often each outcome was counted."""
    lines = (await desk.http.get("/intake/metrics")).text.splitlines()
    found = (line.split() for line in lines if line.startswith("desk_messages_total{"))
    return {name.split('"')[1]: float(number) for name, number in found}


async def test_a_delivery_becomes_an_inquiry_and_a_repeat_changes_nothing(
    desk: Desk, sample: Sample
) -> None:
    for pause in (timedelta(minutes=1), timedelta(days=366), timedelta()):
        assert (await deliver(desk, sample, sample.items["message"]("m-1"))).is_success
        desk.clock.advance(pause)
    assert await desk.stored() == 1
    assert await desk.types() == ["inquiry.received"]
    assert await outcomes(desk) == {"accepted": 1, "duplicate": 2}


async def test_a_forged_delivery_leaves_no_trace(desk: Desk, sample: Sample) -> None:
    forged = sample.sign(sample.delivery([sample.items["message"]("m-1")]), sample.stranger, NOON)
    answer = await send(desk, forged)
    assert answer.status_code in {401, 403}
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await desk.stored(), await kept(desk), await outcomes(desk)) == (0, [], {})


async def test_where_it_is_only_observed_a_forged_delivery_is_kept_but_no_handshake_answered(
    sample: Sample, intake_with: Opened
) -> None:
    forged = sample.sign(sample.delivery([sample.items["message"]("m-1")]), sample.stranger, NOON)
    bare = {name: value for name, value in forged.headers.items() if name not in sample.proof}
    async with intake_with(sample, sample.connector, verification=Verification.OBSERVE) as desk:
        assert (await send(desk, forged)).is_success
        assert (await send(desk, Sent(forged.body, bare, query=forged.query))).is_success
        assert await outcomes(desk) == {"accepted": 1, "duplicate": 1}
        (shown,) = (await desk.get("/inquiries"))["items"]
        (kept_one,) = (await desk.detail(shown["id"]))["messages"]
        assert kept_one["details"]["proven"] is False
        for asked in sample.refused_handshakes:
            assert (await send(desk, asked)).status_code in {401, 403}


async def test_a_broken_item_costs_no_other_and_is_kept(desk: Desk, sample: Sample) -> None:
    if "broken" not in sample.items:
        return  # of this format whatever comes can be kept as a message
    good = [sample.items["message"](f"g-{n}") for n in range(min(2, sample.most - 1))]
    answer = await deliver(desk, sample, *good[:1], sample.items["broken"](""), *good[1:])
    assert answer.is_success
    assert await desk.stored() == len(good)
    (found,) = await kept(desk)
    tried = await desk.post(f"/quarantine/{found['id']}/retry", None)
    assert tried.json()["broken"] == 1
    assert len(await kept(desk)) == 1


async def test_so_does_one_at_which_the_connector_fails(
    sample: Sample, intake_with: Opened
) -> None:
    fails = [True]

    def read(raw: Any, reading: Reading) -> Item:
        if fails[0] and sample.connector.id_of(raw) == sample.stored_id("g-1"):
            raise KeyError("a bug of ours")
        return sample.connector.read(raw, reading)

    mistaken = replace(sample.connector, read=read)
    raws = [sample.items["message"](f"g-{n}") for n in range(1, min(4, sample.most + 1))]
    async with intake_with(sample, mistaken) as desk:
        assert (await deliver(desk, sample, *raws)).is_success
        assert await desk.stored() == len(raws) - 1
        (found,) = await kept(desk)
        assert found["external_id"] == sample.stored_id("g-1")
        fails[0] = False
        tried = await desk.post(f"/quarantine/{found['id']}/retry", None)
        assert (tried.json()["accepted"], await kept(desk)) == (1, [])


async def test_what_is_no_delivery_is_refused_and_kept(desk: Desk, sample: Sample) -> None:
    for number, body in enumerate(sample.no_delivery):
        answer = await send(desk, sample.sign(body, sample.signing[0], NOON))
        assert answer.status_code in {400, 422}, body
        assert len(await kept(desk)) == number + 1
    for found in await kept(desk):
        answer = await desk.post(f"/quarantine/{found['id']}/retry", None)
        assert answer.status_code in {200, 400, 422}


async def test_what_is_nobody_elses_message_makes_no_inquiry(desk: Desk, sample: Sample) -> None:
    others = sample.items.keys() - {"message", "edited", "broken"}
    for kind in others:
        assert (await deliver(desk, sample, sample.items[kind](f"i-{kind}"))).is_success
    assert (await desk.stored(), await kept(desk)) == (0, [])
    assert (await outcomes(desk)).get("ignored", 0) == len(others)


async def test_what_is_edited_or_withdrawn_is_the_message_of_that_id(
    desk: Desk, sample: Sample
) -> None:
    """Also where it comes first: nothing is lost then, and nothing comes twice."""
    if not {"edited", "withdrawn"} <= sample.items.keys():
        return  # the format tells of neither
    for kind, outcome in (
        ("edited", "accepted"),
        ("message", "duplicate"),
        ("edited", "ignored"),
        ("withdrawn", "ignored"),
        ("withdrawn", "ignored"),
    ):
        before = await outcomes(desk)
        assert (await deliver(desk, sample, sample.items[kind]("m-1"))).is_success  # type: ignore[index]
        after = await outcomes(desk)
        assert after[outcome] == before.get(outcome, 0) + 1, (kind, after)
    assert (await desk.stored(), await kept(desk)) == (1, [])
    expected = ["inquiry.received", "inquiry.message_withdrawn", "inquiry.closed"]
    assert await desk.types() == expected


async def test_too_many_items_are_refused_as_a_whole(desk: Desk, sample: Sample) -> None:
    if sample.most < MOST_ITEMS:
        return  # no delivery of this format can hold as many
    answer = await deliver(
        desk, sample, *[sample.items["message"](f"{n}") for n in range(MOST_ITEMS + 1)]
    )
    assert answer.status_code == 422
    assert await desk.stored() == 0


async def test_a_body_over_the_limit_is_refused(desk: Desk, sample: Sample) -> None:
    limit = sample.connector.body_limit or 1_048_576
    sent = sample.sign(b" " * (limit + 1), sample.signing[0], NOON)
    assert (await send(desk, sent)).status_code == 413


async def test_handshakes_over_http(desk: Desk, sample: Sample) -> None:
    for sent, right in sample.handshakes:
        answer = await send(desk, sent)
        assert (answer.status_code, answer.content) == (right.status, right.body)
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        assert media_type == (right.media_type or "")
        assert {name: answer.headers[name] for name in right.headers} == right.headers
    for sent in sample.refused_handshakes:
        answer = await send(desk, sent)
        assert answer.status_code in {401, 403}
        assert b"a1b2" not in answer.content
    assert (await desk.stored(), await kept(desk), await outcomes(desk)) == (0, [], {})


async def test_other_methods_and_channels_are_refused(desk: Desk, sample: Sample) -> None:
    """What one channel's connector answers, another's does not."""
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for channel, served in (("facebook", sample.connector.methods), ("x", frozenset())):
            if method in served:
                continue
            answer = await send(desk, Sent(method=method), channel=channel)
            assert answer.status_code == 405
            assert "POST" in answer.headers["allow"]
    assert (await send(desk, Sent(), channel="youtube")).status_code == 401
    assert (await send(desk, Sent(), channel="nowhere")).status_code == 404


# What no platform of the samples does, and others do


async def test_a_handshake_may_come_by_any_method_and_see_the_address(
    intake_with: Opened,
) -> None:
    def answer(request: WebhookRequest, _keys: Any, _now: datetime) -> Answer:
        origin = (request.header("webhook-request-origin") or b"").decode()
        return Answer(204, headers={"X-Url": request.url, "WebHook-Allowed-Origin": origin})

    sample = postcards_sample.SAMPLE
    connector = replace(sample.connector, handshakes={"OPTIONS": answer})
    async with intake_with(sample, connector) as desk:
        headers = {"webhook-request-origin": b"cards.example.org"}
        asked = Sent(method="OPTIONS", query="a=%C3%BC&b=", headers=headers)
        answered = await send(desk, asked)
        assert answered.status_code == 204
        assert answered.headers["webhook-allowed-origin"] == "cards.example.org"
        right = "http://desk/intake/v1/webhooks/facebook?a=%C3%BC&b="
        assert answered.headers["x-url"] == right
        assert (await send(desk, replace(asked, method="GET"))).status_code == 405


async def test_a_post_may_be_a_handshake_before_anything_is_proven(intake_with: Opened) -> None:
    def answer(request: WebhookRequest, _keys: Any, _now: datetime) -> Answer | None:
        token = request.parameters.get("validationToken")
        return None if token is None else Answer(200, token.encode(), "text/plain")

    sample = postcards_sample.SAMPLE
    connector = replace(sample.connector, handshakes={"POST": answer})
    async with intake_with(sample, connector) as desk:
        assert (await send(desk, Sent(query="validationToken=abc"))).content == b"abc"
        assert (await send(desk, Sent(query="other=abc"))).status_code == 401
        assert (await deliver(desk, sample, sample.items["message"]("m-1"))).is_success
        assert await desk.stored() == 1


async def test_deliveries_may_come_by_another_method(intake_with: Opened) -> None:
    sample = postcards_sample.SAMPLE
    connector = replace(sample.connector, delivered_by=frozenset({"PUT"}), handshakes={})
    async with intake_with(sample, connector) as desk:
        sent = sample.signed(sample.items["message"]("m-1"), now=NOON)
        refused = await send(desk, sent)
        assert (refused.status_code, refused.headers["allow"]) == (405, "PUT")
        assert (await send(desk, replace(sent, method="PUT"))).is_success
        assert await desk.stored() == 1
