"""What answers say is published with them, and again where it was not or is something else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.cli.backfill import publish_answers
from services.intake.inquiries.store.facts import ANSWER_LIMIT
from services.intake.inquiries.usecases import answers
from shared.db import Write
from shared.events.inquiries import InquiryAnswered, ReplyWithdrawn
from shared.runtime.ids import new_id
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import OWN_ID, Desk, message
from tests.services.intake.test_retention import AGE, removed

MINUTE = timedelta(minutes=1)
ADVICE = "Bitte leeren Sie den Cache."


async def facts(desk: Desk) -> list[InquiryAnswered]:
    return [each.data for each in await desk.told() if isinstance(each.data, InquiryAnswered)]


async def question(desk: Desk, **fields: Any) -> str:
    return f"/inquiries/{(await desk.new_inquiry(**fields))['inquiry_id']}"


async def reply(desk: Desk, path: str, text: str = ADVICE, **fields: Any) -> str:
    answer = await desk.post(f"{path}/replies", {"kind": "answer", "text": text, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["message_id"])


async def posts(desk: Desk, text: str, type_: str = "message.created", **fields: Any) -> None:
    said = message(id="own", thread_id="t", author={"id": OWN_ID}, text=text, **fields)
    assert (await desk.deliver(said, channel="email", type_=type_)).status_code in {200, 202}
    desk.clock.advance(MINUTE)


async def test_an_answer_tells_its_words(desk: Desk) -> None:
    await reply(desk, await question(desk))
    (fact,) = await facts(desk)
    assert fact.text == ADVICE


async def test_a_long_answer_tells_its_beginning(desk: Desk) -> None:
    await reply(desk, await question(desk), "🦊" * 100_000)
    (fact,) = await facts(desk)
    assert fact.text == "🦊" * ANSWER_LIMIT


async def test_what_a_reply_is_classified_as_tells_its_words_again(desk: Desk) -> None:
    path = await question(desk)
    reply_id = await reply(desk, path)
    for kind in ("none", "answer"):
        await desk.post(f"{path}/replies/{reply_id}/reclassify", {"kind": kind})
    (_, again) = await facts(desk)
    assert (again.text, again.revision) == (ADVICE, 4)


async def test_a_post_that_answers_tells_its_words_and_those_of_an_edit(desk: Desk) -> None:
    said = message(id="m", thread_id="t", author="u", text="Wann öffnet die Anmeldung?")
    await desk.accepted(said, channel="email")
    desk.clock.advance(MINUTE)
    await posts(desk, "Am Montag.")
    (fact,) = await facts(desk)
    assert fact.text == "Am Montag."
    await posts(desk, "Am Dienstag.", "message.edited")
    _, edited = await facts(desk)
    assert edited == fact.model_copy(update={"text": "Am Dienstag."})


async def test_a_post_that_is_edited_back_and_forth_is_told_each_time(desk: Desk) -> None:
    said = message(id="m", thread_id="t", author="u", text="Wann öffnet die Anmeldung?")
    await desk.accepted(said, channel="email")
    desk.clock.advance(MINUTE)
    await posts(desk, "Am Montag.")
    for text in ("Am Dienstag.", "Am Montag.", "Am Dienstag."):
        await posts(desk, text, "message.edited")
    told = [each for each in await desk.told() if isinstance(each.data, InquiryAnswered)]
    texts = [each.data.text for each in told if isinstance(each.data, InquiryAnswered)]
    assert texts == ["Am Montag.", "Am Dienstag.", "Am Montag.", "Am Dienstag."]
    assert len({each.id for each in told}) == 4, "one of the same id would not be handled again"


async def test_the_backfill_tells_answers_again_without_any_other_change(desk: Desk) -> None:
    database = desk.service.database
    paths = [await question(desk, thread_id=f"t{number}") for number in range(3)]
    for path in paths:
        await reply(desk, path)
    held = await question(desk, thread_id="held")
    holding = {"kind": "holding", "text": "Wir klären das.", "follow_up_at": "2026-11-27T12:00Z"}
    await desk.post(f"{held}/replies", holding)
    told, before = await facts(desk), [await desk.get(path) for path in paths]
    desk.clock.advance(MINUTE)
    assert await publish_answers(database, since=NOON) == 3
    everything = await desk.told()
    again = [each.data for each in everything[-3:]]
    assert sorted(again, key=str) == sorted(told, key=str)
    assert [await desk.get(path) for path in paths] == before
    assert await publish_answers(database, since=NOON + MINUTE) == 0
    assert await publish_answers(database, since=NOON) == 3
    ids = [[each.id for each in part] for part in (everything[-3:], (await desk.told())[-3:])]
    assert ids[0] == ids[1], "the same facts have the same ids, so that they are handled once"


async def test_the_backfill_leaves_out_what_is_no_answer_any_more(desk: Desk) -> None:
    database = desk.service.database
    taken_back = await question(desk, thread_id="a")
    reply_id = await reply(desk, taken_back)
    await desk.post(f"{taken_back}/replies/{reply_id}/reclassify", {"kind": "none"})
    assert isinstance((await desk.told())[-1].data, ReplyWithdrawn)
    closed = await question(desk, thread_id="b")
    await desk.post(f"{closed}/close", {"reason": "spam"})
    await reply(desk, await question(desk, thread_id="c"))
    desk.clock.advance(AGE + timedelta(days=1))
    assert (await removed(desk)).conversations >= 1
    assert await publish_answers(database, since=NOON) == 0


async def test_the_backfill_goes_in_pages(desk: Desk) -> None:
    for number in range(5):
        await reply(desk, await question(desk, thread_id=f"t{number}"))

    def page(tx: Write, after: Any) -> answers.Page:
        return answers.publish_page(tx, since=NOON, after=after, limit=2, now=desk.clock.now())

    found: list[int] = []
    after: UUID | None = answers.NOBODY
    while after is not None:
        made = await desk.service.database.write(page, after)
        found.append(made.answers)
        after = made.after
    assert found == [2, 2, 1]
    assert (await desk.service.database.write(page, new_id())).answers == 0
