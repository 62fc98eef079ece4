"""The options of a PostgreSQL URL: libpq's, as far as the driver has them, checked at the start.

The driver hands what it does not know to the server and reads files with each connection, so that
a typing error would look like a database that is away.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import URL

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_VERIFIES = ("verify-ca", "verify-full")
_KNOWN = frozenset(
    {
        "sslmode", *_FILES, "sslpassword", "sslnegotiation", "ssl_min_protocol_version",
        "ssl_max_protocol_version", "target_session_attrs", "host", "port", "user", "password",
        "passfile", "application_name", "options", "krbsrvname", "gsslib",
    }
)  # fmt: skip


def check_options(url: URL) -> None:
    """Raises ValueError that says what is wrong and what would be right."""
    options = {name: value for name, value in url.query.items() if isinstance(value, str)}
    unknown = sorted(set(url.query) - _KNOWN)
    if unknown:
        raise ValueError(
            f"unknown options of a database URL: {', '.join(unknown)}; known are "
            f"{', '.join(sorted(_KNOWN))}"
        )
    mode = options.get("sslmode")
    if mode is not None and mode not in SSL_MODES:
        raise ValueError(f"sslmode is {mode!r}; it must be one of {', '.join(SSL_MODES)}")
    for name in _FILES:
        if name in options and not Path(options[name]).is_file():
            raise ValueError(f"{name}: there is no file {options[name]}")
    if mode in _VERIFIES and not ("sslrootcert" in options or _has_usual_authorities()):
        raise ValueError(
            f"sslmode={mode} needs a certificate authority: add sslrootcert=/path/to/ca.pem, "
            f"or put the authority's certificate into {_usual_authorities()}"
        )


def _has_usual_authorities() -> bool:
    return "PGSSLROOTCERT" in os.environ or _usual_authorities().is_file()


def _usual_authorities() -> Path:
    return Path("~/.postgresql/root.crt").expanduser()
