"""Short words for stories that are written by hand, all on one day and in one thread."""

from __future__ import annotations

from datetime import datetime

from tests.stories.events import (
    Item,
    Message,
    Outcome,
    OwnPost,
    Reply,
    ReplyKind,
    Step,
    Thread,
    deliver,
)
from tests.stories.invariants import violations
from tests.stories.oracle import tell

PRIVATE = Thread("t")
PUBLIC = Thread("t", "public")


def at(clock: str) -> datetime:
    """A moment of the day of these tests: "10:05" or "10:05:30"."""
    return datetime.fromisoformat(f"2026-03-02 {clock}+00:00")


def message(
    name: str, sent: str | None = None, person: str = "ann", parent: str | None = None
) -> Message:
    sent_at = at(sent) if sent else None
    return Message(name, "t", person, sent_at, at("00:00"), parent)


def post(name: str, sent: str | None = None, parent: str | None = None, text: str = "") -> OwnPost:
    return OwnPost(name, "t", at(sent) if sent else None, at("00:00"), text or name, parent)


def hears(clock: str, *items: Item) -> Step:
    return deliver(f"delivery at {clock}", at(clock), items)


def reply(
    name: str,
    clock: str,
    to: str,
    sent: str | None = None,
    **more: str,
) -> Reply:
    sent_at = at(sent) if sent else None
    kind: ReplyKind = "holding" if more.pop("kind", "answer") == "holding" else "answer"
    text = more.pop("text", f"words of {name}")
    return Reply(name, to, kind, at(clock), text, sent_at, more.get("read_until"), more.get("echo"))


def told(*steps: Step, thread: Thread = PRIVATE) -> Outcome:
    outcome = tell([thread], steps)
    assert not violations(outcome, [thread], steps)
    return outcome


def parts(outcome: Outcome) -> dict[str, str]:
    """The ids of each inquiry's messages, with its state."""
    return {" ".join(sorted(each.messages)): each.state for each in outcome.inquiries}
