"""A recorded delivery as it lies in a folder: its body, and in JSON what to expect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

EXPECTATION = ".expect.json"
BODIES = (".json", ".form", ".eml", ".xml", ".multipart", ".txt", ".query")
CONNECTORS = {"x_twitter": "x", "email_raw": "email"}
"""Folders that are named otherwise than their connector."""
POLLED = {"youtube": "websub-sha1", "mastodon": "mastodon"}
"""How what was polled is signed by whoever hands it on to the desk."""
OF_META = frozenset({"facebook_page", "messenger", "instagram", "whatsapp"})
NO_SECRET = "a-secret-that-the-case-does-not-have"
PUBLIC = frozenset(
    {"facebook_page", "instagram", "x", "linkedin", "mastodon", "youtube", "github", "discourse"}
)


@dataclass(frozen=True, slots=True)
class Case:
    """`name` is `<folder>/<case>`, `body` the exact bytes, or those of the query without a body.

    `expected` is the JSON: `secret`, `own_ids`, `sign` (how it is signed), `static_headers`, `url`;
    `after`: cases delivered before it to the same channel; `repeat`: how often it is sent; then
    `inquiries`, `ignored`, `status`, `response`, `attachments`; and how strictly that is meant:
    `lenient`, `accept`, `uncertain`.
    """

    name: str
    body: bytes
    expected: Mapping[str, Any]

    @property
    def connector(self) -> str:
        folder = self.name.partition("/")[0]
        return CONNECTORS.get(folder, folder)

    @property
    def polled(self) -> bool:
        """Whether no platform sends it: somebody asked for it."""
        return self.expected.get("method") == "POLL"

    @property
    def method(self) -> str:
        return "POST" if self.polled else str(self.expected.get("method", "POST"))

    @property
    def signing(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.expected.get("sign") or {"scheme": "none"}
        scheme = POLLED.get(self.connector) if self.polled else None
        return found if scheme is None else {**found, "scheme": scheme}

    @property
    def secret(self) -> str:
        """What signs."""
        return self.expected.get("secret") or ""

    @property
    def channel_secrets(self) -> Sequence[str]:
        """What proves: where the two differ, the public key; and what Meta has to know."""
        proving = str(self.expected.get("public_key") or self.secret or NO_SECRET)
        token = self.expected.get("verify_token") or self._token_asked_with()
        if self.connector not in OF_META or token in {None, proving}:
            return [proving]
        return [proving, f"verify:{token}"]

    def _token_asked_with(self) -> str | None:
        """Of a handshake that is to be answered: the case does not say it otherwise."""
        expected = {str(each)[:1] for each in self.expected.get("status", ())}
        asked = parse_qs(self.query) if self.method == "GET" and expected <= {"2"} else {}
        return next(iter(asked.get("hub.verify_token", ())), None)

    @property
    def own_ids(self) -> Sequence[str]:
        found = [str(each) for each in self.expected.get("own_ids") or ()]
        return list(dict.fromkeys(each for each in found if each))

    @property
    def after(self) -> Sequence[str]:
        found: str | Sequence[str] = self.expected.get("after") or ()
        return [found] if isinstance(found, str) else found

    @property
    def query(self) -> str:
        """Without a body the whole of it is the case; else it is the address's."""
        if self.has_body:
            return urlsplit(self.expected.get("url") or "").query
        return self.body.decode("latin-1").strip("\r\n")

    @property
    def has_body(self) -> bool:
        return self.method in {"POST", "PUT"}

    def channel(self, number: int) -> str:
        """A name for the policy file; the number keeps it apart from others."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")[:34] + f"_{number}"


def cases(folder: Path) -> dict[str, Case]:
    """All of the folder by name. Raises ValueError for one that is not complete, or for none."""
    found = {case.name: case for case in _found(folder)}
    if not found:
        raise ValueError(f"there is no case in {folder}")
    return found


def chosen(found: Mapping[str, Case], names: Sequence[str]) -> list[Case]:
    """Those of these names, all without any. Raises ValueError for a name that fits none."""
    for name in names:
        if not any(_fits(case, name) for case in found.values()):
            raise ValueError(f"there is no case {name}")
    fitting = [case for case in found.values() if any(_fits(case, name) for name in names)]
    return fitting if names else list(found.values())


def _fits(case: Case, name: str) -> bool:
    name = name.strip("/")
    return case.name == name or case.name.startswith(f"{name}/")


def _found(folder: Path) -> Iterator[Case]:
    for path in sorted([*folder.glob(f"*{EXPECTATION}"), *folder.glob(f"*/*{EXPECTATION}")]):
        stem = path.name.removesuffix(EXPECTATION)
        bodies = [each for kind in BODIES if (each := path.with_name(stem + kind)).exists()]
        if len(bodies) != 1:
            raise ValueError(f"{path} has {len(bodies)} bodies, where it should have one")
        expected = json.loads(path.read_text(encoding="utf-8"))
        yield Case(f"{path.parent.name}/{stem}", bodies[0].read_bytes(), expected)
