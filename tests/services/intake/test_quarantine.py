"""What was not understood is kept, has a clock, and leaves when it is repaired or given up."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from structlog.testing import capture_logs

from services.intake import worker
from services.intake.connectors.standard_webhooks import id_of
from services.intake.receiving import quarantine
from services.intake.receiving.quarantine import QuarantineAge
from services.intake.tables import quarantine as rows
from shared.runtime import periodic
from shared.runtime.ids import new_id
from shared.runtime.telemetry import Metrics
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import OWN_ID, READER, Desk, message, problem
from tests.services.intake.test_webhooks import counts

HOUR = timedelta(hours=1)
IDS = {"facebook": id_of, "x": id_of}


async def keep(desk: Desk, raw: str, *, channel: str = "facebook", ago: timedelta = HOUR) -> str:
    """As an older program left it, with no id noted."""
    identifier = new_id()
    values = {
        "id": identifier,
        "channel": channel,
        "sha256": hashlib.sha256(raw.encode()).hexdigest(),
        "raw": raw,
        "reason": "sent_at is not valid",
        "received_at": desk.clock.now() - ago,
    }
    await desk.service.database.write(lambda tx: tx.execute(insert(rows).values(values)) and None)
    return str(identifier)


async def kept(desk: Desk, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await desk.get("/quarantine", **wanted))["items"]
    return found


async def retry(desk: Desk, identifier: str) -> Any:
    return await desk.post(f"/quarantine/{identifier}/retry", None)


async def test_a_retry_counts_from_the_first_receipt(desk: Desk) -> None:
    raw = json.dumps(message(id="m", sent_at="1970-01-01T00:00:00Z"))
    with capture_logs() as logs:
        answer = await retry(desk, identifier := await keep(desk, raw, ago=3 * HOUR))
    (line,) = [each for each in logs if each["event"] == "quarantine.retried"]
    assert (line["quarantine_id"], line["key_name"], line["left"]) == (identifier, "Anna", True)
    assert (answer.status_code, counts(answer)) == (200, (1, 0, 0, 0))
    shown = await desk.detail(answer.json()["inquiries"][0])
    assert shown["received_at"] == "2026-11-24T09:00:00Z"
    (told,) = await desk.told()
    assert told.data.model_dump()["received_at"] == NOON - 3 * HOUR
    assert await kept(desk) == []


async def test_a_retry_is_older_than_what_is_open_and_has_its_own_clock(desk: Desk) -> None:
    """It joined the open inquiry, whose clock began three hours later."""
    (later,) = await desk.accepted(message(thread_id="t"))
    raw = json.dumps(message(thread_id="t"))
    answer = await retry(desk, await keep(desk, raw, ago=3 * HOUR))
    (earlier,) = answer.json()["inquiries"]
    assert earlier != later
    assert (await desk.detail(earlier))["received_at"] == "2026-11-24T09:00:00Z"


async def test_readiness_and_metrics_tell_of_it(desk: Desk) -> None:
    await keep(desk, "x", ago=2 * HOUR)
    ready = (await desk.http.get("/intake/health/ready")).json()
    assert ready["checks"]["quarantine"]["status"] == "degraded"
    assert "facebook" in ready["checks"]["quarantine"]["reason"]
    metrics = (await desk.http.get("/intake/metrics")).text
    assert 'desk_quarantine_age_seconds{channel="facebook"} 7200.0' in metrics


async def test_a_sent_at_after_the_first_receipt_is_still_left_out(desk: Desk) -> None:
    raw = json.dumps(message(sent_at="2026-11-24T11:00:00Z"))
    answer = await retry(desk, await keep(desk, raw, ago=3 * HOUR))
    assert [each["field"] for each in answer.json()["adjusted"]] == ["sent_at"]


async def test_what_is_still_broken_stays_and_the_answer_says_why(desk: Desk) -> None:
    identifier = await keep(desk, json.dumps(message(id=...)))
    for _ in range(2):
        answer = await retry(desk, identifier)
        assert (answer.status_code, answer.json()["broken"]) == (200, 1)
        assert answer.json()["errors"][0]["field"] == "id"
    (still,) = await kept(desk)
    assert still["id"] == identifier


async def test_a_whole_delivery_leaves_and_its_broken_items_stay(desk: Desk) -> None:
    data = [message(), message(id=...), message()]
    raw = json.dumps({"type": "message.created", "data": data})
    answer = await retry(desk, await keep(desk, raw))
    assert counts(answer) == (2, 0, 0, 1)
    (still,) = await kept(desk)
    assert still["received_at"] == "2026-11-24T11:00:00Z"
    raw = (await desk.get(f"/quarantine/{still['id']}"))["raw"]
    assert json.loads(raw) == data[1]


async def test_what_is_no_json_stays_what_it_is(desk: Desk) -> None:
    identifier = await keep(desk, '{"type": "mess')
    problem(await retry(desk, identifier), 400, "malformed-json")
    assert len(await kept(desk)) == 1


async def test_a_message_of_before_that_names_a_type_is_no_event(desk: Desk) -> None:
    """An item may have fields of its own that are called `type` and `data`."""
    raw = json.dumps({**message(id=...), "type": "comment", "data": {"likes": 3}})
    answer = await retry(desk, await keep(desk, raw))
    assert counts(answer) == (0, 0, 0, 1)
    assert len(await kept(desk)) == 1


@pytest.mark.parametrize("own", [False, True])
async def test_what_was_repaired_and_sent_again_leaves(desk: Desk, own: bool) -> None:
    author = {"id": OWN_ID if own else "c-1"}
    old = message(id="m-old", author=author, sent_at="1970-01-01T00:00:00Z")
    await keep(desk, json.dumps(old))
    await keep(desk, json.dumps({**old, "id": "m-other"}))
    await worker.name_kept(desk.service.database, IDS)
    assert len(await kept(desk)) == 2
    await desk.deliver({**old, "sent_at": "2026-11-24T11:00:00Z"})
    (left,) = await kept(desk)
    assert left["external_id"] == "m-other"
    # On another channel the id is another message's.
    await desk.deliver(message(id="m-other"), channel="x")
    assert len(await kept(desk)) == 1
    with capture_logs() as logs:
        await worker.tidy_once(desk.service.database, before=NOON - 30 * 24 * HOUR, terms={})
    assert {"event": "quarantine.repaired", "count": 1, "log_level": "info"} in logs
    assert len(await kept(desk)) == 1


async def test_the_same_bytes_sent_again_leave_too(desk: Desk) -> None:
    data = message(id="m-1", author={"id": "c", "name": "n" * 300})
    identifier = await keep(desk, json.dumps(data))
    await worker.name_kept(desk.service.database, IDS)
    await desk.deliver(data)
    assert await kept(desk) == []
    problem(await desk.request("GET", f"/quarantine/{identifier}"), 404, "unknown-quarantine")


async def test_an_event_that_was_broken_has_the_id_of_its_message(desk: Desk) -> None:
    body = json.dumps({"kind": "message.created", "data": message(id="m-9")}).encode()
    problem(await desk.deliver_raw(body), 422, "invalid-request")
    (found,) = await kept(desk)
    assert found["external_id"] == "m-9"
    await desk.deliver(message(id="m-9"))
    assert await kept(desk) == []


async def test_what_is_sent_again_as_it_was_is_kept_and_logged_once(desk: Desk) -> None:
    data = message(id=...)
    with capture_logs() as logs:
        await desk.deliver(data)
        desk.clock.advance(HOUR)
        await desk.deliver(data)
    (line,) = [each for each in logs if each["event"] == "webhook.quarantined"]
    (found,) = await kept(desk)
    assert (line["quarantine_id"], found["received_at"]) == (found["id"], "2026-11-24T12:00:00Z")


async def test_pages_are_bounded_and_by_channel(desk: Desk) -> None:
    for n in range(3):
        await keep(desk, f'{{"n": {n}}}', ago=HOUR * n)
    await keep(desk, "x", channel="x")
    assert len(await kept(desk)) == 4
    assert {item["channel"] for item in await kept(desk, channel="x")} == {"x"}
    first = await desk.get("/quarantine", channel="facebook", limit=2)
    second = await desk.get("/quarantine", channel="facebook", limit=2, cursor=first["next_cursor"])
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (2, 1, None)
    assert "raw" not in first["items"][0]
    raw = (await desk.get(f"/quarantine/{first['items'][0]['id']}"))["raw"]
    assert raw == '{"n": 0}'
    for wrong in ({"channel": "a\0b"}, {"limit": 201}):
        problem(await desk.request("GET", "/quarantine", params=wrong), 422, "invalid-request")


async def test_giving_up_needs_a_reason_and_is_logged(desk: Desk) -> None:
    path = f"/quarantine/{await keep(desk, 'x')}"
    problem(await desk.request("DELETE", path), 422, "invalid-request")
    problem(await desk.request("DELETE", path, params={"reason": " "}), 422, "invalid-request")
    reason = {"reason": "a test of the sender"}
    problem(await desk.request("DELETE", path, params=reason, key=READER), 403, "scope-missing")
    with capture_logs() as logs:
        answer = await desk.request("DELETE", path, params=reason)
    assert (answer.status_code, answer.content) == (204, b"")
    (line,) = [each for each in logs if each["event"] == "quarantine.deleted"]
    assert (line["key_name"], line["channel"]) == ("Anna", "facebook")
    assert line["reason"] == reason["reason"]
    problem(await desk.request("DELETE", path, params=reason), 404, "unknown-quarantine")


async def test_the_oldest_of_each_channel_is_measured(desk: Desk) -> None:
    metrics = Metrics("test")
    promised = {"facebook": True, "x": True, "mastodon": False}
    age = QuarantineAge(desk.service.database, desk.clock, metrics, promised)

    def measured(channel: str) -> float | None:
        return metrics.registry.get_sample_value(
            "desk_quarantine_age_seconds", {"channel": channel}
        )

    assert await age.examine() is None
    assert measured("facebook") == 0
    await keep(desk, "b", channel="mastodon", ago=5 * HOUR)
    await keep(desk, json.dumps(message(id="m")), ago=HOUR)
    await worker.name_kept(desk.service.database, IDS)
    assert await age.examine() is None  # not yet over an hour, and one that is not promised
    assert (measured("facebook"), measured("mastodon")) == (3600, 5 * 3600)
    desk.clock.advance(timedelta(seconds=1))
    reason = await age.examine()
    assert reason is not None
    assert "facebook" in reason
    await desk.deliver(message(id="m"))
    assert await age.examine() is None
    assert (measured("facebook"), measured("x")) == (0, 0)


async def test_what_is_older_than_its_days_is_forgotten_with_a_count(desk: Desk) -> None:
    await keep(desk, "old", ago=31 * 24 * HOUR)
    await keep(desk, "older", ago=40 * 24 * HOUR)
    await keep(desk, "young", ago=29 * 24 * HOUR)
    with capture_logs() as logs:
        await worker.tidy_once(
            desk.service.database, before=desk.clock.now() - 30 * 24 * HOUR, terms={}
        )
    assert {"event": "quarantine.forgotten", "count": 2, "log_level": "warning"} in logs
    assert len(await kept(desk)) == 1


def test_the_id_is_read_where_it_can_be() -> None:
    for raw, found in (
        ('{"id": 7}', "7"),
        ('{"type": "message.created", "data": {"id": "m"}}', "m"),
        ('{"data": [{"id": "m"}]}', None),
        ('{"data": {"id": null}}', None),
        ('{"id": "m", "data": {"id": "n"}}', "m"),
        ('{"id": "m"', None),
        ("7", None),
        ("\ufffd", None),
    ):
        assert quarantine.external_id_of(raw, id_of) == found


async def test_the_loop_notes_ids_and_tidies(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def end(stop: asyncio.Event, _seconds: float) -> None:
        stop.set()

    monkeypatch.setattr(periodic, "pause", end)
    await keep(desk, json.dumps(message(id="m")))
    await keep(desk, "old", ago=31 * 24 * HOUR)
    loop = worker.tidy_quarantine(desk.service.database, desk.clock, days=30, ids=IDS, terms={})
    await loop(asyncio.Event())
    (left,) = await kept(desk)
    assert left["external_id"] == "m"
