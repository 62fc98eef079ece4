"""The oracle on the examples of issue 9, and on the rules where they are easily misread."""

from __future__ import annotations

import pytest

from tests.stories.events import (
    BusDown,
    BusUp,
    Close,
    Complete,
    Dismiss,
    LeftOut,
    Reopen,
    Step,
)
from tests.stories.telling import at, hears, message, parts, post, reply, told

# An end covers what its author could have seen


def test_the_echo_of_an_older_post_does_not_answer_the_second_question() -> None:
    outcome = told(
        hears("09:00", message("first", "09:00")),
        reply("answer", "10:00", "first"),
        hears("10:05:01", message("second", "10:05")),
        hears("10:06", post("echo", "10:00")),
    )
    assert parts(outcome) == {"first": "answered", "second": "open"}
    clock = outcome.inquiry_of("second").clock
    assert clock
    assert (clock.started_at, clock.ended_at) == (at("10:05:01"), None)


def test_what_joined_before_the_older_post_was_heard_leaves() -> None:
    outcome = told(
        hears("09:00", message("first", "09:00")),
        hears("10:05", message("second", "10:05")),
        hears("10:06", post("echo", "10:00")),
    )
    assert parts(outcome) == {"first": "answered", "second": "open"}
    assert outcome.inquiry_of("first").answered_at == at("10:00")
    assert outcome.inquiry_of("second").received_at == at("10:05")


@pytest.mark.parametrize(
    "act", [Complete("done", "first", at("10:01")), Dismiss("done", "first", at("10:01"))]
)
def test_a_message_that_raced_with_the_end_of_its_todo_has_its_own_clock(act: Step) -> None:
    outcome = told(
        hears("09:00", message("first")),
        BusDown("down", at("09:59")),
        hears("10:00", message("second")),
        act,
        hears("10:02", message("third")),
        BusUp("up", at("11:00")),
    )
    state = "answered" if isinstance(act, Complete) else "no_answer"
    assert parts(outcome) == {"first": state, "second third": "open"}
    assert outcome.covers_until == {"done": "first"}
    assert outcome.inquiry_of("third").received_at == at("10:00")


def test_a_reply_covers_what_was_received_up_to_its_moment() -> None:
    outcome = told(
        hears("09:00", message("first")),
        hears("09:30", message("second")),
        hears("09:31", message("third")),
        reply("answer", "10:00", "third", sent="09:30"),
    )
    assert parts(outcome) == {"first second": "answered", "third": "open"}


def test_a_reply_covers_the_first_message_always_and_without_a_moment_all_that_is_known() -> None:
    early = [hears("09:00", message("first", "08:00")), hears("09:30", message("second"))]
    assert parts(told(*early, reply("answer", "10:00", "first", sent="08:30"))) == {
        "first": "answered",
        "second": "open",
    }
    assert parts(told(*early, reply("answer", "10:00", "first"))) == {"first second": "answered"}


def test_a_read_until_that_is_not_the_last_is_refused() -> None:
    both = [hears("09:00", message("first")), hears("09:30", message("second"))]
    stale = told(*both, reply("answer", "10:00", "first", read_until="first"))
    assert stale.left_out == {"answer": LeftOut.NEWER_MESSAGE}
    assert parts(stale) == {"first second": "open"}
    fresh = told(*both, reply("answer", "10:00", "first", read_until="second"))
    assert parts(fresh) == {"first second": "answered"}
    router = told(*both, Complete("done", "first", at("10:00"), read_until="first"))
    assert router.left_out == {"done": LeftOut.NEWER_MESSAGE}


def test_the_router_names_what_it_had_as_the_last_message() -> None:
    outcome = told(
        hears("09:00", message("first")),
        hears("09:30", message("second")),
        BusDown("down", at("09:59")),
        hears("10:00", message("third")),
        Complete("done", "first", at("10:01"), read_until="second"),
        BusUp("up", at("11:00")),
    )
    assert parts(outcome) == {"first second": "answered", "third": "open"}


def test_a_post_that_covers_not_the_first_but_others_answers_these_alone() -> None:
    outcome = told(
        hears("10:00", message("later", "10:00")),
        hears("10:10", message("earlier", "09:00")),
        hears("10:11", post("echo", "09:30")),
    )
    assert parts(outcome) == {"later": "open", "earlier": "answered"}
    assert outcome.inquiry_of("later").received_at == at("10:00")


def test_at_equal_moments_the_message_is_earlier_than_the_post() -> None:
    outcome = told(hears("10:01", message("first", "10:00")), hears("10:02", post("echo", "10:00")))
    assert parts(outcome) == {"first": "answered"}


def test_where_one_has_no_moment_both_are_compared_by_their_receipts() -> None:
    outcome = told(
        hears("10:00", message("first", "09:00")),
        hears("10:01", message("second")),
        hears("10:02", post("echo", "09:30")),
        hears("10:03", message("third")),
    )
    assert parts(outcome) == {"first second": "answered", "third": "open"}


def test_within_a_delivery_without_moments_the_place_in_the_list_decides() -> None:
    outcome = told(hears("10:00", message("first"), post("echo"), message("second")))
    assert parts(outcome) == {"first": "answered", "second": "open"}


# The earliest answer counts, whatever order


def test_an_answer_before_the_receipt_of_its_question_meets_the_clock_at_the_receipt() -> None:
    outcome = told(hears("10:00", message("first", "09:00")), hears("10:01", post("echo", "09:30")))
    inquiry = outcome.inquiry_of("first")
    assert inquiry.answered_at == at("09:30")
    assert inquiry.clock
    assert (inquiry.clock.ended_at, inquiry.clock.how) == (at("10:00"), "met")


def test_an_earlier_end_that_is_heard_late_changes_the_moment_and_parts_nothing() -> None:
    outcome = told(
        hears("09:00", message("first")),
        BusDown("down", at("09:59")),
        Complete("done", "first", at("10:00")),
        hears("10:01", message("second")),
        reply("answer", "10:02", "first"),
        BusUp("up", at("11:00")),
    )
    assert parts(outcome) == {"first second": "answered"}
    assert outcome.inquiry_of("second").answered_at == at("10:00")


def test_a_later_answer_to_a_dismissed_inquiry_is_stored_and_decides_nothing() -> None:
    outcome = told(
        hears("09:00", message("first")),
        Dismiss("no", "first", at("10:00")),
        reply("answer", "10:05", "first"),
    )
    inquiry = outcome.inquiry_of("first")
    assert (inquiry.state, inquiry.answered_at) == ("no_answer", None)
    assert [each.by for each in inquiry.ends] == ["no", "answer"]


def test_at_the_same_moment_an_answer_goes_before_a_dismissal() -> None:
    outcome = told(
        hears("09:00", message("first")),
        Dismiss("no", "first", at("10:00")),
        reply("answer", "10:05", "first", sent="10:00"),
    )
    assert parts(outcome) == {"first": "answered"}


def test_what_is_refused_is_left_out() -> None:
    outcome = told(
        hears("09:00", message("first", "08:00")),
        reply("early", "09:01", "first", sent="07:59"),
        reply("future", "09:02", "first", sent="09:03"),
        Dismiss("rude", "first", at("10:00"), "netiquette"),
        reply("answer", "10:05", "first"),
    )
    assert outcome.left_out == {
        "early": LeftOut.SENT_AT,
        "future": LeftOut.SENT_AT,
        "answer": LeftOut.NETIQUETTE,
    }
    ended = [hears("09:00", message("first")), reply("answer", "10:00", "first")]
    late = told(*ended, reply("holding", "10:05", "first", kind="holding"))
    assert late.left_out == {"holding": LeftOut.ENDED}


# Taking back


def test_after_complete_message_and_reopen_there_are_two_and_further_ones_join_the_newer() -> None:
    outcome = told(
        hears("09:00", message("first")),
        Complete("done", "first", at("10:00")),
        hears("10:01", message("second")),
        Reopen("reopen", "first", at("10:02")),
        hears("10:03", message("third")),
    )
    assert parts(outcome) == {"first": "open", "second third": "open"}


def test_a_reopened_inquiry_stays_ended_by_another_end() -> None:
    outcome = told(
        hears("09:00", message("first")),
        Complete("done", "first", at("10:00")),
        reply("answer", "10:05", "first"),
        Reopen("reopen", "first", at("10:10")),
    )
    assert outcome.inquiry_of("first").answered_at == at("10:05")


def test_what_only_the_end_covered_that_was_taken_back_leaves() -> None:
    outcome = told(
        hears("09:00", message("first")),
        hears("09:30", message("second")),
        Complete("done", "first", at("10:00")),
        reply("answer", "10:05", "first", sent="09:10"),
        Reopen("reopen", "first", at("10:10")),
    )
    assert parts(outcome) == {"first": "answered", "second": "open"}


def test_reopening_takes_back_a_close_and_a_later_completion_stands() -> None:
    steps = [
        hears("09:00", message("first")),
        Close("close", "first", at("10:00")),
        Reopen("reopen", "first", at("10:05")),
    ]
    assert parts(told(*steps[:2])) == {"first": "closed"}
    assert parts(told(*steps)) == {"first": "open"}
    done = Complete("done", "first", at("10:10"))
    assert told(*steps, done).inquiry_of("first").answered_at == at("10:10")


def test_a_held_inquiry_is_held_again_when_its_end_is_taken_back() -> None:
    outcome = told(
        hears("09:00", message("first")),
        reply("hold", "09:30", "first", kind="holding"),
        Complete("done", "first", at("10:00")),
        Reopen("reopen", "first", at("10:05")),
    )
    assert parts(outcome) == {"first": "held"}
