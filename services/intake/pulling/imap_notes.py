"""What stands in for a mail that cannot be read whole, so that a person looks into the mailbox."""

from __future__ import annotations

from collections.abc import Iterator

_PLAIN = (
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\n"
)
_OF_THE_BODY = (b"content-", b"mime-version:")


def too_large(header: bytes, *, size: int, most: int, folder: str) -> bytes:
    """The mail's own headers, with a note in place of what it says."""
    megabytes = max(size, most) / 1_048_576
    note = (
        f"[This mail has {megabytes:.1f} MiB, more than the {most // 1_048_576} MiB that the desk "
        f"reads. It is in the folder {folder} of the mailbox.]"
    )
    return b"".join(_kept(header)) + _PLAIN + note.encode()


def given_up(header: bytes, *, folder: str) -> bytes:
    """Of a mail that the desk has tried to store and did not survive."""
    note = (
        "[The desk ended each time that it tried to read this mail, so it has read the headers "
        f"only. The mail is in the folder {folder} of the mailbox.]"
    )
    return b"".join(_kept(header)) + _PLAIN + note.encode()


def unreadable(uid: int, *, folder: str, reason: str) -> bytes:
    """A mail that the server lists and does not hand out."""
    note = (
        f"[A mail could not be read from the mailbox: number {uid} in the folder {folder}. The "
        f"mail server said: {reason}]"
    )
    return b"Subject: A mail that could not be read\r\n" + _PLAIN + note.encode()


def _kept(header: bytes) -> Iterator[bytes]:
    """The headers but those that say what the body is; a torn last line is left out."""
    keeps = False
    for line in header.splitlines(keepends=True):
        if not line.strip() or not line.endswith((b"\n", b"\r")):
            return
        if not line.startswith((b" ", b"\t")):
            keeps = not line.lower().startswith(_OF_THE_BODY)
        if keeps:
            yield line
