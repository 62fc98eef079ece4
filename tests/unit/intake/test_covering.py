"""Where a message belongs, and what an end or a post of ours does to a conversation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from services.intake.inquiries.domain import covering
from services.intake.inquiries.domain.ends import Cut, End, EndKind
from services.intake.inquiries.domain.inquiry import InquiryState
from services.intake.inquiries.domain.joining import merge_open, part_by_person
from services.intake.inquiries.domain.taking_back import reopen
from services.intake.inquiries.domain.thread import (
    Asked,
    Inquiry,
    Merged,
    Message,
    Post,
    PostKind,
    Thread,
)

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
ANN, EVA = UUID(int=1_000), UUID(int=2_000)


def at(minutes: float) -> datetime:
    return TEN + timedelta(minutes=minutes)


def conversation(*, public: bool = False) -> Thread:
    numbers = count(1)
    return Thread(public, lambda: UUID(int=next(numbers)))


def said(number: int, minutes: float, *, by: UUID = ANN, sent: float | None = None) -> Message:
    sent_at = None if sent is None else at(sent)
    return Message(UUID(int=10_000 + number), by, f"m{number}", at(minutes), sent_at)


def posted(minutes: float, kind: PostKind = PostKind.ANSWER, **more: Any) -> Post:
    return Post(UUID(int=20_000 + int(minutes)), kind, "desk", at(minutes), **more)


def answer(minutes: float, *, until: Message) -> End:
    """An answer that was given when that message was the last one to be seen."""
    cut = Cut(*until.place)
    return End(UUID(int=30_000 + int(minutes)), EndKind.ANSWER, at(minutes), "Anna", cut)


def shape(thread: Thread) -> dict[str, str]:
    """The messages of each inquiry that has some, with its state."""
    return {
        " ".join(message.external_id for message in inquiry.messages): inquiry.verdict.state
        for inquiry in thread.inquiries.values()
        if inquiry.messages
    }


def test_one_persons_messages_are_one_inquiry_until_it_ends() -> None:
    thread = conversation()
    first = covering.place(thread, said(1, 0))
    assert covering.place(thread, said(2, 1)) is first
    covering.end(thread, first, answer(2, until=first.messages[-1]))
    assert covering.place(thread, said(3, 3)) is not first
    assert shape(thread) == {"m1 m2": InquiryState.ANSWERED, "m3": InquiryState.OPEN}


@pytest.mark.parametrize(("public", "inquiries"), [(True, {"m1", "m2"}), (False, {"m1 m2"})])
def test_only_in_public_each_person_has_an_inquiry(public: bool, inquiries: set[str]) -> None:
    thread = conversation(public=public)
    covering.place(thread, said(1, 0))
    covering.place(thread, said(2, 1, by=EVA))
    assert shape(thread).keys() == inquiries


def test_what_comes_late_does_not_join_what_began_much_later() -> None:
    """As after a time in quarantine: that clock would have begun too late for it."""
    thread = conversation()
    younger = covering.place(thread, said(2, 5))
    assert covering.place(thread, said(1, 0)) is not younger
    assert covering.place(thread, said(3, 5 - 5 / 60)) is younger, "committed side by side"


def test_what_its_author_could_not_see_leaves_an_answered_inquiry() -> None:
    thread = conversation()
    inquiry = covering.place(thread, said(1, 0))
    seen = inquiry.first
    covering.place(thread, said(2, 1))
    covering.end(thread, inquiry, answer(2, until=seen))
    assert shape(thread) == {"m1": InquiryState.ANSWERED, "m2": InquiryState.OPEN}


def test_a_second_end_parts_what_has_ended_no_more() -> None:
    thread = conversation()
    inquiry = covering.place(thread, said(1, 0))
    covering.place(thread, said(2, 1))
    first, last = inquiry.messages
    covering.end(thread, inquiry, answer(3, until=last))
    covering.end(thread, inquiry, answer(2, until=first))
    assert shape(thread) == {"m1 m2": InquiryState.ANSWERED}
    assert inquiry.verdict.ended_at == at(2)


def test_a_post_answers_what_was_written_before_it() -> None:
    thread = conversation()
    covering.place(thread, said(1, 0, sent=0))
    covering.place(thread, said(2, 9, sent=9))
    covering.add_post(thread, posted(10, sent_at=at(5)))
    assert shape(thread) == {"m1": InquiryState.ANSWERED, "m2": InquiryState.OPEN}


def test_a_post_that_was_heard_before_its_question_answers_it() -> None:
    thread = conversation()
    covering.add_post(thread, posted(1, sent_at=at(1), named=True, contact_id=ANN, parent="m1"))
    inquiry = covering.place(thread, said(1, 2, sent=0))
    assert inquiry.verdict.state is InquiryState.ANSWERED
    assert inquiry.verdict.answered_at == at(1)


def test_a_person_is_asked_when_a_post_may_answer_two() -> None:
    thread = conversation(public=True)
    for number, by in ((1, ANN), (2, EVA)):
        covering.place(thread, said(number, number, by=by))
    post = posted(5)
    covering.add_post(thread, post)
    assert post.kind is PostKind.ASK
    assert [each.post for each in thread.effects if isinstance(each, Asked)] == [post, post]
    assert set(shape(thread).values()) == {InquiryState.OPEN}


def test_a_post_that_holds_ends_nothing() -> None:
    thread = conversation()
    inquiry = covering.place(thread, said(1, 0))
    covering.add_post(thread, posted(1, PostKind.HOLDING))
    assert inquiry.verdict.state is InquiryState.HELD
    assert inquiry.awaits_answer


def test_what_is_reopened_awaits_its_answer_again() -> None:
    thread = conversation()
    inquiry = covering.place(thread, said(1, 0))
    done = End(UUID(int=7), EndKind.COMPLETE, at(1), "Anna", Cut(at(1)))
    covering.end(thread, inquiry, done)
    assert not inquiry.awaits_answer
    reopen(thread, inquiry, at(2))
    assert inquiry.awaits_answer
    thread.add(inquiry, End(UUID(int=8), EndKind.CLOSE, at(1.5), "Bert", Cut(at(1.5))))
    assert inquiry.awaits_answer, "it was decided before it was reopened, and heard after"


def test_the_end_of_a_post_that_is_not_there_is_a_mistake() -> None:
    thread = conversation()
    inquiry = covering.place(thread, said(1, 0))
    with pytest.raises(LookupError):
        thread.covering(inquiry, [posted(1).end(EndKind.ANSWER)])


def test_the_oldest_open_inquiry_takes_the_messages_of_the_others() -> None:
    thread = conversation()
    younger, older = (_begun(thread, said(number, 10 - number)) for number in (1, 2))
    merge_open(thread)
    assert shape(thread) == {"m2 m1": InquiryState.OPEN}
    assert (younger.merged_into, younger.awaits_answer) == (older.id, False)
    assert [each for each in thread.effects if isinstance(each, Merged)] == [Merged(younger, older)]


def _begun(thread: Thread, message: Message) -> Inquiry:
    """An inquiry of its own, as in a thread that was taken for another."""
    return thread.open(message)


def test_a_thread_that_turns_out_to_be_public_is_parted_by_person() -> None:
    thread = conversation()
    for number, by in ((1, ANN), (2, EVA), (3, ANN), (4, EVA)):
        covering.place(thread, said(number, number, by=by))
    thread.public = True
    part_by_person(thread)
    assert shape(thread) == {"m1 m3": InquiryState.OPEN, "m2 m4": InquiryState.OPEN}
