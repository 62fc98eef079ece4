"""What is known of threads of comments, and which are asked for again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from services.intake.pulling.youtube_threads import ALWAYS_KEPT, KEPT, MOST_KEPT, Progress, Thread

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def thread(number: int, *, count: int = 0, age: timedelta = timedelta(hours=1)) -> dict[str, Any]:
    at = (NOW - age).isoformat()
    top = {"id": f"t{number}", "snippet": {"textDisplay": "x", "publishedAt": at, "updatedAt": at}}
    return {"snippet": {"topLevelComment": top, "totalReplyCount": count, "videoId": "v"}}


def read(*items: Any) -> list[Thread]:
    return list(Thread.of_page({"items": list(items)}))


def test_what_has_grown_or_is_new_has_changed() -> None:
    progress = Progress(begun=NOW)
    progress.add(read(thread(1), thread(2)), now=NOW)
    page = read(thread(1), thread(2, count=1), thread(3))
    assert [each.id for each in progress.changed(page)] == ["t2", "t3"]


def test_what_was_there_before_is_not_ours_but_an_answer_to_it_is() -> None:
    progress = Progress(begun=NOW)
    old, new = (NOW - timedelta(days=9)).isoformat(), NOW.isoformat()
    assert not progress.ours({"snippet": {"publishedAt": old, "updatedAt": old}})
    assert progress.ours({"snippet": {"publishedAt": old, "updatedAt": new}})
    assert progress.ours({"snippet": {"publishedAt": new, "updatedAt": new}})
    assert progress.ours({"snippet": {"publishedAt": "yesterday"}}), "rather once too often"


def test_the_threads_of_the_last_weeks_are_kept_and_the_newest_of_a_quiet_channel() -> None:
    quiet = Progress()
    quiet.add(read(*(thread(n, age=KEPT * 2 + timedelta(days=n)) for n in range(700))), now=NOW)
    assert len(quiet.known) == ALWAYS_KEPT
    assert "t0" in quiet.known
    busy = Progress()
    busy.add(read(*(thread(n, age=timedelta(minutes=n)) for n in range(MOST_KEPT + 9))), now=NOW)
    assert len(busy.known) == MOST_KEPT
    assert f"t{MOST_KEPT + 1}" not in busy.known


def test_each_is_asked_for_in_its_turn_and_forgotten_when_it_is_gone() -> None:
    progress = Progress()
    threads = read(*(thread(n) for n in range(4)))
    progress.add(threads, now=NOW)
    assert progress.next_to_check(2, without=threads[:1]) == ["t1", "t2"]
    progress.checked(["t1", "t2"], read(thread(2, count=5)))
    assert list(progress.known) == ["t0", "t3", "t2"]
    assert progress.known["t2"][0] == 5


def test_it_is_the_same_after_it_was_stored_and_in_the_same_order() -> None:
    progress = Progress(begun=NOW, day=NOW.date(), used=17)
    progress.add(read(thread(2), thread(1)), now=NOW)
    again = Progress.of_json(json.loads(json.dumps(progress.to_json(), sort_keys=True)))
    assert again == progress
    assert list(again.known) == list(progress.known)


def test_the_quota_begins_anew_each_day() -> None:
    progress = Progress(day=NOW.date(), used=9)
    progress.today(NOW.date())
    assert progress.used == 9
    progress.today(NOW.date() + timedelta(days=1))
    assert progress.used == 0


def test_whatever_a_page_holds_it_can_be_read() -> None:
    odd: list[Any] = [None, 7, "x", [], {}, {"snippet": 3}, {"snippet": {"topLevelComment": []}}]
    assert read(*odd) == []
    strange = thread(1)
    strange["replies"] = {
        "comments": [None, {"id": 3}, {"id": "r", "snippet": {"textDisplay": "a"}}]
    }
    strange["snippet"]["totalReplyCount"] = "many"
    (found,) = read(strange)
    assert found.count == 0
    assert [each["id"] for each in found.replies] == [3, "r"]
    assert found.replies[1]["snippet"] == {
        "textOriginal": "a", "videoId": "v", "textDisplay": "a",
    }  # fmt: skip
