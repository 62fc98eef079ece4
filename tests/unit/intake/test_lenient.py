"""What a webhook's message may get wrong, field by field, and what becomes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.connectors.items import NOBODY, Broken, Item, NewMessage
from services.intake.connectors.lenient import ATTACHMENT, AUTHOR, CUT_MARK, id_of
from services.intake.connectors.port import Reading
from services.intake.connectors.standard_webhooks import (
    WebhookAttachment,
    WebhookAuthor,
    WebhookMessage,
    read,
)
from services.intake.inquiries.domain.message import TEXT_LIMIT

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def item(**fields: Any) -> Item:
    whole = {"id": "m-1", "author": {"id": "c-7", "name": "Anna"}, "text": "Guten Tag", **fields}
    return read({n: v for n, v in whole.items() if v is not ...}, Reading(NOW))


def message(**fields: Any) -> NewMessage:
    return new(item(**fields))


def new(found: Item) -> NewMessage:
    assert isinstance(found, NewMessage)
    return found


def adjusted(told: NewMessage) -> set[str]:
    return {each.field for each in told.adjusted}


def test_what_fits_is_left_alone() -> None:
    told = message(
        thread_id=9007199254740993,
        parent_id="p",
        subject="Anmeldung",
        visibility="private",
        sent_at="2026-11-24T12:05:00Z",
        url="https://example.org/1",
        author={"id": "c", "handle": "@anna", "email": "anna@example.org"},
        attachments=[{"url": "https://example.org/a.png", "size": 12}],
        strange=[1],
    )
    assert told.adjusted == ()
    assert told.message.thread_id == "9007199254740993"
    assert told.message.author.email == "anna@example.org"


@pytest.mark.parametrize(
    ("field", "value", "becomes"),
    [
        ("thread_id", {"id": 1}, None),
        ("thread_id", True, None),
        ("parent_id", [], None),
        ("visibility", "friends", None),
        ("visibility", ["public"], None),
        ("subject", 7, None),
        ("subject", "x" * 1001, "x" * 1000),
        ("subject", "a\0b\ud83d", "a\ufffdb\ufffd"),
        ("sent_at", "1970-01-01T00:00:00Z", None),
        ("sent_at", 0, None),
        ("sent_at", "1999-12-31T23:59:59Z", None),
        ("sent_at", "2026-11-24T12:10:00Z", None),
        ("sent_at", "2026-11-24T12:00:00", None),
        ("sent_at", "gestern", None),
        ("sent_at", "0001-01-01T00:00:00+14:00", None),
        ("sent_at", "9999-12-31T23:59:59-14:00", None),
        ("sent_at", {"at": 1}, None),
        ("url", "www.example.org/1", None),
        ("url", "javascript:alert(1)", None),
        ("url", "https://example.org/" + "x" * 2000, None),
        ("url", "https://example.org/\0", None),
        ("author", "Anna", NOBODY),
        ("author", [], NOBODY),
    ],
)
def test_a_field_that_does_not_fit(field: str, value: Any, becomes: Any) -> None:
    told = message(**{field: value})
    assert getattr(told.message, field) == becomes
    assert adjusted(told) == {field}
    assert told.message.text == "Guten Tag"


@pytest.mark.parametrize(
    "field", ["thread_id", "parent_id", "subject", "sent_at", "url", "author", "attachments"]
)
def test_null_says_nothing(field: str) -> None:
    told = message(**{field: None})
    nothing = {"author": NOBODY, "attachments": ()}.get(field)
    assert (getattr(told.message, field), told.adjusted) == (nothing, ())


@pytest.mark.parametrize("field", ["thread_id", "parent_id", "subject", "sent_at", "url"])
def test_nor_does_an_empty_text(field: str) -> None:
    told = message(**{field: "  "})
    assert (getattr(told.message, field) or "").strip() == ""
    assert told.adjusted == ()


@pytest.mark.parametrize(
    ("field", "value", "becomes"),
    [
        ("id", 4294967297, "4294967297"),
        ("name", "x" * 201, "x" * 200),
        ("name", ["Anna"], None),
        ("name", "An\0na", "An\ufffdna"),
        ("handle", {}, None),
        ("handle", "@", None),
        ("email", "keine", None),
        ("email", "a@b\n", None),
        ("email", "x" * 320 + "@example.org", None),
        ("email", "a\0@example.org", None),
        ("email", 7, None),
        ("id", 1.5, None),
    ],
)
def test_an_author_that_does_not_fit(field: str, value: Any, becomes: Any) -> None:
    told = message(author={"id": "c-7", field: value})
    assert getattr(told.message.author, field) == becomes
    assert adjusted(told) == (set() if field == "id" and becomes else {f"author.{field}"})


def test_without_an_author_there_is_nobody_and_the_message_is_kept() -> None:
    assert message(author=...).message.author == NOBODY
    told = message(author={})
    assert told.message.author == NOBODY
    assert told.adjusted == ()


@pytest.mark.parametrize(
    ("given_", "becomes", "fields"),
    [
        ([{"url": "cid:part1"}], [{}], {"attachments.url"}),
        ([{"url": "example.org/a.png", "name": "a"}], [{"name": "a"}], {"attachments.url"}),
        ([{"name": "n" * 300}], [{"name": "n" * 200}], {"attachments.name"}),
        ([{"type": "t" * 300}], [{"type": "t" * 100}], {"attachments.type"}),
        ([{"size": -1}, {"size": "viel"}], [{}, {}], {"attachments.size"}),
        (["https://example.org/a"], [{"url": "https://example.org/a"}], set()),
        ({"url": "https://example.org/a"}, [{"url": "https://example.org/a"}], set()),
        ([None, 7, {"id": 1}], [{"id": "1"}], {"attachments"}),
        ([{"id": 1}] * 101, [{"id": "1"}] * 100, {"attachments"}),
        (7, [], {"attachments"}),
    ],
)
def test_attachments_that_do_not_fit(given_: Any, becomes: Any, fields: set[str]) -> None:
    told = message(attachments=given_)
    assert ([*told.message.attachments], adjusted(told)) == (becomes, fields)


@pytest.mark.parametrize("text", [..., None, "", " \n", False, [], {}])
def test_without_words(text: Any) -> None:
    assert message(text=text).message.empty
    assert message(text=text, attachments=[]).message.empty
    assert not message(text=text, attachments=[{"url": "cid:1"}]).message.empty
    assert not message(text=text, subject="Bitte um Rückruf").message.empty


@pytest.mark.parametrize(
    ("value", "becomes"), [(42, "42"), ({"de": "Grüß"}, '{"de": "Grüß"}'), (["a"], '["a"]')]
)
def test_words_in_another_form_are_for_a_person_to_read(value: Any, becomes: str) -> None:
    told = message(text=value)
    assert (told.message.text, adjusted(told)) == (becomes, {"text"})


def test_a_text_over_the_limit_is_cut_with_a_mark_and_kept_whole() -> None:
    whole = "ä" * TEXT_LIMIT + "Ende"
    told = message(text=whole)
    assert told.message.text is not None
    assert len(told.message.text) == TEXT_LIMIT
    assert told.message.text.endswith(CUT_MARK)
    assert told.message.full_text == whole
    assert message(text="ä" * TEXT_LIMIT).message.full_text is None


@pytest.mark.parametrize("broken", ["a\ud83d", "\0"])
def test_half_a_character_is_replaced(broken: str) -> None:
    told = message(text=f"Tag {broken} auch")
    assert told.message.text == f"Tag {broken} auch".replace(broken[-1], "\ufffd")


def test_an_id_over_the_limit_stays_itself_and_no_other() -> None:
    one, other = "x" * 600 + "1", "x" * 600 + "2"
    first, again, second = (message(id=each).message.id for each in (one, one, other))
    assert first == again != second
    assert len(first) == 500
    assert first.startswith("x" * 400)
    assert message(id="a\ud800").message.id != message(id="a\ud801").message.id
    handles = [message(author={"handle": "h" * 300 + n}).message.author for n in "ab"]
    assert handles[0] != handles[1]


@pytest.mark.parametrize("broken", [..., None, "", " ", {}, [], True, 1.5])
def test_only_the_id_decides(broken: Any) -> None:
    assert isinstance(item(id=broken), Broken)
    assert id_of({"id": broken}) is None


@pytest.mark.parametrize("data", ["text", 7, None, [], [{"id": 1}], True])
def test_what_is_no_message(data: Any) -> None:
    assert isinstance(read(data, Reading(NOW)), Broken)
    assert id_of(data) is None


def test_every_field_has_its_line_in_the_table() -> None:
    assert set(AUTHOR) == set(WebhookAuthor.model_fields)
    assert set(ATTACHMENT) == set(WebhookAttachment.model_fields)
    everything = dict.fromkeys(WebhookMessage.model_fields, "\0")
    told = new(read({**everything, "id": "m"}, Reading(NOW)))
    assert adjusted(told) >= set(everything) - {"id", "attachments"}
    assert adjusted(told) >= {"attachments.url"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=30)
    | st.sampled_from(["x" * 3000, "2026-11-24T12:00:00Z", "https://example.org", "a@b", "@", "\0"])
    | st.datetimes().map(str),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*AUTHOR, *ATTACHMENT]) | st.text(max_size=5), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(list(WebhookMessage.model_fields)), JSON))
def test_a_message_with_an_id_is_understood_whatever_else_it_holds(fields: dict[str, Any]) -> None:
    told = new(read({**fields, "id": "m-1"}, Reading(NOW)))
    assert told.message.id == "m-1"
    json.dumps(asdict(told.message), default=str, ensure_ascii=False).encode()
    if told.message.sent_at is not None:
        assert datetime(2000, 1, 1, tzinfo=UTC) <= told.message.sent_at
        assert told.message.sent_at <= NOW + timedelta(minutes=5)


@given(JSON)
def test_an_id_is_read_or_not_but_nothing_raises(value: Any) -> None:
    found = id_of({"id": value})
    assert found is None or (0 < len(found) <= 500 and found.encode())


@pytest.mark.parametrize(
    "make",
    [
        lambda n: {"text": "\0" * n},
        lambda n: {"text": " " * n},
        lambda n: {"author": {"email": "a" * n + "@" * n}},
        lambda n: {"author": {"handle": "@" * n}},
        lambda n: {"sent_at": "2026-11-24T" + "1" * n},
        lambda n: {"url": "h" * n},
        lambda n: {"attachments": [{}] * n},
        lambda n: {"thread_id": "\ud800" * n},
        lambda n: {"text": [[]] * n},
    ],
)
def test_time_grows_no_faster_than_what_is_sent(make: Callable[[int], dict[str, Any]]) -> None:
    began = time.perf_counter()
    message(**make(500_000))
    assert time.perf_counter() - began < 5
