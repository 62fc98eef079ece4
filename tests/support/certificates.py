"""Certificates for servers of the tests: an authority, and what it says of `localhost`."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import MissingBackingError


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files. `strangers` is another authority, which has signed nothing."""

    ca: Path
    certificate: Path
    key: Path
    strangers: Path


def make_certificates(folder: Path) -> Certificates:
    """Raises MissingBackingError without OpenSSL."""
    if shutil.which("openssl") is None:
        raise MissingBackingError("TLS: openssl is not installed (Debian package `openssl`)")
    folder.mkdir(parents=True, exist_ok=True)
    ca, strangers = _authority(folder, "ca"), _authority(folder, "strangers")
    request, key = folder / "server.csr", folder / "server.key"
    certificate, names = folder / "server.pem", folder / "names"
    names.write_text("subjectAltName=DNS:localhost\n")
    _openssl("req", "-new", *_KEY, "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    signed_by = ("-CA", ca, "-CAkey", folder / "ca.key", "-CAcreateserial")
    _openssl(
        "x509", "-req", "-in", request, *signed_by, "-extfile", names, "-days", "2",
        "-out", certificate,
    )  # fmt: skip
    return Certificates(ca, certificate, key, strangers)


_KEY = ("-newkey", "rsa:2048", "-nodes")


def _authority(folder: Path, name: str) -> Path:
    path = folder / f"{name}.pem"
    _openssl(
        "req", "-x509", *_KEY, "-keyout", folder / f"{name}.key", "-out", path, "-days", "2",
        "-subj", f"/CN={name} of the tests",
    )  # fmt: skip
    return path


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
