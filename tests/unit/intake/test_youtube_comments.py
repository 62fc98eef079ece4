"""Comments of YouTube as its API lists them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.connectors.items import Broken, Edited, NewMessage
from services.intake.connectors.port import Reading
from services.intake.connectors.youtube_comments import id_of, is_list, read, split

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AT = "2026-11-24T09:15:00Z"


def comment(identifier: str, **told: Any) -> dict[str, Any]:
    """A field that is `...` is left out."""
    whole = {
        "textDisplay": "Passt das auch an eine &quot;alte&quot; Wand?<br>Danke &lt;3",
        "authorDisplayName": "@nina",
        "authorChannelId": {"value": "UC-nina"},
        "publishedAt": AT,
        "updatedAt": AT,
        **told,
    }
    return {"id": identifier, "snippet": {k: v for k, v in whole.items() if v is not ...}}


def thread(top: Any, *replies: Any) -> dict[str, Any]:
    return {
        "snippet": {"videoId": "v-1", "topLevelComment": top},
        "replies": {"comments": list(replies)},
    }


def listed(*items: Any) -> list[Any]:
    document = {"kind": "youtube#commentThreadListResponse", "items": list(items)}
    assert is_list(document)
    assert id_of(document) is None
    return list(split(document).items)


def test_a_thread_is_its_comments_each_by_itself() -> None:
    items = listed(thread(comment("a"), comment("a.1", parentId="a")), thread(comment("b")))
    found = [read(each, Reading(NOW)) for each in items]
    assert all(isinstance(each, NewMessage) for each in found)
    messages = [each.message for each in found if isinstance(each, NewMessage)]
    assert [(m.id, m.thread_id, m.parent_id) for m in messages] == [
        ("a", "a", None), ("a.1", "a", "a"), ("b", "b", None),
    ]  # fmt: skip
    assert messages[1].url == "https://www.youtube.com/watch?v=v-1&lc=a.1"
    assert messages[0].text == 'Passt das auch an eine "alte" Wand?\nDanke <3'
    assert messages[0].author.id == "UC-nina"
    assert messages[0].sent_at == datetime.fromisoformat(AT)


def test_a_list_of_replies_is_read_in_the_same_way() -> None:
    document = {"kind": "youtube#commentListResponse", "items": [comment("a.2", parentId="a")]}
    (raw,) = split(document).items
    assert id_of(raw) == "a.2"
    found = read(json.loads(json.dumps(raw)), Reading(NOW))
    assert isinstance(found, NewMessage)
    assert found.message.thread_id == "a"


def test_the_words_are_those_that_were_written_where_they_are_known() -> None:
    found = read(comment("a", textOriginal="1 &lt; 2"), Reading(NOW))
    assert isinstance(found, NewMessage)
    assert found.message.text == "1 &lt; 2"


def test_what_has_changed_since_it_was_published_is_an_edit() -> None:
    found = read(comment("a", updatedAt="2026-11-24T09:20:00Z"), Reading(NOW))
    assert isinstance(found, Edited)
    assert found.message.id == "a"
    assert found.edited_at == datetime(2026, 11, 24, 9, 20, tzinfo=UTC)


@pytest.mark.parametrize("told", [{"updatedAt": "soon"}, {"updatedAt": ...}, {"publishedAt": 7}])
def test_moments_that_are_none_make_no_edit(told: dict[str, Any]) -> None:
    assert isinstance(read(comment("a", **told), Reading(NOW)), NewMessage)


NAMES = (
    "id", "snippet", "topLevelComment", "replies", "comments", "parentId", "textDisplay",
    "videoId", "authorChannelId",
)  # fmt: skip
LISTED = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)


def test_whatever_a_list_holds_each_is_some_item() -> None:
    @given(LISTED)
    def check(raw: Any) -> None:
        for each in [raw, *split({"items": [raw]}).items, *split({"items": raw}).items]:
            assert isinstance(read(each, Reading(NOW)), NewMessage | Broken | Edited)
            id_of(each)

    check()


@pytest.mark.parametrize(
    "hostile", ["<" * 200_000, "<a" * 100_000, "&lt" * 70_000, "<br " * 50_000]
)
def test_hostile_words_cost_no_more_than_their_length(hostile: str) -> None:
    began = time.process_time()
    assert isinstance(read(comment("a", textDisplay=hostile), Reading(NOW)), NewMessage)
    assert time.process_time() - began < 1
