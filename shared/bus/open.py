"""From the bus URL to the bus: which one is the only thing that the mode of running decides."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from shared.bus.kafka import KafkaBus, KafkaSettings
from shared.bus.local import LocalBus
from shared.bus.login import Login
from shared.bus.port import Bus, Topic
from shared.text.addresses import without_secrets

_SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_FORMS = "local:///absolute/path/bus.sqlite or kafka://host:port,host:port"


def open_bus(
    url: str,
    topics: Sequence[Topic],
    *,
    data_dir: Path | None = None,
    login: Login | None = None,
    ca: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Bus:
    """A bus that is not started yet.

    `local:///abs/path/bus.sqlite` is the durable log in one file; `local://` alone puts it into
    `data_dir`. `kafka://host:port,host:port` takes `?replication=3` (copies of each topic that has
    to be created, default 1) and `?security=` in Kafka's own words: SSL is TLS with the authorities
    of the file `ca` or of the machine, SASL_SSL is that with `login`. Raises ValueError.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # Not as its cause: it may repeat the password.
        raise ValueError(f"the bus URL cannot be read; it must look like {_FORMS}") from None
    match parts.scheme:
        case "local":
            return LocalBus(_path(parts, data_dir), topics, clock=clock)
        case "kafka":
            return KafkaBus(_kafka(parts, login, ca), topics, clock=clock)
        case _:
            shown = without_secrets(url)
            raise ValueError(f"the bus URL is {shown!r}; it must look like {_FORMS}")


def _path(parts: SplitResult, data_dir: Path | None) -> Path:
    path = Path(unquote(parts.path))
    if parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"a local bus URL has three slashes and nothing but a path: {_FORMS}")
    if parts.path in {"", "/"}:
        if data_dir is None:
            raise ValueError(f"the bus URL names no file; it must look like {_FORMS}")
        return data_dir.absolute() / "bus.sqlite"
    return path


def _kafka(parts: SplitResult, login: Login | None, ca: Path | None) -> KafkaSettings:
    servers = parts.netloc.split(",")
    if "@" in parts.netloc:
        raise ValueError(
            "a Kafka URL holds no user and no password: set DESK_BUS_USER and DESK_BUS_PASSWORD"
        )
    if not all(_is_address(server) for server in servers):
        raise ValueError(f"a Kafka URL names host and port of each server: {_FORMS}")
    if parts.path not in {"", "/"} or parts.fragment:
        raise ValueError(f"a Kafka URL has no path: {_FORMS}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    replication = options.pop("replication", "1")
    security = options.pop("security", "PLAINTEXT")
    if options:
        raise ValueError(f"unknown bus URL options {sorted(options)}; known: replication, security")
    if not replication.isascii() or not replication.isdigit() or not 1 <= int(replication) <= 99:
        raise ValueError(f"replication is {replication!r}; it must be a number from 1 to 99")
    _check_security(security, login, ca)
    return KafkaSettings(
        servers=tuple(servers),
        replication=int(replication),
        tls=security.endswith("SSL"),
        ca=ca,
        login=login,
    )


def _check_security(security: str, login: Login | None, ca: Path | None) -> None:
    """Raises ValueError for what does not fit together: a half of it would be no protection."""
    if security not in _SECURITY:
        raise ValueError(f"security is {security!r}; it must be one of {', '.join(_SECURITY)}")
    wants_login, encrypted = security.startswith("SASL"), security.endswith("SSL")
    if wants_login and login is None:
        raise ValueError(f"security={security} needs DESK_BUS_USER and DESK_BUS_PASSWORD")
    if login is not None and not wants_login:
        raise ValueError(
            f"DESK_BUS_USER is set, and the bus URL says security={security}; write SASL_SSL there"
        )
    if login is not None and login.mechanism == "PLAIN" and not encrypted:
        raise ValueError(
            "DESK_BUS_MECHANISM=PLAIN without TLS sends the password in clear text: write "
            "security=SASL_SSL in DESK_BUS_URL, or use SCRAM-SHA-512"
        )
    if ca is not None and not encrypted:
        raise ValueError(f"DESK_BUS_CA is set, and security={security} is without TLS")
    if ca is not None:
        _check_authorities(ca)


def _check_authorities(ca: Path) -> None:
    try:
        ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise ValueError(
            f"DESK_BUS_CA: {ca} cannot be used: {error.strerror or error}; it must hold "
            "certificates of authorities in PEM"
        ) from error


def _is_address(server: str) -> bool:
    host, _, port = server.rpartition(":")
    return bool(host) and "@" not in host and port.isascii() and port.isdigit()
