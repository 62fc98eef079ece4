"""The oracle on own posts: lists, echoes, holding and asking posts, public threads."""

from __future__ import annotations

import pytest

from tests.stories.events import (
    Again,
    Item,
    OwnPosts,
    Reclassify,
    Thread,
)
from tests.stories.invariants import differences
from tests.stories.telling import PUBLIC, at, hears, message, parts, post, reply, told

# Own posts before their question, and lists


def test_a_post_before_its_question_answers_it_and_a_repeat_changes_nothing() -> None:
    steps = [
        hears("10:00", post("echo", "09:30")),
        hears("10:01", message("first", "09:00")),
        hears("10:02", message("second", "09:10")),
        hears("10:03", message("third", "10:03")),
        Again("again", "delivery at 10:00", at("10:04")),
    ]
    outcome = told(*steps)
    assert parts(outcome) == {"first second": "answered", "third": "open"}
    assert not differences(outcome, told(*steps[:-1]))


def test_newest_first_ends_as_oldest_first() -> None:
    items: list[Item] = [
        message("first", "09:00"),
        post("one", "09:10"),
        message("second", "09:20"),
        message("third", "09:30"),
        post("two", "09:40"),
        message("fourth", "09:50"),
    ]
    oldest, newest = told(hears("10:00", *items)), told(hears("10:00", *items[::-1]))
    assert parts(oldest) == {"first": "answered", "second third": "answered", "fourth": "open"}
    assert not differences(oldest, newest, receipts=False)


def test_an_older_post_becomes_the_earliest_end_of_the_only_inquiry_it_can_mean() -> None:
    outcome = told(
        hears("09:00", message("first", "09:00")),
        reply("answer", "10:00", "first"),
        hears("10:05", post("echo", "09:30")),
    )
    assert outcome.inquiry_of("first").answered_at == at("09:30")


# A reply and its echo


@pytest.mark.parametrize("echo", ["echo", ""])
def test_a_recorded_reply_and_its_echo_are_one(echo: str) -> None:
    asked = hears("09:00", message("first", "09:00"))
    words = {"text": "Thank  you", "echo": echo} if echo else {"text": "Thank  you"}
    recorded_first = told(
        asked,
        reply("hold", "10:00", "first", kind="holding", **words),
        hears("10:01", post("echo", "10:00", text="Thank you")),
    )
    assert parts(recorded_first) == {"first": "held"}
    heard_first = told(
        asked,
        hears("10:01", post("echo", "10:00", text="Thank you")),
        reply("answer", "10:02", "first", **words),
    )
    assert [each.by for each in heard_first.inquiry_of("first").ends] == ["echo"]
    assert not heard_first.left_out


def test_equal_words_after_more_than_ten_minutes_are_two() -> None:
    outcome = told(
        hears("09:00", message("first", "09:00")),
        reply("hold", "10:00", "first", kind="holding", text="Thank you"),
        hears("10:11", post("echo", "10:11", text="Thank you")),
    )
    assert parts(outcome) == {"first": "answered"}


# Own posts that are no answers


@pytest.mark.parametrize(("own_posts", "state"), [("holding", "held"), ("ask", "open")])
@pytest.mark.parametrize("post_first", [True, False])
def test_an_own_post_is_what_the_channel_says(
    own_posts: OwnPosts, state: str, post_first: bool
) -> None:
    steps = [
        hears("10:00", message("first", "09:00")),
        hears("10:01", post("echo", "09:30")),
    ]
    if post_first:
        steps = [hears("09:59", post("echo", "09:30")), steps[0]]
    thread = Thread("t", own_posts=own_posts)
    assert parts(told(*steps, thread=thread)) == {"first": state}
    later = hears("10:02", message("second", "10:02"))
    answers = Reclassify("it answers", "echo", "first", "answer", at("10:03"))
    outcome = told(*steps, later, answers, thread=thread)
    assert parts(outcome) == {"first": "answered", "second": "open"}
    assert outcome.inquiry_of("first").answered_at == at("09:30")


def test_a_holding_reply_that_turns_out_to_answer_covers_what_was_known_then() -> None:
    outcome = told(
        hears("09:00", message("first")),
        reply("reply", "10:00", "first", kind="holding"),
        hears("10:05", message("second")),
        Reclassify("it answers", "reply", "first", "answer", at("10:10")),
    )
    assert parts(outcome) == {"first": "answered", "second": "open"}


def test_an_answer_that_is_none_gives_the_clock_back() -> None:
    steps = [
        hears("09:00", message("first")),
        reply("reply", "10:00", "first"),
        Reclassify("none", "reply", "first", "none", at("10:10")),
    ]
    clock = told(*steps).inquiry_of("first").clock
    assert clock
    assert (clock.started_at, clock.how) == (at("09:00"), "running")
    again = Reclassify("after all", "reply", "first", "answer", at("10:20"))
    assert told(*steps, again).inquiry_of("first").answered_at == at("10:00")


# Public threads


def test_each_person_in_a_public_thread_has_an_inquiry_and_posts_answer_whom_they_name() -> None:
    outcome = told(
        hears("09:00", message("ann1", "09:00", "ann")),
        hears("09:01", message("ben1", "09:01", "ben")),
        hears("09:02", message("ann2", "09:02", "ann")),
        hears("09:10", post("echo", "09:10", parent="ann1")),
        thread=PUBLIC,
    )
    assert parts(outcome) == {"ann1 ann2": "answered", "ben1": "open"}


def test_a_reply_ends_the_inquiry_that_it_is_given_to_and_no_other() -> None:
    outcome = told(
        hears("09:00", message("ann1", "09:00", "ann"), message("ben1", "09:01", "ben")),
        reply("answer", "10:00", "ben1"),
        thread=PUBLIC,
    )
    assert parts(outcome) == {"ann1": "open", "ben1": "answered"}


def test_a_post_whose_parent_is_not_seen_yet_waits_and_ends_nobody_elses() -> None:
    steps = [
        hears("09:00", message("ben1", "09:00", "ben")),
        hears("09:01", message("ann0", "08:00", "ann")),
        hears("09:10", post("echo", "09:10", parent="ann1")),
    ]
    assert parts(told(*steps, thread=PUBLIC)) == {"ben1": "open", "ann0": "open"}
    late = hears("09:20", message("ann1", "08:30", "ann"))
    outcome = told(*steps, late, thread=PUBLIC)
    assert parts(outcome) == {"ben1": "open", "ann0 ann1": "answered"}


def test_the_parent_is_covered_even_if_its_moment_is_later() -> None:
    outcome = told(
        hears("10:00", message("first", "09:40")),
        hears("10:01", post("echo", "09:30", parent="first")),
    )
    assert parts(outcome) == {"first": "answered"}


def test_a_post_without_a_parent_ends_the_only_inquiry_it_can_cover_or_asks() -> None:
    ann, ben = message("ann1", "09:00", "ann"), message("ben1", "09:20", "ben")
    only = told(hears("09:30", ann, ben), hears("09:31", post("echo", "09:10")), thread=PUBLIC)
    assert parts(only) == {"ann1": "answered", "ben1": "open"}
    several = told(hears("09:30", ann, ben), hears("09:31", post("echo", "09:25")), thread=PUBLIC)
    assert parts(several) == {"ann1": "open", "ben1": "open"}
    assert [each.asked for each in several.inquiries] == [{"echo"}, {"echo"}]


def test_a_post_under_our_own_post_speaks_to_whom_that_one_spoke_to() -> None:
    outcome = told(
        hears("09:00", message("ann1", "09:00", "ann"), message("ben1", "09:01", "ben")),
        hears("09:10", post("one", "09:10", parent="ann1")),
        hears("09:20", message("ann2", "09:20", "ann")),
        hears("09:30", post("two", "09:30", parent="one")),
        thread=PUBLIC,
    )
    assert parts(outcome) == {"ann1": "answered", "ann2": "answered", "ben1": "open"}


def test_a_channel_without_a_promise_has_no_clock() -> None:
    outcome = told(hears("09:00", message("first")), thread=Thread("t", promised=False))
    assert outcome.inquiry_of("first").clock is None
