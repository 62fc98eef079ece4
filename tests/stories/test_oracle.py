"""The oracle on the examples of issue 9, and on the rules where they are easily misread."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.stories.events import (
    Again,
    BusDown,
    BusUp,
    Close,
    Complete,
    Dismiss,
    Item,
    LeftOut,
    Message,
    Outcome,
    OwnPost,
    OwnPosts,
    Reclassify,
    Reopen,
    Reply,
    ReplyKind,
    Step,
    Thread,
    deliver,
)
from tests.stories.invariants import differences, violations
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
