"""Events as they are kept: rows that were written once are read for ever, and hold plain values."""

import json
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest

from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    CancelReason,
    ClockEvent,
    Held,
    Left,
    Moved,
    Paused,
    Reopened,
    ResumeCause,
    Resumed,
    Started,
    TakenOver,
    WindowSet,
    Withdrawn,
)
from services.sla.deadlines.store.events import StoredEvent, from_row, row
from services.sla.promises.promise import TargetKind

AT, LATER = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 3, 9, 0, 0, 5, tzinfo=UTC)
LATER_TEXT = "2026-03-03T09:00:00.000005+00:00"
INQUIRY, EVENT, REPLY = UUID(int=1), UUID(int=2), UUID(int=3)
VERSION = "29d51d9d79e811eeaa6dac43e1e206f5"

ROWS: list[tuple[str, dict[str, Any], ClockEvent]] = [
    (
        "started",
        {"promise": "answer", "due_at": LATER_TEXT, "target": "first_answer", "edition": VERSION},
        Started(AT, VERSION, "answer", LATER, TargetKind.FIRST_ANSWER),
    ),
    (
        "started",
        {
            "promise": "answer",
            "due_at": LATER_TEXT,
            "target": "first_answer",
            "window_ends_at": LATER_TEXT,
            "hand_over_due_at": LATER_TEXT,
            "edition": VERSION,
        },
        Started(AT, VERSION, "answer", LATER, TargetKind.FIRST_ANSWER, LATER, LATER),
    ),
    (
        "moved",
        {
            "promise": "technical",
            "due_at": LATER_TEXT,
            "left_us": 28799920166,
            "reason": "desk",
            "hand_over_due_at": LATER_TEXT,
            "hand_over_left_us": 59920166,
            "edition": VERSION,
        },
        Moved(AT, VERSION, "technical", LATER, 28799920166, "desk", LATER, 59920166),
    ),
    (
        "moved",
        {
            "promise": "answer",
            "due_at": LATER_TEXT,
            "left_us": 0,
            "reason": "policy",
            "edition": VERSION,
        },
        Moved(AT, VERSION, "answer", LATER, 0, "policy"),
    ),
    ("paused", {"until": LATER_TEXT, "reason": "log file"}, Paused(AT, LATER, "log file")),
    ("resumed", {"cause": "person"}, Resumed(AT, ResumeCause.PERSON)),
    (
        "resumed",
        {"cause": "customer_wrote", "message_id": str(REPLY)},
        Resumed(AT, ResumeCause.CUSTOMER_WROTE, REPLY),
    ),
    ("windowset", {"ends_at": LATER_TEXT}, WindowSet(AT, LATER)),
    ("left", {"message_id": str(REPLY)}, Left(AT, REPLY)),
    ("assigned", {"desk": "technical"}, Assigned(AT, "technical")),
    ("takenover", {}, TakenOver(AT)),
    ("reopened", {}, Reopened(AT)),
    ("reopened", {"time_left": True}, Reopened(AT, time_left=True)),
    ("held", {}, Held(AT, None)),
    (
        "held",
        {"follow_up_at": LATER_TEXT, "message_id": str(REPLY), "revision": 2},
        Held(AT, LATER, REPLY, 2),
    ),
    ("answered", {}, Answered(AT)),
    ("answered", {"by_hand": True}, Answered(AT, by_hand=True)),
    ("answered", {"message_id": str(REPLY), "revision": 1}, Answered(AT, REPLY, 1)),
    ("withdrawn", {"message_id": str(REPLY), "revision": 1}, Withdrawn(AT, REPLY, 1)),
    ("cancelled", {"reason": "spam"}, Cancelled(AT, CancelReason.SPAM)),
    (
        "cancelled",
        {"reason": "duplicate", "merged_into": str(REPLY)},
        Cancelled(AT, CancelReason.DUPLICATE, REPLY),
    ),
]


@pytest.mark.parametrize(("kind", "body", "event"), ROWS)
def test_a_row_that_was_written_once_is_read_as_it_was_meant(
    kind: str, body: dict[str, Any], event: ClockEvent
) -> None:
    text = json.dumps({**body, "by": "carla", "key_name": "desk-tool"})
    stored = from_row(INQUIRY, EVENT, kind, AT, text)
    assert stored == StoredEvent(INQUIRY, EVENT, event, "carla", "desk-tool")
    assert from_row(INQUIRY, EVENT, kind, AT, json.dumps(body)).key_name is None


@pytest.mark.parametrize(("kind", "body", "event"), ROWS)
def test_what_is_written_is_plain_and_is_read_again(
    kind: str, body: dict[str, Any], event: ClockEvent
) -> None:
    written = row(StoredEvent(INQUIRY, EVENT, event, "carla"))
    assert (written["kind"], written["at"]) == (kind, AT)
    plain = json.loads(written["body"])
    assert body.keys() <= plain.keys()
    assert all(isinstance(value, str | int | bool) for value in plain.values())
    assert from_row(INQUIRY, EVENT, kind, AT, written["body"]).event == event


def test_every_kind_has_a_row_above() -> None:
    assert {type(event) for _, _, event in ROWS} == set(get_args(ClockEvent))


def test_an_event_of_a_later_release_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="'escalated' is not known here"):
        from_row(INQUIRY, EVENT, "escalated", AT, "{}")
