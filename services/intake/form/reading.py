"""A request that somebody's browser makes of the form, read."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from services.intake.connectors.decoding import Field, form
from services.intake.connectors.items import File
from services.intake.connectors.port import WebhookRequest
from services.intake.form.entries import Entries
from services.intake.form.wording import LANGUAGES, Language
from services.intake.receiving.off_loop import off_loop
from shared.web.problems import RefusedError

TRAP = "website"
"""A field that no person sees. Programs fill in whatever there is."""
MOST_TYPED = 1_048_576
"""Bytes of all that is no file: several times what fits, so that a person can cut it."""
_WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
_IPV6_NETWORK = 64
"""Bits that a household or an office has to itself."""


@dataclass(frozen=True, slots=True)
class Filled:
    """`trapped`: something is in the field that no person sees."""

    entries: Entries
    token: str
    trapped: bool


async def filled(request: Request) -> Filled:
    """Raises RefusedError for a body that is no form, too large or too slow."""
    body = await request.body()
    fields = await off_loop(
        len(body), _fields, body, WebhookRequest(request.method, request.headers.raw)
    )
    files = [each for each in fields if each.name == "files" and each.filename is not None]
    return Filled(
        Entries(
            name=_text(fields, "name"),
            email=_text(fields, "email"),
            subject=_text(fields, "subject"),
            text=_text(fields, "text"),
            # Browsers send an empty file without a name where nothing was chosen.
            files=tuple([_file(each) for each in files if each.filename or each.value]),
        ),
        token=_text(fields, "token"),
        trapped=bool(_text(fields, TRAP).strip()),
    )


def _fields(body: bytes, request: WebhookRequest) -> Sequence[Field]:
    """Raises RefusedError. What is typed has a limit of its own: it is shown again. The size of the
    body tells nothing of it, neither beside files nor where each byte is written as three.
    """
    fields = form(body, request)
    if sum(len(each.value) for each in fields if each.filename is None) > MOST_TYPED:
        raise RefusedError(413, "body-too-large", f"the fields have more than {MOST_TYPED} bytes")
    return fields


def _text(fields: Sequence[Field], name: str) -> str:
    """The first value, with lines that end as everywhere else, and no NUL, which nothing stores."""
    found = next((each.text for each in fields if each.name == name and not each.filename), "")
    return found.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def _file(field: Field) -> File:
    return File(field.value, name=field.filename or None, type=field.type)


def language_of(request: Request) -> Language:
    """`?lang=`, else the one of ours that the browser likes best, else German."""
    asked = request.query_params.get("lang", "")
    wanted = [asked, *_by_preference(request.headers.get("accept-language", ""))]
    spoken = [text.partition("-")[0].strip().lower() for text in wanted]
    return next((ours for each in spoken for ours in LANGUAGES if ours == each), "de")


def _by_preference(header: str) -> list[str]:
    """The languages of an Accept-Language field (RFC 9110, 12.5.4), the best first."""
    weighed = [
        (_weight(parameters), language)
        for language, _, parameters in (each.partition(";") for each in header.split(","))
    ]
    return [language for weight, language in sorted(weighed, key=lambda w: -w[0]) if weight > 0]


def _weight(parameters: str) -> float:
    found = _WEIGHT.fullmatch(parameters.replace(" ", ""))
    return float(found[1]) if found else float(not parameters)


def address_of(request: Request) -> str:
    """Whom a message counts for: an IPv4 address, or the network of an IPv6 one."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address)
