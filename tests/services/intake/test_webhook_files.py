"""Recorded deliveries with what must become of them, signed anew by the test's clock.

`inquiries` are the new ones after all that was delivered, `ignored` what made none, `rejected`
means that the request as a whole is refused and nothing stored.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.intake.desk import OWN_ID, SECRET, Desk

FOLDER = Path(__file__).parents[2] / "data" / "webhooks"
CASES = sorted(
    str(path.relative_to(FOLDER)).removesuffix(".expect.json")
    for path in (FOLDER / "standard_webhooks").glob("*.expect.json")
)


def _expectation(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{case}.expect.json").read_text())
    assert found["secret"] == SECRET
    assert found["own_ids"] == [OWN_ID]
    return found


async def _send(desk: Desk, case: str) -> httpx.Response:
    how = _expectation(case)["sign"]
    assert set(how) <= {"scheme", "id", "skew"}
    body = (FOLDER / f"{case}.json").read_bytes()
    headers = desk.signed(body, seconds_off=how.get("skew", 0), webhook_id=how["id"])
    return await desk.deliver_raw(body, headers=headers)


async def _inquiries(desk: Desk) -> dict[str, dict[str, Any]]:
    """Every inquiry by the external id of the message that opened it."""
    details = [await desk.detail(item["id"]) for item in (await desk.get("/inquiries"))["items"]]
    return {detail["messages"][0]["external_id"]: detail for detail in details}


def test_there_are_cases() -> None:
    assert len(CASES) == 9


@pytest.mark.parametrize("case", CASES)
async def test_a_recorded_delivery(desk: Desk, case: str) -> None:
    expected = _expectation(case)
    for earlier in expected.get("after", ()):
        assert (await _send(desk, earlier)).is_success
    before = await _inquiries(desk)
    answer = await _send(desk, case)
    wanted = expected["status"]
    assert str(answer.status_code) in wanted or ("2xx" in wanted and answer.is_success), answer.text
    found = {name: shown for name, shown in (await _inquiries(desk)).items() if name not in before}
    assert set(found) == {each["external_id"] for each in expected["inquiries"]}
    for each in expected["inquiries"]:
        _compare(found[each["external_id"]], each)
    if expected.get("rejected"):
        assert await desk.stored() == len(before) == 0
    else:
        counts = answer.json()
        assert counts["ignored"] + counts["duplicate"] == expected["ignored"]


def _compare(shown: dict[str, Any], expected: dict[str, Any]) -> None:
    (stored,) = shown["messages"]
    assert stored["text"] == expected["text"]
    assert stored["author_name"] == expected["author_name"]
    assert stored["sent_at"] == expected["sent_at"]
    assert shown["contact"]["identities"][0]["key"] == f"id:{expected['author_id']}"
