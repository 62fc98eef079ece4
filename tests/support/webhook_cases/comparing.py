"""What a case expects against what the desk has; each difference as a sentence for a person."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.webhook_cases.case import Case

FIELDS = ("external_id", "thread_id", "author_id", "author_name", "text", "sent_at")
MAY_BE_ANYTHING = ("author_name", "sent_at")
"""Null there: the platform does not say it, so whatever the desk has is right."""
LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """An inbound message as the desk has it: of each of FIELDS what it may be called."""

    values: Mapping[str, Sequence[Any]]
    attachments: int


@dataclass(slots=True)
class Outcome:
    """What became of a case: the answers to all its repeats, the messages that are new, and how
    many items were counted as anything but accepted.
    """

    answers: list[Answered] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    passed_over: int = 0


def differences(case: Case, outcome: Outcome) -> list[str]:
    """Empty when all is as expected."""
    return [
        *_of_statuses(case, outcome),
        *_of_response(case, outcome),
        *_of_messages(case, outcome),
        *_of_counts(case, outcome),
    ]


def _of_statuses(case: Case, outcome: Outcome) -> Iterator[str]:
    wanted = [str(each) for each in case.expected.get("status", ["2xx"])]
    for answer in outcome.answers:
        status = str(answer.status)
        if answer.status >= 500 or not {status, f"{status[0]}xx"} & set(wanted):
            yield f"status {status}, expected {' or '.join(wanted)}: {_shown(answer.body)}"


def _of_response(case: Case, outcome: Outcome) -> Iterator[str]:
    for name, wanted in (case.expected.get("response") or {}).items():
        for answer in outcome.answers:
            yield from _of_part(name, wanted, answer)


def _of_part(name: str, wanted: Any, answer: Answered) -> Iterator[str]:
    given: Any
    match name:
        case "status":
            given = answer.status
        case "content_type":
            given = answer.headers.get("content-type", "").partition(";")[0].strip()
            wanted = wanted.partition(";")[0].strip()
        case "body" | "body_text" | "text":
            given, wanted = answer.body.decode(errors="replace").strip(), str(wanted).strip()
        case _ if isinstance(wanted, str):
            given = answer.body.decode(errors="replace")
            given = wanted if str(wanted) in given else given
        case "body_json":
            given = _json(answer.body)
        case "header_present":
            given = sorted(each for each in wanted if each.lower() in answer.headers)
            wanted = sorted(wanted)
        case "headers":
            given = {each: answer.headers.get(each.lower()) for each in wanted}
        case _:
            yield f"response.{name} is not known to this runner"
            return
    if given != wanted:
        yield f"response.{name} is {_shown(given)}, expected {_shown(wanted)}"


def _of_messages(case: Case, outcome: Outcome) -> Iterator[str]:
    left = list(outcome.stored)
    for wanted in case.expected.get("inquiries", ()):
        found = _best(case, wanted, left)
        if found is not None:
            left.remove(found)
            yield from _of_fields(case, wanted, found)
        elif "inquiries" not in _lenient(case):
            yield f"no message {wanted['external_id']}"
    for message in left:
        yield f"a message that should not be: {_shown(message.values['external_id'][0])}"
    attachments = case.expected.get("attachments")
    given = sum(each.attachments for each in outcome.stored)
    if attachments is not None and given != attachments:
        yield f"{given} attachments, expected {attachments}"


def _best(case: Case, wanted: Mapping[str, Any], stored: Sequence[Stored]) -> Stored | None:
    """Of those that it may be the one with the fewest differences."""
    may = [each for each in stored if not list(_of_field(case, wanted, each, "external_id"))]
    return min(may, key=lambda each: len(list(_of_fields(case, wanted, each))), default=None)


def _of_fields(case: Case, wanted: Mapping[str, Any], found: Stored) -> Iterator[str]:
    for name in FIELDS:
        if name in wanted:
            yield from _of_field(case, wanted, found, name)


def _of_field(case: Case, wanted: Mapping[str, Any], found: Stored, name: str) -> Iterator[str]:
    lenient = _lenient(case)
    if name in lenient or (wanted[name] is None and name in MAY_BE_ANYTHING):
        return
    others = (case.expected.get("accept") or {}).get(wanted["external_id"], {}).get(name, ())
    right = [wanted[name], *others]
    spaces = f"{name}:whitespace" in lenient
    given = found.values[name]
    if not {_comparable(name, each, spaces=spaces) for each in given} & {
        _comparable(name, each, spaces=spaces) for each in right
    }:
        yield (
            f"{wanted['external_id']}: {name} is {_shown(given[0] if given else None)}, "
            f"expected {_shown(right[0])}"
        )


def _comparable(name: str, value: Any, *, spaces: bool) -> Any:
    """Moments by the second; texts in one normal form without the blanks around them."""
    if value is None:
        return "" if name == "text" else None  # a file alone has no words, however that is said
    if name == "sent_at":
        moment = datetime.fromisoformat(str(value)).astimezone(UTC)
        return moment.replace(microsecond=0)
    text = unicodedata.normalize("NFC", str(value)).replace("\r\n", "\n").strip()
    return " ".join(text.split()) if spaces else text


def _of_counts(case: Case, outcome: Outcome) -> Iterator[str]:
    wanted = case.expected.get("ignored")
    lenient = _lenient(case)
    if wanted is None or "ignored" in lenient or "inquiries" in lenient:
        return
    if outcome.passed_over != wanted:
        yield f"{outcome.passed_over} items made no inquiry, expected {wanted}"


def _lenient(case: Case) -> Sequence[str]:
    found: Sequence[str] = case.expected.get("lenient") or ()
    return found


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _shown(value: Any) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return repr(text[:LONGEST_SHOWN])
