"""What becomes of a customer's message on each platform: our post there ends its inquiry, in
whatever order the two come, and so does taking it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.connectors import (
    facebook_page_sample,
    instagram_sample,
    linkedin_sample,
    mastodon_sample,
    messenger_sample,
    whatsapp_sample,
    x_sample,
)
from tests.contracts.connectors.sample import Sample
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import Desk, opened
from tests.support.clock import ManualClock
from tests.support.migrated import MigratedFiles


@dataclass(frozen=True, slots=True)
class Talk:
    """What a customer says on a platform, and what we answer there."""

    sample: Sample
    asked: Any
    answered: Any


_OURS = {"from": {"id": facebook_page_sample.PAGE}}
_QUESTION, _ANSWER = (f"urn:li:comment:(activity:7261,{number})" for number in (1, 2))
_ANSWERED = {"text": "Gern!", "parentComment": "urn:li:comment:(urn:li:activity:7261,1)"}
TALKS: Mapping[str, Talk] = {
    "facebook_page": Talk(
        facebook_page_sample.SAMPLE,
        facebook_page_sample.comment("c-1"),
        facebook_page_sample.comment("c-2", parent_id="c-1", created_time=1795521630, **_OURS),
    ),
    "messenger": Talk(
        messenger_sample.SAMPLE,
        messenger_sample.message("m-1"),
        messenger_sample.echo("m-2", timestamp=1795521630000),
    ),
    "instagram": Talk(
        instagram_sample.SAMPLE,
        instagram_sample.comment("c-1"),
        instagram_sample.comment("c-2", author=instagram_sample.OURSELVES, parent_id="c-1"),
    ),
    "whatsapp": Talk(
        whatsapp_sample.SAMPLE,
        whatsapp_sample.message("w-1"),
        whatsapp_sample.echo("w-2", timestamp="1795521630"),
    ),
    "x": Talk(
        x_sample.SAMPLE,
        x_sample.post("1"),
        x_sample.post(
            "2", x_sample.OURSELVES, in_reply_to_status_id_str="1", timestamp_ms="1795521630000"
        ),
    ),
    "linkedin": Talk(
        linkedin_sample.SAMPLE,
        linkedin_sample.notification(_QUESTION),
        linkedin_sample.notification(
            _ANSWER,
            "ADMIN_COMMENT",
            decoratedGeneratedActivity={"comment": _ANSWERED},
            lastModifiedAt=1795521630000,
        ),
    ),
}
every_talk = pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)


async def deliver(desk: Desk, talk: Talk, *items: Any) -> dict[str, Any]:
    sent = talk.sample.signed(*items, now=desk.clock.now())
    headers = [(name.encode(), value) for name, value in sent.headers.items()]
    path = "/intake/v1/webhooks/facebook"
    answer = await desk.http.post(path, content=sent.body, headers=headers)
    assert answer.status_code == 200, answer.text
    counts: dict[str, Any] = answer.json()
    return counts


@every_talk
@pytest.mark.parametrize("order", ["after", "before", "together"])
async def test_what_we_write_there_ends_the_inquiry(
    talk: Talk, order: str, migrated_files: MigratedFiles, tmp_path: Path
) -> None:
    url = await migrated_files.copy("intake", tmp_path / "intake.sqlite")
    clock = ManualClock(datetime(2026, 11, 24, 12, 5, tzinfo=UTC))
    sample = talk.sample
    async with opened(
        url, tmp_path, clock, connector=sample.connector, secrets=sample.secrets
    ) as desk:
        deliveries = {
            "after": [[talk.asked], [talk.answered]],
            "before": [[talk.answered], [talk.asked]],
            "together": [[talk.asked, talk.answered]],
        }
        placed: list[str] = []
        for items in deliveries[order] * 2:  # each comes twice, as platforms do
            placed += (await deliver(desk, talk, *items))["inquiries"]
            clock.advance(timedelta(seconds=10))
        shown = await desk.detail(placed[0])
        assert set(placed) == {placed[0]}
        assert (shown["state"], shown["end_count"]) == ("answered", 1)


@every_talk
async def test_what_is_taken_back_there_waits_for_no_answer(
    talk: Talk, migrated_files: MigratedFiles, tmp_path: Path
) -> None:
    url = await migrated_files.copy("intake", tmp_path / "intake.sqlite")
    clock = ManualClock(datetime(2026, 11, 24, 12, 5, tzinfo=UTC))
    sample = talk.sample
    async with opened(
        url, tmp_path, clock, connector=sample.connector, secrets=sample.secrets
    ) as desk:
        (placed,) = (await deliver(desk, talk, sample.items["message"]("7")))["inquiries"]
        for _ in range(2):
            gone = await deliver(desk, talk, sample.items["withdrawn"]("7"))
            assert (gone["accepted"], gone["ignored"]) == (0, 1)
        shown = await desk.detail(placed)
        assert shown["state"] == "closed"
        assert shown["reason"] == "withdrawn"


async def test_an_edit_without_the_mention_opens_nothing(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    sample = mastodon_sample.SAMPLE
    talk = Talk(sample, None, None)

    def post(name: str, mentioned: str, words: str, id_: str, **parts: Any) -> Any:
        content, mentions = f"<p>{words}</p>", [{"id": mentioned}]
        return mastodon_sample.event(name, mentions=mentions, content=content, **parts)(id_)

    async with opened(
        database_url,
        tmp_path,
        clock,
        connector=sample.connector,
        secrets=sample.secrets,
        facebook={"own_ids": ("7",)},
    ) as desk:
        strange = post("status.updated", "8", "Hallo", "2", edited_at=at(1))
        assert (await deliver(desk, talk, strange))["ignored_items"] == _PASSED_OVER
        assert await desk.stored() == 0
        asked = await deliver(desk, talk, post("status.created", "7", "Wann öffnet es?", "1"))
        (inquiry,) = asked["inquiries"]
        dropped = post("status.updated", "8", "Hat sich erledigt", "1", edited_at=at(1))
        for _ in range(2):
            answer = await deliver(desk, talk, dropped)
            assert answer["ignored_items"] == [{"index": 0, "reason": "edited"}]
        (message,) = (await desk.detail(inquiry))["messages"]
        assert message["text"] == "Hat sich erledigt"
        desk.clock.advance(timedelta(minutes=5))
        closed = {"kind": "answer", "text": "Gern"}
        assert (await desk.post(f"/inquiries/{inquiry}/replies", closed)).status_code == 201
        desk.clock.advance(timedelta(minutes=5))
        other = post("status.updated", "8", "Und was kostet die Anreise?", "1", edited_at=at(8))
        await deliver(desk, talk, other)
        assert await desk.stored() == 2
        assert (await desk.detail(inquiry))["messages"][0]["text"] == "Und was kostet die Anreise?"


_PASSED_OVER = [{"index": 0, "reason": "event-type"}]


def at(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()
