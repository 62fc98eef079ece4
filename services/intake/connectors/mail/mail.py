"""A mail taken apart, whoever did it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from services.intake.connectors.items import Adjusted, File
from services.intake.connectors.mail.headers import Headers, distinct

_STABLE = ("from", "to", "cc", "date", "subject")
"""What no server on the way changes."""


@dataclass(frozen=True, slots=True)
class Mail:
    """`text` is all that it says. `written` is what a mail service takes for newly written, None
    where nobody said. `enclosed` are the headers of the mails inside this one. `recipients` are
    addresses that the mail came to, as far as its headers do not say.
    """

    headers: Headers
    text: str = ""
    written: str | None = None
    files: tuple[File, ...] = ()
    enclosed: tuple[Headers, ...] = ()
    recipients: tuple[str, ...] = ()
    adjusted: tuple[Adjusted, ...] = ()

    @property
    def id(self) -> str:
        """The Message-ID, or one that is derived: the same for each delivery of this mail.

        Of several that differ nobody knows which one others mean.
        """
        given = distinct(self.headers.ids("message-id"))
        return given[0] if len(given) == 1 else self.derived_id

    @property
    def derived_id(self) -> str:
        """What tells this mail from any other, whatever its Message-ID says."""
        digest = sha256()
        for name in _STABLE:
            value = " ".join(" ".join(self.headers.all(name)).split())
            digest.update(f"{name}:{value}\n".encode("utf-8", "replace"))
        digest.update(" ".join(self.text.split()).encode("utf-8", "replace"))
        for file in self.files:
            digest.update(sha256(file.content).digest())
        return f"derived:{digest.hexdigest()[:32]}"
