"""What a mail is to the desk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.items import (
    Broken,
    File,
    Ignored,
    Item,
    Message,
    NewMessage,
    OwnPost,
    ThreadHints,
)
from services.intake.connectors.mail.automatic import automatic, delivery_report
from services.intake.connectors.mail.charsets import storable
from services.intake.connectors.mail.headers import Address, Headers, addresses, distinct, moment
from services.intake.connectors.mail.mail import Mail
from services.intake.connectors.mail.mime import headers_of, parsed
from services.intake.connectors.mail.quotes import written
from services.intake.connectors.port import Reading

LONGEST_FULL_TEXT = 1_000_000
"""Characters; a mail that says more has all of it as a file."""
MOST_NAMED = 20
"""Recipients that are kept by name."""
MOST_REFERENCES = 50
_MOST_ENCLOSED = 10
_LONGEST_AUTHOR = 1_000
_RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-forwarded-to")
_LINE_ENDS = re.compile("\r\n?")


def message_of(raw: bytes, reading: Reading) -> Item:
    """The item of a raw mail (RFC 5322), however damaged it is. Costs time in proportion to its
    length: for 25 MB about a second, and up to two more for what is HTML or a list of addresses,
    of which only so much is read in one mail.
    """
    return item_of(parsed(raw), reading)


def id_of(raw: bytes) -> str:
    """The id of the message that the mail would be, as it would be stored."""
    headers = headers_of(raw)
    given = distinct(headers.ids("message-id"))
    found = given[0] if len(given) == 1 else parsed(raw).id
    return lenient.id_of({"id": found}) or found


def item_of(mail: Mail, reading: Reading) -> Item:
    own = {each.lower() for each in reading.own_ids}
    kind = automatic(mail.headers, own)
    if kind is not None:
        report = delivery_report(mail) if kind == "bounce" else None
        return report or Ignored("automatic", kind)
    subject, everything = mail.headers.words("subject"), _clean(mail.text).strip("\n")
    new = written(everything, subject=subject)
    original = new.original or _enclosed_author(mail)
    author, ours = _author(mail.headers, own, original)
    item = lenient.message_of(
        {
            **_thread(mail),
            "author": author,
            "subject": subject,
            "text": _clean(mail.written or "").strip() or new.text,
            "sent_at": _sent_at(mail.headers),
        },
        now=reading.now,
    )
    if isinstance(item, Broken):
        return item
    message = _completed(item.message, mail, everything, original)
    adjusted = (*item.adjusted, *mail.adjusted)
    if ours:
        return OwnPost(_as_post(message), adjusted)
    return NewMessage(message, adjusted)


def _clean(text: str) -> str:
    return _LINE_ENDS.sub("\n", storable(text))


def _sent_at(headers: Headers) -> str | None:
    sent_at = moment(headers.first("date"))
    return None if sent_at is None else sent_at.isoformat()


def _thread(mail: Mail) -> Mapping[str, Any]:
    """A thread is named after its first mail, as far as the mail knows it (RFC 5322, 3.6.4)."""
    references, answered = mail.headers.ids("references"), mail.headers.ids("in-reply-to")
    return {
        "id": mail.id,
        "thread_id": (*references, *answered, mail.id)[0],
        "parent_id": (*answered, *references[::-1], None)[0],
    }


def _author(
    headers: Headers, own: AbstractSet[str], original: Address | None
) -> tuple[Mapping[str, Any] | None, bool]:
    """Who wrote, and whether that is one of us.

    A web form that mails from our own address to ourselves names the customer in Reply-To, and a
    colleague who hands on a mail that way is not who asks.
    """
    found = headers.addresses("from", "sender")
    if not found:
        return None, False
    who = found[0]
    if who.key in own:
        named = [*headers.addresses("reply-to"), *([original] if original else [])]
        others = [each for each in named if each.key not in own]
        if not (others and _among_us(headers, own)):
            return _person(who), True
        who = others[0]
    return _person(who), False


def _among_us(headers: Headers, own: AbstractSet[str]) -> bool:
    recipients = headers.addresses("to", "cc")
    return bool(recipients) and all(each.key in own for each in recipients)


def _person(who: Address) -> Mapping[str, Any]:
    return {"id": who.key, "name": who.name, "email": who.key}


def _enclosed_author(mail: Mail) -> Address | None:
    """Of a mail that was forwarded as a file."""
    for enclosed in mail.enclosed[:_MOST_ENCLOSED]:
        if found := addresses(enclosed.first("from")[:_LONGEST_AUTHOR]):
            return found[0]
    return None


def _completed(message: Message, mail: Mail, everything: str, original: Address | None) -> Message:
    """With what only mails have."""
    full = None if message.text.strip() == everything.strip() else everything
    files = mail.files
    if full is not None and len(full) > LONGEST_FULL_TEXT:
        whole = File(full.encode(), "message.txt", "text/plain; charset=utf-8")
        full, files = full[:LONGEST_FULL_TEXT] + lenient.CUT_MARK, (*files, whole)
    return replace(
        message,
        full_text=full or None,
        files=files,
        details=_details(mail.headers, message, original) or None,
        hints=_hints(mail),
        other_id=mail.derived_id,
    )


def _details(headers: Headers, message: Message, original: Address | None) -> dict[str, Any]:
    """Who else got it, where an answer is to go, and who wrote what was forwarded."""
    found: dict[str, Any] = {
        name.replace("-", "_"): [each.key[:320] for each in people[:MOST_NAMED]]
        for name in ("to", "cc", "reply-to")
        if (people := headers.addresses(name))
    }
    if found.get("reply_to") == [message.author.email]:
        del found["reply_to"]
    if original is not None and original.key != message.author.email:
        found["forwarded_from"] = {"name": original.name, "email": original.key[:320]}
    return found


def _hints(mail: Mail) -> ThreadHints:
    references, answered = mail.headers.ids("references"), mail.headers.ids("in-reply-to")
    named = distinct((*answered, *references[::-1]))[:MOST_REFERENCES]
    addressed = (*(each.email for each in mail.headers.addresses(*_RECIPIENTS)), *mail.recipients)
    tags = (each.partition("@")[0].partition("+")[2] for each in addressed)
    texts = (mail.headers.words("subject"), *distinct(tag for tag in tags if tag)[:MOST_NAMED])
    return ThreadHints(tuple(named), texts)


def _as_post(message: Message) -> Message:
    """One of ours belongs to the thread of what it answers, whoever began that."""
    return message if message.parent_id is None else replace(message, thread_id=None)
