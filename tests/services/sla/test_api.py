"""Every endpoint, with what is right and with what is wrong."""

from __future__ import annotations

import base64
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from services.sla.deadlines import views
from shared.access.keys import Scope, add_key
from shared.runtime.ids import new_id
from shared.text.references import reference_of
from tests.services.sla.desk import KEY, Inquiry, SlaBench, berlin, utc


def refused(answer: httpx.Response, status: int, code: str, field: str | None = None) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:inbound-desk:problem:{code}"
    if field is not None:
        assert field in [each["field"].rpartition(".")[2] for each in problem["errors"]]
    return problem


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-03-02 10:00", "2026-03-03 10:00"),
        ("2026-03-13 16:00", "2026-03-16 16:00"),
        ("2026-03-14 12:00", "2026-03-16 17:00"),
        ("2026-03-02 20:00", "2026-03-03 17:00"),
        ("2026-03-02 07:00", "2026-03-02 17:00"),
        ("2026-12-23 16:00", "2026-12-24 16:00"),
        ("2026-12-24 16:00", "2026-12-28 16:00"),
    ],
)
async def test_the_promise_as_it_is_published(bench: SlaBench, received: str, due: str) -> None:
    answer = await bench.post(
        "deadlines/preview", {"received_at": berlin(received).isoformat(), "channel": "email"}
    )
    shown = answer.json()
    assert (shown["clock"], shown["due_at"]) == (True, utc(berlin(due)))
    why = shown["explanation"]
    counted = sum(each["seconds"] for each in why["intervals"] if each["counted"])
    assert counted == why["counted_seconds"] == why["target_seconds"] == 86_400
    assert [each["chosen"] for each in shown["promises"]] == [True]


async def test_a_preview_over_a_holiday_names_it(bench: SlaBench) -> None:
    answer = await bench.post(
        "deadlines/preview", {"received_at": "2027-03-05T16:00:00+01:00", "channel": "x"}
    )
    shown = answer.json()
    assert shown["due_at"] == utc(berlin("2027-03-09 16:00"))
    skipped = [each for each in shown["explanation"]["intervals"] if not each["counted"]]
    assert [(each["reason"], each["name"]) for each in skipped] == [
        ("weekend", None),
        ("holiday", "Frauentag"),
    ]


async def test_a_preview_on_a_best_effort_channel_says_so(bench: SlaBench) -> None:
    answer = await bench.post(
        "deadlines/preview", {"received_at": "2026-03-02T10:00:00+01:00", "channel": "youtube"}
    )
    shown = answer.json()
    assert (shown["clock"], shown["due_at"]) == (False, None)
    assert "best-effort" in shown["detail"]


async def test_wrong_previews(bench: SlaBench) -> None:
    path, moment = "deadlines/preview", "2026-03-02T10:00:00+01:00"
    naive = {"received_at": "2026-03-02T10:00:00", "channel": "email"}
    refused(await bench.post(path, naive), 422, "invalid-request", "received_at")
    far = {"received_at": "9999-12-31T23:59:59-12:00", "channel": "email"}
    refused(await bench.post(path, far), 422, "invalid-request", "received_at")
    beyond = {"received_at": "2050-01-01T10:00:00Z", "channel": "email"}
    refused(await bench.post(path, beyond), 422, "outside-calendar")
    unknown = {"received_at": moment, "channel": "telex"}
    refused(await bench.post(path, unknown), 422, "unknown-channel", "channel")
    extra = {"received_at": moment, "channel": "email", "colour": "red"}
    refused(await bench.post(path, extra), 422, "invalid-request", "colour")
    broken = await bench.http.post(
        f"/sla/v1/{path}", content=b'{"a":', headers={"content-type": "application/json"}
    )
    refused(broken, 400, "malformed-json")
    text = await bench.http.post(f"/sla/v1/{path}", content=b"{}")
    refused(text, 415, "unsupported-content-type")


async def test_the_list_is_sorted_filtered_and_paged(bench: SlaBench) -> None:
    early = Inquiry(received_at=berlin("2026-03-02 08:00"), channel="x")
    middle = Inquiry(received_at=berlin("2026-03-02 09:30"))
    late = Inquiry(received_at=berlin("2026-03-02 10:00"))
    silent = Inquiry(channel="youtube")
    await bench.hears_together(*[each.received() for each in (late, early, silent, middle)])
    await bench.hears(middle.todo_created("technical"), late.answered(berlin("2026-03-02 10:30")))

    async def ids(**wanted: Any) -> list[str]:
        return [each["inquiry_id"] for each in (await bench.get("deadlines", **wanted))["items"]]

    everything = [str(each.id) for each in (early, middle, late)]
    shown = (await bench.get("deadlines"))["items"]
    assert [each["reference"] for each in shown] == [
        reference_of(each.id) for each in (early, middle, late)
    ]
    detail = await bench.get(f"deadlines/{early.id}")
    assert detail["reference"] == shown[0]["reference"]
    assert await ids() == everything
    assert await ids(channel="x") == [str(early.id)]
    assert await ids(desk="technical") == [str(middle.id)]
    assert await ids(state="running") == everything[:2]
    assert await ids(state="met") == [str(late.id)]
    assert await ids(target="follow_up") == []
    assert await ids(due_before=berlin("2026-03-03 09:00").isoformat()) == [str(early.id)]
    assert await ids(due_after=berlin("2026-03-03 09:00").isoformat()) == everything[1:]
    first = await bench.get("deadlines", limit=2)
    assert [each["inquiry_id"] for each in first["items"]] == everything[:2]
    second = await bench.get("deadlines", limit=2, cursor=first["next_cursor"])
    assert [each["inquiry_id"] for each in second["items"]] == everything[2:]
    assert second["next_cursor"] is None


async def test_the_list_shows_a_breach_before_any_timer_ran(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-03 10:00"))
    assert (await bench.get("deadlines", state="breached"))["items"] == []
    bench.clock.set(berlin("2026-03-03 10:01"))
    (shown,) = (await bench.get("deadlines", state="breached"))["items"]
    assert (shown["state"], shown["breached_at"]) == ("breached", utc(berlin("2026-03-03 10:00")))
    assert (await bench.get("deadlines", breached="true"))["items"] == [shown]
    assert (await bench.get("deadlines", breached="false"))["items"] == []
    assert (await bench.get("deadlines", state="running"))["items"] == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"state": "asleep"}, "invalid-request"),
        ({"due_before": "2026-03-02T10:00:00"}, "invalid-request"),
        ({"cursor": "bm9uc2Vuc2U"}, "unknown-cursor"),
        ({"limit": 0}, "invalid-request"),
        ({"breached": "perhaps"}, "invalid-request"),
    ],
)
async def test_wrong_lists(bench: SlaBench, wanted: dict[str, Any], code: str) -> None:
    answer = await bench.http.get("/sla/v1/deadlines", params=wanted)
    refused(answer, 422, code, next(iter(wanted)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_key_that_may_only_write_gets_no_contents_back(
    bench: SlaBench, tmp_path: Path
) -> None:
    key = f"desk_{'clerk':_<20}"
    scopes: tuple[Scope, ...] = ("deadlines:write",)
    add_key(tmp_path / "keys.json", name="clerk", key=key, scopes=scopes, now=bench.clock.now())
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    for at, verb, body, state in (
        ("12:00", "pause", {"reason": "asked"}, "paused"),
        ("13:00", "resume", None, "running"),
    ):
        bench.clock.set(berlin(f"2026-03-02 {at}"))
        answer = await bench.post(f"deadlines/{inquiry.id}/{verb}", body, key=key)
        assert answer.json() == {"inquiry_id": str(inquiry.id), "state": state}
    answer = await bench.request("GET", f"deadlines/{inquiry.id}", key=key)
    refused(answer, 403, "scope-missing")


async def test_the_history_has_the_key_that_acted(bench: SlaBench) -> None:
    inquiry = Inquiry()
    at = berlin("2026-03-02 11:00")
    key = {"key_name": "desk-tool"}
    claimed = inquiry.claimed(at).model_copy(update=key)
    answered = inquiry.answered(berlin("2026-03-02 12:00")).model_copy(update=key)
    await bench.hears(inquiry.received(), inquiry.todo_created("technical"), claimed)
    bench.clock.set(at)
    await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "asked"})
    await bench.hears(answered)
    shown = (await bench.get(f"deadlines/{inquiry.id}"))["history"]
    found = {each["fact"]: (each["by"], each["key_name"]) for each in shown}
    assert found["taken_over"][1] == found["answered"][1] == "desk-tool"
    assert found["paused"] == ("anna", "anna")
    assert found["started"] == (None, None)


async def test_a_clock_is_shown_with_its_history_at_any_moment(bench: SlaBench) -> None:
    inquiry = Inquiry()
    follow_up = berlin("2026-03-05 12:00")
    await bench.hears(inquiry.received(), inquiry.todo_created("inbound"))
    bench.clock.set(berlin("2026-03-02 11:00"))
    await bench.hears(inquiry.held(berlin("2026-03-02 11:00"), follow_up))
    now = await bench.get(f"deadlines/{inquiry.id}")
    assert (now["state"], now["target"], now["due_at"]) == ("running", "follow_up", utc(follow_up))
    assert now["desk"] == "inbound"
    assert [each["state"] for each in now["targets"]] == ["met", "running"]
    assert [(each["fact"], each["by"]) for each in now["history"]] == [
        ("started", None),
        ("held", "anna"),
        ("met", None),
    ]
    before = await bench.get(f"deadlines/{inquiry.id}", as_of="2026-03-02T10:59:59+01:00")
    assert (before["state"], before["target"]) == ("running", "first_answer")
    assert before["remaining_seconds"] == 86_400 - 3_599
    breached = await bench.get(f"deadlines/{inquiry.id}", as_of="2026-03-05T12:00:01+01:00")
    assert breached["state"] == "breached"
    assert (breached["history"][-1]["fact"], breached["history"][-1]["detail"]) == (
        "breached",
        "follow_up",
    )


async def test_the_history_has_what_followed_from_the_facts(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-02 12:00"))
    until = {"reason": "asked", "until": "2026-03-02T13:00:00+01:00"}
    await bench.post(f"deadlines/{inquiry.id}/pause", until)
    for moment in ("2026-03-02 13:00", "2026-03-03 09:00", "2026-03-03 10:00", "2026-03-04 09:00"):
        bench.clock.set(berlin(moment))
        await bench.tick()
    await bench.hears(inquiry.answered(bench.clock.now()))
    shown = await bench.get(f"deadlines/{inquiry.id}")
    assert [(each["at"], each["fact"], each["detail"]) for each in shown["history"]] == [
        (utc(berlin("2026-03-02 10:00")), "started", "answer"),
        (utc(berlin("2026-03-02 12:00")), "paused", "asked"),
        (utc(berlin("2026-03-02 13:00")), "resumed", "the pause had reached its bound"),
        (utc(berlin("2026-03-03 09:00")), "warned", "75%"),
        (utc(berlin("2026-03-03 10:00")), "warned", "1h before end"),
        (utc(berlin("2026-03-03 11:00")), "breached", "first_answer"),
        (utc(berlin("2026-03-04 09:00")), "answered", None),
        (utc(berlin("2026-03-04 09:00")), "met_late", "first_answer"),
    ]
    resumed = await bench.get(f"deadlines/{inquiry.id}", as_of="2026-03-02T13:00:00+01:00")
    assert resumed["history"] == shown["history"][:3]
    paused = await bench.get(f"deadlines/{inquiry.id}", as_of="2026-03-02T12:59:59+01:00")
    assert paused["history"] == shown["history"][:2]


async def test_wrong_moments_and_unknown_inquiries(bench: SlaBench) -> None:
    inquiry, silent = Inquiry(), Inquiry(channel="flickr")
    await bench.hears(inquiry.received(), silent.received())
    for path in (f"deadlines/{inquiry.id}", f"deadlines/{inquiry.id}/explanation"):
        early = await bench.http.get(
            f"/sla/v1/{path}", params={"as_of": "2026-03-02T09:59:59+01:00"}
        )
        problem = refused(early, 422, "as-of-too-early", "as_of")
        assert "2026-03-02T09:00:00+00:00" in problem["errors"][0]["expected"]
        naive = await bench.http.get(f"/sla/v1/{path}", params={"as_of": "2026-03-02T12:00:00"})
        refused(naive, 422, "invalid-request", "as_of")
    for suffix in ("", "/explanation"):
        refused(await bench.http.get(f"/sla/v1/deadlines/{new_id()}{suffix}"), 404,
                "unknown-inquiry")  # fmt: skip
        refused(await bench.http.get(f"/sla/v1/deadlines/{silent.id}{suffix}"), 404, "no-clock")
    refused(await bench.http.get("/sla/v1/deadlines/7"), 422, "invalid-request", "inquiry_id")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_clock_with_many_pauses_shows_the_newest_lines(
    bench: SlaBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    for _ in range(55):
        bench.clock.advance(timedelta(seconds=1))
        await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "asked"})
        bench.clock.advance(timedelta(seconds=1))
        await bench.post(f"deadlines/{inquiry.id}/resume")
    shown = await bench.get(f"deadlines/{inquiry.id}")
    assert (len(shown["history"]), shown["history_count"]) == (50, 111)
    assert shown["history"][-1]["fact"] == "resumed"
    assert len(shown["targets"][0]["pauses"]) == 50
    assert (shown["targets"][0]["pause_count"], shown["target_count"]) == (55, 1)
    path = f"deadlines/{inquiry.id}/explanation"
    (whole,) = (await bench.get(path))["targets"]
    assert whole["more_intervals"] == 0
    monkeypatch.setattr(views, "MOST_INTERVALS", 60)
    (cut,) = (await bench.get(path))["targets"]
    assert cut["intervals"] == whole["intervals"][:60]
    assert cut["more_intervals"] == len(whole["intervals"]) - 60
    # All targets share the bound, the newest one first.
    await bench.hears(inquiry.held(bench.clock.now(), follow_up_at=berlin("2026-03-20 12:00")))
    explained = await bench.get(path)
    assert explained["target_count"] == len(explained["targets"]) == 2
    first, follow_up = (len(each["intervals"]) for each in explained["targets"])
    assert 0 < follow_up < 60
    assert first == 60 - follow_up


async def test_an_explanation_adds_up_and_shows_the_pause(bench: SlaBench) -> None:
    inquiry = Inquiry(received_at=berlin("2026-03-06 16:00"))
    bench.clock.set(inquiry.received_at)
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-06 16:30"))
    await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "asked for a screenshot"})
    bench.clock.set(berlin("2026-03-09 10:00"))
    await bench.post(f"deadlines/{inquiry.id}/resume")
    shown = await bench.get(f"deadlines/{inquiry.id}/explanation")
    assert shown["timezone"] == "Europe/Berlin"
    assert shown["promises"][0]["because"] == "holds for every promised channel"
    (target,) = shown["targets"]
    intervals = target["intervals"]
    assert sum(each["seconds"] for each in intervals if each["counted"]) == 86_400
    assert ("paused", "asked for a screenshot") in [(e["reason"], e["name"]) for e in intervals]
    for first, second in pairwise(intervals):
        assert first["end"] == second["start"]
    assert target["due_at"] == (await bench.get(f"deadlines/{inquiry.id}"))["due_at"]


async def test_pause_and_resume(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    path = f"deadlines/{inquiry.id}"
    bench.clock.set(berlin("2026-03-02 12:00"))
    refused(await bench.post(f"{path}/resume"), 409, "clock-not-paused")
    too_long = {"reason": "asked", "until": "2026-03-16T12:00:01+01:00"}
    refused(await bench.post(f"{path}/pause", too_long), 422, "pause-too-long", "until")
    past = {"reason": "asked", "until": "2026-03-02T12:00:00+01:00"}
    refused(await bench.post(f"{path}/pause", past), 422, "pause-ends-before-it-begins", "until")
    refused(await bench.post(f"{path}/pause", {"reason": "  "}), 422, "invalid-request", "reason")
    paused = (await bench.post(f"{path}/pause", {"reason": "asked"})).json()
    assert paused["state"] == "paused"
    assert paused["targets"][0]["pauses"][0]["end"] == utc(berlin("2026-03-16 12:00"))
    assert paused["history"][-1]["by"] == "anna"
    bench.clock.set(berlin("2026-03-03 12:00"))
    longer = {"reason": "asked again", "until": "2026-03-16T13:00:00+01:00"}
    refused(await bench.post(f"{path}/pause", longer), 422, "pause-too-long", "until")
    resumed = (await bench.post(f"{path}/resume")).json()
    assert (resumed["state"], resumed["due_at"]) == ("running", utc(berlin("2026-03-04 10:00")))
    assert [each.get("cause") for each in await bench.published(inquiry.id)] == [
        None,
        "paused",
        "resumed",
    ]


async def test_a_clock_that_has_ended_or_was_breached_cannot_be_paused(bench: SlaBench) -> None:
    met, breached = Inquiry(), Inquiry()
    await bench.hears(met.received(), met.answered(berlin("2026-03-02 11:00")), breached.received())
    bench.clock.set(berlin("2026-03-03 11:00"))
    for inquiry in (met, breached):
        answer = await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "too late"})
        refused(answer, 409, "clock-not-running")
    refused(await bench.post(f"deadlines/{new_id()}/resume"), 404, "unknown-inquiry")
    assert await bench.fact_kinds(breached.id) == ["started"]


async def test_the_calendar_names_holidays_and_open_intervals(bench: SlaBench) -> None:
    shown = await bench.get("calendar", **{"from": "2027-03-05", "to": "2027-03-09"})
    assert shown["timezone"] == "Europe/Berlin"
    assert [each["start"] for each in shown["open"]] == [
        utc(berlin("2027-03-05 09:00")),
        utc(berlin("2027-03-09 09:00")),
    ]
    assert [(each["day"], each["name"]) for each in shown["holidays"]] == [
        ("2027-03-08", "Frauentag")
    ]
    month = await bench.get("calendar")
    assert (month["first_day"], month["last_day"]) == ("2026-03-02", "2026-04-01")
    last_year = await bench.get("calendar", **{"from": "2036-12-31", "to": "2036-12-31"})
    assert len(last_year["open"]) == 1


@pytest.mark.parametrize(
    "span",
    [
        {"from": "2026-03-09", "to": "2026-03-08"},
        {"from": "2026-01-01", "to": "2027-01-02"},
        {"from": "1999-01-01"},
        {"from": "2026-01-01", "to": "9999-12-31"},
    ],
)
async def test_wrong_spans(bench: SlaBench, span: dict[str, str]) -> None:
    for path in ("calendar", "calendar.ics"):
        refused(await bench.http.get(f"/sla/v1/{path}", params=span), 422, "wrong-span")
    wrong = await bench.http.get("/sla/v1/calendar", params={"from": "tomorrow"})
    refused(wrong, 422, "invalid-request", "from")


async def test_the_calendars_to_subscribe_to(bench: SlaBench) -> None:
    inquiry, other = Inquiry(), Inquiry()
    await bench.hears(inquiry.received(), other.received(), inquiry.todo_created("technical"))
    answer = await bench.http.get("/sla/v1/deadlines.ics", params={"desk": "technical"})
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert f"UID:{inquiry.id}@inbound-desk\r\n" in answer.text
    assert "DTEND:20260303T090000Z\r\n" in answer.text
    assert str(other.id) not in answer.text
    both = await bench.http.get("/sla/v1/deadlines.ics")
    assert both.text.count("BEGIN:VEVENT") == 2
    unknown = await bench.http.get("/sla/v1/deadlines.ics", params={"desk": "kitchen"})
    refused(unknown, 422, "unknown-desk", "desk")
    hours = await bench.http.get("/sla/v1/calendar.ics")
    assert "DTSTART;VALUE=DATE:20260501\r\n" in hours.text
    assert "SUMMARY:Erster Mai\r\n" in hours.text


@pytest.mark.parametrize("path", ["calendar.ics", "deadlines.ics"])
async def test_a_calendar_program_sends_the_key_as_a_password(bench: SlaBench, path: str) -> None:
    async def fetch(authorization: str) -> httpx.Response:
        sent = {b"Authorization": authorization.encode("latin-1")}
        return await bench.http.get(f"/sla/v1/{path}", headers=sent)

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    for right in (basic(f"desk:{KEY}"), basic(f":{KEY}"), f"Bearer {KEY}"):
        assert (await fetch(right)).status_code == 200
    refused(await fetch(basic("desk:wrong")), 401, "key-unknown")
    for wrong in ("", "Basic", "Basic %%%", "Basic ÄÖ", basic("desk"), basic("desk:"), "Digest x"):
        answer = await fetch(wrong)
        refused(answer, 401, "key-missing")
        assert answer.headers["www-authenticate"].startswith("Basic ")
    # A browser would send it along with whatever a foreign page makes it send.
    other = await bench.http.get(
        "/sla/v1/deadlines", headers={"Authorization": basic(f"desk:{KEY}")}
    )
    refused(other, 401, "key-missing")
    assert other.headers["www-authenticate"].startswith("Bearer ")


async def test_no_key_and_the_wrong_scope(bench: SlaBench) -> None:
    for path in ("deadlines", "calendar", "calendar.ics", "deadlines.ics", "reports/promise"):
        answer = await bench.http.get(f"/sla/v1/{path}", headers={"Authorization": ""})
        refused(answer, 401, "key-missing")
    answer = await bench.http.post(
        f"/sla/v1/deadlines/{new_id()}/resume", headers={"Authorization": "Bearer wrong"}
    )
    refused(answer, 401, "key-unknown")


async def test_the_document_is_valid_and_every_operation_is_described(bench: SlaBench) -> None:
    document = (await bench.http.get("/sla/openapi.json")).json()
    validate(document)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_filter_for_what_the_policy_lacks_is_an_error(bench: SlaBench) -> None:
    for path, field in (
        ("deadlines", "channel"),
        ("deadlines", "desk"),
        ("deadlines.ics", "desk"),
        ("notifications", "target"),
    ):
        answer = await bench.http.get(f"/sla/v1/{path}", params={field: "kitchen"})
        refused(answer, 422, f"unknown-{field}", field)
