"""The bytes of every fact on the bus are kept in tests/data/events: what was once written must be
read by every later version, and what is written changes only on purpose.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest

from shared.bus.port import Partition, Received, Record
from shared.events import Fact
from shared.events.catalogue import FACTS, topics
from shared.events.deadlines import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMoved,
    DeadlineStarted,
    DeadlineWarning,
)
from shared.events.inquiries import (
    CloseReason,
    HashtagUse,
    InquiryAnswered,
    InquiryClosed,
    InquiryHeld,
    InquiryReceived,
    MessageAdded,
    MessageEdited,
    MessageWithdrawn,
    OwnPostSeen,
    ReplyWithdrawn,
)
from shared.events.todos import (
    Reason,
    TodoClaimed,
    TodoCompleted,
    TodoCreated,
    TodoDismissed,
    TodoReleased,
    TodoReopened,
    TodoRerouted,
)
from shared.messaging import control_events
from shared.messaging.codec import MalformedRecordError, record_of, to_envelope, topic_of

FOLDER = Path(__file__).parents[2] / "data" / "events"
AT = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _id(number: int) -> UUID:
    return UUID(f"019ab0c2-7d0e-7c31-9f0a-{number:012d}")


_IDS: dict[str, Any] = {"inquiry_id": _id(1), "conversation_id": _id(2)}
_MESSAGE = {
    **_IDS,
    "contact_id": _id(3),
    "message_id": _id(4),
    "channel": "facebook",
    "received_at": AT,
    "text": "Wann öffnet die Anmeldung zum #iico2013? 🦊\n\u2028",
    "subject": "Anmeldung",
    "hashtags": (HashtagUse(tag="iico", year=2013), HashtagUse(tag="hilfe")),
}
_TODO = {**_IDS, "todo_id": _id(5)}
_CLOCK = {
    **_IDS,
    "state": "running",
    "target": "first_answer",
    "due_at": AT + timedelta(days=1),
    "at": AT,
}
EXAMPLES: tuple[Fact, ...] = (
    InquiryReceived.model_validate(_MESSAGE),
    MessageAdded.model_validate({**_MESSAGE, "subject": None, "hashtags": ()}),
    MessageEdited(
        **_IDS,
        message_id=_id(4),
        channel="facebook",
        edited_at=AT,
        text="Wann öffnet die Anmeldung zum #iico2013? 🦊",
        subject="Anmeldung",
        hashtags=(HashtagUse(tag="iico", year=2013),),
    ),
    MessageWithdrawn(**_IDS, message_id=_id(4), withdrawn_at=AT),
    InquiryAnswered(
        **_IDS, message_id=_id(4), answered_at=AT, answered_by="Carla", text="Ab Montag. 🦊"
    ),
    InquiryHeld(
        **_IDS, message_id=_id(4), held_at=AT, held_by="Carla", follow_up_at=AT + timedelta(days=2)
    ),
    ReplyWithdrawn(**_IDS, message_id=_id(4), revision=1, withdrawn_at=AT, withdrawn_by="Carla"),
    OwnPostSeen(**_IDS, message_id=_id(4), posted_at=AT, posted_by="Infopark"),
    InquiryClosed(**_IDS, reason="withdrawn", closed_at=AT, closed_by="Carla"),
    TodoCreated(
        **_TODO,
        desk="technical",
        kind="technical",
        confidence=0.75,
        reasons=(Reason(rule="term", word="abgestürzt", weight=1.5),),
        created_at=AT,
    ),
    TodoClaimed(**_TODO, assignee="Carla", desk="technical", claimed_at=AT),
    TodoReleased(**_TODO, released_at=AT, released_by="Carla"),
    TodoRerouted(
        **_TODO,
        from_desk="inbound",
        desk="technical",
        reason="gehört dorthin",
        rerouted_at=AT,
        rerouted_by="Carla",
    ),
    TodoCompleted(**_TODO, completed_at=AT, completed_by="Carla"),
    TodoDismissed(**_TODO, reason="netiquette", dismissed_at=AT, dismissed_by="Carla"),
    TodoReopened(
        **_TODO,
        desk="technical",
        reason="das war keine Antwort",
        reopened_at=AT,
        reopened_by="Anna",
    ),
    DeadlineStarted.model_validate({**_CLOCK, "channel": "facebook", "promise": "standard"}),
    DeadlineMoved.model_validate({**_CLOCK, "cause": "held"}),
    DeadlineWarning.model_validate({**_CLOCK, "level": "75%"}),
    DeadlineBreached.model_validate({**_CLOCK, "state": "breached"}),
    DeadlineMet.model_validate({**_CLOCK, "state": "met"}),
    DeadlineCancelled.model_validate({**_CLOCK, "state": "cancelled", "reason": "spam"}),
    control_events.RelayCaughtUp(service="intake", until=AT),
    control_events.RecordDeadLettered(
        consumer="router",
        topic="inbound-desk.inquiries",
        partition=3,
        offset=42,
        record_key=str(_id(2)),
        value_base64="e30=",
        headers={"ce_type": "inquiry.received"},
        reason="MalformedRecordError('…')",
        failed_at=AT,
    ),
)


def written(fact: Fact) -> Record:
    """The fact as the relay puts it on the bus."""
    return record_of(
        fact, event_id=_id(9), key=str(_id(2)), traceparent=TRACE, time=AT, source="/intake"
    )


def golden(type_: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{type_}.json").read_text(encoding="utf-8"))
    return found


def document(record: Record) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "key": record.key,
        "headers": {name: value.decode() for name, value in record.headers},
        "value": record.value.decode(),
    }


def received(kept: dict[str, Any], **headers: str) -> Received:
    whole = {**kept["headers"], **headers}
    return Received(
        Partition(kept["topic"], 0),
        0,
        kept["key"],
        kept["value"].encode(),
        tuple((name, value.encode()) for name, value in whole.items()),
    )


def test_every_fact_has_its_example_and_its_file() -> None:
    assert [type(fact) for fact in EXAMPLES] == list(FACTS)
    assert {path.stem for path in FOLDER.glob("*.json")} == {fact.TYPE for fact in FACTS}


@pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: fact.TYPE)
def test_a_fact_is_written_as_ever(fact: Fact) -> None:
    assert document(written(fact)) == golden(fact.TYPE)


@pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: fact.TYPE)
def test_a_kept_fact_is_still_read(fact: Fact) -> None:
    envelope = to_envelope(received(golden(fact.TYPE)))
    assert envelope.data == fact
    assert (envelope.id, envelope.key, envelope.time) == (_id(9), str(_id(2)), AT)
    assert envelope.traceparent == TRACE


@pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: fact.TYPE)
def test_a_field_of_a_later_version_is_passed_over(fact: Fact) -> None:
    kept = golden(fact.TYPE)
    kept["value"] = json.dumps({**json.loads(kept["value"]), "a_new_field": {"x": 1}})
    assert to_envelope(received(kept)).data == fact


def test_an_answer_of_before_there_were_revisions_is_still_read() -> None:
    kept = golden("inquiry.answered")
    value = json.loads(kept["value"])
    del value["revision"]
    fact = to_envelope(received({**kept, "value": json.dumps(value)})).data
    assert isinstance(fact, InquiryAnswered)
    assert fact.revision == 0


def test_an_answer_of_before_its_words_were_told_is_still_read() -> None:
    kept = golden("inquiry.answered")
    value = json.loads(kept["value"])
    del value["text"]
    fact = to_envelope(received({**kept, "value": json.dumps(value)})).data
    assert isinstance(fact, InquiryAnswered)
    assert fact.text is None


BY_PEOPLE = [fact for fact in EXAMPLES if "key_name" in type(fact).model_fields]


@pytest.mark.parametrize("fact", BY_PEOPLE, ids=lambda fact: fact.TYPE)
def test_the_key_that_acted_is_told_beside_the_person(fact: Fact) -> None:
    """The kept facts are of before; with a key only that field is more."""
    told = fact.model_copy(update={"key_name": "desk-tool"})
    record = written(told)
    kept = json.loads(golden(fact.TYPE)["value"])
    assert json.loads(record.value) == {**kept, "key_name": "desk-tool"}
    assert to_envelope(received(document(record))).data == told
    assert "key_name" not in kept


def test_every_fact_of_a_person_tells_the_key() -> None:
    persons = {name for name in _all_fields() if name.endswith("_by")} - {
        "posted_by",
        "decided_by",
    } | {"assignee"}
    told = [fact for fact in FACTS if persons & set(fact.model_fields)]
    assert told == [type(fact) for fact in BY_PEOPLE]


def _all_fields() -> set[str]:
    return {name for fact in FACTS for name in fact.model_fields}


def test_every_fact_that_is_told_has_a_topic() -> None:
    there = {topic.name for topic in topics(retention_days=14)}
    told = {fact for fact in FACTS if fact is not control_events.RecordDeadLettered}
    assert {topic_of(fact.AGGREGATE) for fact in told} == there


@pytest.mark.parametrize(
    ("headers", "value", "reason"),
    [
        ({"ce_type": "inquiry.vanished"}, None, "no event type"),
        ({"ce_id": "7"}, None, "ce_ header"),
        ({"ce_time": "gestern"}, None, "ce_ header"),
        ({"ce_dataschema": "urn:inbound-desk:event:inquiry.closed:2"}, None, "newer than"),
        ({"ce_dataschema": "urn:inbound-desk:event:inquiry.closed:"}, None, "no version"),
        ({}, "{", "inquiry.closed: value"),
        ({}, "{}", "inquiry_id"),
        ({}, "[]", "inquiry.closed"),
    ],
)
def test_what_cannot_be_understood(headers: dict[str, str], value: str | None, reason: str) -> None:
    kept = golden("inquiry.closed")
    kept["value"] = kept["value"] if value is None else value
    with pytest.raises(MalformedRecordError, match=reason):
        to_envelope(received(kept, **headers))


def test_a_record_without_its_headers() -> None:
    bare = Received(Partition("x", 0), 0, "k", b"{}", ())
    with pytest.raises(MalformedRecordError, match="ce_type is missing"):
        to_envelope(bare)


def test_the_reasons_are_those_of_the_words() -> None:
    assert set(get_args(CloseReason)) == {
        "no_answer_needed",
        "spam",
        "duplicate",
        "withdrawn",
    }
