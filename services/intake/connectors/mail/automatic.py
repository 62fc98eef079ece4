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
_BY_ITSELF = re.compile(
    r"(?i)(?:auto(?:matic)?[- ]?(?:reply|response)|automatische antwort|r[ée]ponse automatique"
    r"|respuesta autom[áa]tica|risposta automatica|automatisch antwoord)\s*:"
)
"""How programs begin a subject."""
_AWAY = re.compile(
    r"(?i)(?:out of (?:the )?office(?: (?:auto-?reply|reply|message|notification))?"
    r"|(?:automatische )?abwesenheit(?:s(?:notiz|meldung|nachricht|benachrichtigung))?|abwesend"
    r"|absence du bureau|afwezig(?:heid(?:smelding)?)?)\s*(?::|$)"
)
"""What a person could say as well, of which only an answer is automatic."""
_COMMENT = re.compile(r"\([^()]*\)")
_DAEMONS = ("mailer-daemon", "mail delivery system", "mail delivery subsystem")
_BETWEEN_ADDRESSES = re.compile(r"[\s<>,;]+")
_LINE = re.compile(r"(?m)^([\w-]{1,60}):[ \t]*(.{0,500})")
_LONGEST_REPORT = 50_000


def automatic(headers: Headers, own: AbstractSet[str]) -> Kind | None:
    """Which kind of automatic mail it is; None for one that somebody wrote.

    `own` are our own addresses in lower case.
    """
    return (
        _report(headers) or _says_so(headers) or _in_a_loop(headers, own) or _to_many(headers, own)
    )


def _report(headers: Headers) -> Kind | None:
    content_type = headers.first("content-type").lower()
    if content_type.startswith("multipart/report"):
        found = _REPORT_TYPE.search(content_type)
        return _REPORTS.get(found[1] if found else "", "bounce")
    by_daemon = _is_daemon(headers)
    return "bounce" if by_daemon or headers.has("x-failed-recipients") else None


def _is_daemon(headers: Headers) -> bool:
    """Some name no address, or an empty one."""
    authors = headers.addresses("from")
    if authors:
        return authors[0].key.startswith(("mailer-daemon@", "mailer-daemon+"))
    return headers.words("from").lower().lstrip('<" ').startswith(_DAEMONS)


def _says_so(headers: Headers) -> Kind | None:
    """Of a header that is repeated any counts: servers on the way add theirs."""
    for submitted in map(_keyword, headers.all("auto-submitted")):
        if submitted not in ("", "no"):
            return "auto-generated" if submitted == "auto-generated" else "auto-reply"
    said = (each.lower() for name in _AUTOREPLY for each in headers.all(f"x-{name}"))
    if any(each not in ("", "no") for each in said):
        return "auto-reply"
    precedences = map(str.lower, headers.all("precedence"))
    if "auto_reply" in precedences or "<>" in map(_close, headers.all("return-path")):
        return "auto-reply"
    subject, answers = headers.words("subject"), headers.has("in-reply-to")
    away = (answers or headers.has("references")) and _AWAY.match(subject)
    return "auto-reply" if away or _BY_ITSELF.match(subject) else None


_AUTOREPLY = ("autoreply", "autorespond", "autoresponse", "auto-reply")
_DEEPEST_COMMENT = 3


def _keyword(value: str) -> str:
    """Without comments, which may stand anywhere (RFC 5322, section 3.2.2), and parameters."""
    for _ in range(_DEEPEST_COMMENT):
        value = _COMMENT.sub(" ", value)
    return re.split(r"[;(\s]", value.strip().lower(), maxsplit=1)[0]


def _close(value: str) -> str:
    return "".join(value.split())


def _in_a_loop(headers: Headers, own: AbstractSet[str]) -> Kind | None:
    """A mail of ours that comes back from somebody else."""
    passed = {part for each in headers.all("x-loop") for part in _parts(each)}
    ours = any(each.key in own for each in headers.addresses("from", "sender")[:1])
    return "auto-reply" if passed & own and not ours else None


def _parts(value: str) -> list[str]:
    return _BETWEEN_ADDRESSES.split(value.lower())


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
