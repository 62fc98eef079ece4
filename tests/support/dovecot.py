"""A real mail server: Debian's dovecot, killed and started at will."""

from __future__ import annotations

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import make_certificates
from tests.support.processes import MissingBackingError, Process, free_port, scratch

PASSWORD = "ein-gutes-Wort"
"""Everybody's: whoever logs in has a mailbox."""
_NOBODY = 65534
_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = yes
auth_mechanisms = plain login
default_internal_user = {owner}
default_login_user = {owner}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mailbox_list_index = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={folder}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


class Dovecot:
    """`kill` and `start` keep folder, ports and mails. Raises MissingBackingError without it."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None or not Path("/usr/lib/dovecot/imap").exists():
            raise MissingBackingError("dovecot: not installed (Debian package `dovecot-imapd`)")
        self._program = program
        self._folder = folder
        self._user = _NOBODY if os.geteuid() == 0 else None
        self.port, self.tls_port = free_port(), free_port()
        self._certificates = make_certificates(folder / "certificates")
        self._process: Process | None = None

    @property
    def ca(self) -> Path:
        return self._certificates.ca

    def start(self) -> None:
        """Returns when it greets; raises StartFailedError."""
        configuration = self._folder / "dovecot.conf"
        if not configuration.exists():
            self._prepare(configuration)
        self._process = Process(
            [self._program, "-F", "-c", str(configuration)],
            log=self._folder / "output.log",
        )
        self._process.wait_until(self._greets, seconds=30)

    def kill(self) -> None:
        """SIGKILL for all of its processes."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        with contextlib.suppress(FileNotFoundError):
            (self._folder / "run" / "master.pid").unlink()

    def renumber(self, user: str) -> None:
        """Folders get another UIDVALIDITY, and their mails other numbers; it is started again."""
        self.kill()
        for path in (self._folder / "mail" / user).rglob("dovecot.index*"):
            path.unlink()
        for path in (self._folder / "mail" / user).rglob("dovecot-uidlist"):
            version, validity, _, *rest = path.read_text().splitlines()[0].split(" ")
            again = [version, f"V{int(validity[1:]) + 1000}", "N1", *rest]
            path.write_text(" ".join(again) + "\n")
        self.start()

    @contextlib.contextmanager
    def session(self, user: str, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """As a person's mail program has it."""
        context = ssl.create_default_context(cafile=self.ca)
        client = imaplib.IMAP4_SSL("localhost", self.tls_port, ssl_context=context)
        try:
            client.login(user, PASSWORD)
            client.create(f'"{folder}"')
            client.select(f'"{folder}"')
            yield client
        finally:
            client.logout()

    def deliver(self, user: str, *mails: bytes, folder: str = "INBOX") -> None:
        with self.session(user, folder) as client:
            for mail in mails:
                status, answer = client.append(f'"{folder}"', "", "", mail)
                assert status == "OK", answer

    def flags(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Of each mail in it, what the server says of it."""
        with self.session(user, folder) as client:
            numbers = client.search(None, "ALL")[1][0]
            found = (
                client.fetch(numbers.replace(b" ", b",").decode(), "(FLAGS)")[1] if numbers else []
            )
        return [each for each in found if isinstance(each, bytes)]

    def _greets(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1) as s,
        ):
            s.settimeout(2)
            return s.recv(4) == b"* OK"
        return False

    def _prepare(self, configuration: Path) -> None:
        user = os.geteuid() if self._user is None else self._user
        owner = pwd.getpwuid(user)
        group = grp.getgrgid(owner.pw_gid)
        for name in ("run", "state", "mail", "home"):
            (self._folder / name).mkdir(parents=True)
            if self._user is not None:
                os.chown(self._folder / name, owner.pw_uid, owner.pw_gid)
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self._folder,
                certificate=self._certificates.certificate,
                key=self._certificates.key,
                owner=owner.pw_name,
                group=group.gr_name,
                password=PASSWORD,
                plain_port=self.port,
                tls_port=self.tls_port,
            )
        )


@contextlib.contextmanager
def mail_server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    """One that runs; its folder stays where a test of this run has failed."""
    with scratch("dovecot") as folder:
        running = Dovecot(folder.path)
        running.start()
        try:
            yield running
        finally:
            running.kill()
            folder.keep = bool(request.session.testsfailed)
