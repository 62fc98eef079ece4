"""What LinkedIn's notifications about a company's page mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.connectors.items import (
    Edited,
    Ignored,
    Item,
    Message,
    NewMessage,
    OwnPost,
    Withdrawn,
)
from services.intake.connectors.linkedin import CONNECTOR
from services.intake.connectors.port import Reading
from shared.web.problems import RefusedError
from tests.contracts.connectors.linkedin_sample import (
    COMPANY,
    MEMBER,
    POST,
    SECRETS,
    delivery,
    mac,
    notification,
    signed,
)
from tests.contracts.connectors.sample import Sent

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BEFORE_NOON = NOON.replace(hour=11, minute=59)
COMMENT = "urn:li:comment:(activity:7261,7262)"
SPELLED_OUT = "urn:li:comment:(urn:li:activity:7261,7262)"


def read(item: Any, *own: str) -> Item:
    return CONNECTOR.read(item, Reading(NOON, frozenset(own)))


def message_in(found: Item, kind: type[NewMessage | OwnPost | Edited] = NewMessage) -> Message:
    assert isinstance(found, kind)
    return found.message


def decorated(**comment: Any) -> Any:
    return {"comment": {"owner": MEMBER, "text": "Grüße", **comment}}


def test_a_comment_begins_a_conversation_and_has_no_name() -> None:
    found = message_in(read(notification(COMMENT)))
    assert (found.id, found.thread_id, found.parent_id) == (COMMENT, COMMENT, None)
    assert (found.author.id, found.author.name, found.text) == (MEMBER, None, "Grüße")
    assert (found.sent_at, found.visibility) == (BEFORE_NOON, "public")
    assert found.url == f"https://www.linkedin.com/feed/update/{POST}"


def test_one_comment_has_one_id_in_whichever_spelling_and_copy() -> None:
    ways = [
        notification(COMMENT),
        notification(SPELLED_OUT, subscriber="urn:li:person:other", notificationId=2**63 + 1),
        notification(None, decoratedGeneratedActivity=decorated(entity=SPELLED_OUT)),
    ]
    assert {message_in(read(each)).id for each in ways} == {COMMENT}
    assert {CONNECTOR.id_of(each) for each in ways} == {COMMENT}


def test_an_answer_belongs_to_the_comment_that_it_answers() -> None:
    answer = "urn:li:comment:(activity:7261,7263)"
    for name in ("parentComment", "object"):
        said = decorated(**{name: SPELLED_OUT})
        found = message_in(read(notification(answer, decoratedGeneratedActivity=said)))
        assert (found.thread_id, found.parent_id) == (COMMENT, COMMENT)
    said = decorated(object=POST)
    found = message_in(read(notification(answer, decoratedGeneratedActivity=said)))
    assert found.parent_id is None


def test_a_post_that_mentions_the_company_is_a_message() -> None:
    said = {"share": {"owner": MEMBER, "text": "Danke an Muster"}}
    item = notification("urn:li:share:9", "SHARE_MENTION", decoratedGeneratedActivity=said)
    assert message_in(read(item)).text == "Danke an Muster"


def test_what_the_company_writes_is_our_own() -> None:
    assert isinstance(read(notification("1", "ADMIN_COMMENT")), OwnPost)
    ours = notification("1", decoratedGeneratedActivity=decorated(owner=COMPANY))
    assert isinstance(read(ours), OwnPost)
    assert isinstance(read(notification("1"), MEMBER), OwnPost)
    nobody = notification("1", decoratedGeneratedActivity=decorated(owner=None),
                          organizationalEntity=None)  # fmt: skip
    assert isinstance(read(nobody), NewMessage)
    edited = notification("1", "COMMENT_EDIT", decoratedGeneratedActivity=decorated(owner=COMPANY))
    assert isinstance(read(edited), OwnPost)


def test_comments_are_edited_and_deleted() -> None:
    edited = read(notification(COMMENT, "COMMENT_EDIT"))
    assert isinstance(edited, Edited)
    assert (edited.message.id, edited.edited_at, edited.message.sent_at) == (
        COMMENT,
        BEFORE_NOON,
        None,
    )
    bare = notification(SPELLED_OUT, "COMMENT_DELETE", decoratedGeneratedActivity=None)
    assert read(bare) == Withdrawn(COMMENT, BEFORE_NOON)
    without = notification(COMMENT, "COMMENT_EDIT", decoratedGeneratedActivity=None)
    assert read(without) == Ignored(kind="edit-without-text")


@pytest.mark.parametrize(
    ("action", "kind"),
    [("LIKE", "like"), ("SHARE", "share"), ("TEA", "unknown"), (None, "unknown"), ([], "unknown")],
)
def test_what_else_is_told_is_counted(action: Any, kind: str) -> None:
    assert read(notification("1", action)) == Ignored(kind=kind)


def test_other_notifications_are_passed_over() -> None:
    parts = CONNECTOR.split({"type": "LEAD_ACTION", "leadAction": "CREATED"})
    assert (list(parts.items), parts.ignored) == ([], 1)


def test_the_prefix_may_stand_before_the_signature_too() -> None:
    keys = CONNECTOR.keys(SECRETS)
    body = delivery([notification("1")])
    signature = signed(body, SECRETS[1]).headers["x-li-signature"]
    for value in (signature, b"hmacsha256=" + signature):
        CONNECTOR.claim(Sent(body, {"x-li-signature": value}).request(), keys, NOON)(body)
    # Without the prefix it is what a challenge signs for anybody.
    bare = mac(SECRETS[0], body).encode()
    proof = CONNECTOR.claim(Sent(body, {"x-li-signature": bare}).request(), keys, NOON)
    with pytest.raises(RefusedError):
        proof(body)
