"""Mails that nobody wrote: they open no inquiry, and nothing of ours may ever answer them.

RFC 3834 (automatic answers), RFC 3464 (reports of delivery), RFC 2919 (lists).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal

from services.intake.connectors import lenient
from services.intake.connectors.items import DeliveryAction, DeliveryReport
from services.intake.connectors.mail.charsets import storable
from services.intake.connectors.mail.headers import Headers, distinct, ids
from services.intake.connectors.mail.mail import Mail

Kind = Literal["auto-generated", "auto-reply", "bounce", "bulk", "complaint", "list", "receipt"]
_REPORTS: dict[str, Kind] = {
    "delivery-status": "bounce",
    "disposition-notification": "receipt",
    "feedback-report": "complaint",
}
_REPORT_TYPE = re.compile(r"report-type\s*=\s*\"?([a-z-]+)", re.IGNORECASE)
_MAILTO = re.compile(r"<mailto:([^<>?\s]+)", re.IGNORECASE)
_AWAY = re.compile(
    r"(?i)(?:out of (?:the )?office|automatic reply|auto(?:matic)?[- ]?response|abwesen(?:d|heit)"
    r"|automatische (?:antwort|abwesenheit)|r[ée]ponse automatique|absence du bureau"
    r"|respuesta autom|risposta automatica|automatisch antwoord|afwezig)"
)
_LINE = re.compile(r"(?m)^([\w-]{1,60}):[ \t]*(.{0,500})")
_LONGEST_REPORT = 50_000


def automatic(headers: Headers, own: AbstractSet[str]) -> Kind | None:
    """Which kind of automatic mail it is; None for one that somebody wrote.

    `own` are our own addresses in lower case.
    """
    return _report(headers) or _says_so(headers) or _to_many(headers, own)


def _report(headers: Headers) -> Kind | None:
    content_type = headers.first("content-type").lower()
    if content_type.startswith("multipart/report"):
        found = _REPORT_TYPE.search(content_type)
        return _REPORTS.get(found[1] if found else "", "bounce")
    authors = headers.addresses("from")
    by_daemon = bool(authors) and authors[0].key.startswith(("mailer-daemon@", "mailer-daemon+"))
    return "bounce" if by_daemon or headers.has("x-failed-recipients") else None


def _says_so(headers: Headers) -> Kind | None:
    submitted = re.split(r"[;(\s]", headers.first("auto-submitted").lower(), maxsplit=1)[0]
    if submitted not in ("", "no"):
        return "auto-generated" if submitted == "auto-generated" else "auto-reply"
    if any(headers.first(f"x-{name}").lower() not in ("", "no") for name in _AUTOREPLY):
        return "auto-reply"
    if headers.first("precedence").lower() == "auto_reply" or _return_path(headers) == "<>":
        return "auto-reply"
    answers = headers.has("in-reply-to") or headers.has("references")
    return "auto-reply" if answers and _AWAY.match(headers.words("subject")) else None


_AUTOREPLY = ("autoreply", "autorespond", "autoresponse", "auto-reply")


def _return_path(headers: Headers) -> str:
    return "".join(headers.first("return-path").split())


def _to_many(headers: Headers, own: AbstractSet[str]) -> Kind | None:
    """Bulk mail, and what is said on others' lists.

    Somebody's own words come through a list as well: where the list is our own address, or where
    we are named beside a list on which people write to each other.
    """
    precedence = headers.first("precedence").lower()
    is_list = headers.has("list-id") or precedence == "list"
    if not is_list:
        return "bulk" if precedence in ("bulk", "junk") else None
    posts = {address.lower() for address in _MAILTO.findall(headers.first("list-post"))}
    named = headers.first("list-id").lower()
    if posts & own or any(f"<{address.replace('@', '.')}>" in named for address in own):
        return None
    addressed = any(each.key in own for each in headers.addresses("to", "cc"))
    return None if posts and addressed else "list"


def delivery_report(mail: Mail) -> DeliveryReport | None:
    """What a bounce says of a message of ours; None where it names none.

    Whether it is ours turns out where messages are known: a report can be forged.
    """
    original = [each for enclosed in mail.enclosed for each in enclosed.ids("message-id")]
    fields = dict(_fields(mail))
    envelope = ids(fields.get("original-envelope-id", ""))
    answered = (*mail.headers.ids("in-reply-to"), *mail.headers.ids("references"))
    named = tuple(distinct((*original, *envelope, *answered)))[:10]
    if not named:
        return None
    _, _, recipient = fields.get("final-recipient", "").rpartition(";")
    failed = mail.headers.first("x-failed-recipients")
    return DeliveryReport(
        id=lenient.id_of({"id": mail.id}) or mail.derived_id,
        message_ids=named,
        action=_ACTIONS.get(fields.get("action", "").strip().lower(), "failed"),
        status=fields.get("status", "").strip()[:20] or None,
        recipient=(recipient.strip() or failed)[:320] or None,
        text=fields.get("diagnostic-code", "").strip() or storable(mail.text[:500]).strip() or None,
    )


_ACTIONS: Mapping[str, DeliveryAction] = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}


def _fields(mail: Mail) -> Iterator[tuple[str, str]]:
    """Of the report's first recipient the last value of each; one mail has one recipient."""
    for file in mail.files:
        if file.type == "message/delivery-status":
            text = file.content[:_LONGEST_REPORT].decode("utf-8", "replace")
            for name, value in _LINE.findall(storable(text).replace("\r\n", "\n")):
                yield name.lower(), value
