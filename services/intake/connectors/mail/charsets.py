"""Text out of bytes whose charset may be unknown, misnamed, or simply wrong."""

from __future__ import annotations

import re
from encodings.aliases import aliases
from functools import lru_cache

_NO_CHARSETS = {
    "base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "utf_7", "uu_codec",
    "zlib_codec",
}  # fmt: skip
"""Codecs that are no charsets of mails. What says UTF-7 today wants to get past a filter."""
_LARGER = {"ascii": "cp1252", "latin_1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
"""What is labelled so is often the larger charset, as browsers read it."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_NO_BYTES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_SEPARATORS = re.compile(r"[^a-z0-9.]+")


def storable(text: str) -> str:
    """Without what no database takes: NUL, and halves of characters."""
    return _UNSTORABLE.sub("\ufffd", text)


def bytes_of(text: str) -> bytes:
    """Those that the parser of mails could not take for ASCII, it has as halves of characters."""
    return _NO_BYTES.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def text_of(data: bytes, charset: str | None) -> str:
    """Never fails: what is no character becomes U+FFFD.

    Where the label names no charset, or one of a byte per character, valid UTF-8 beyond ASCII is
    UTF-8: such text hardly ever looks like it by chance.
    """
    codec = _codec(charset)
    if codec is None or _is_single_byte(codec):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode(codec or "cp1252", "replace")
    text = data.decode(codec, "replace")
    return _unless_wrong(text, data) if codec == "utf_8" else text


def _unless_wrong(text: str, data: bytes) -> str:
    """A character or two may be damaged; where most are, it never was UTF-8."""
    bad = text.count("\ufffd")
    if not bad:
        return text
    good = sum(1 for each in text if each > "\x7f") - bad
    return text if good >= bad else data.decode("cp1252", "replace")


@lru_cache(maxsize=256)
def _codec(charset: str | None) -> str | None:
    """Python's name of it. Names of strangers are not looked up: Python remembers each."""
    if charset is None or len(charset) > 50:
        return None
    name = _SEPARATORS.sub("_", charset.strip().strip("\"'").lower()).replace(".", "_").strip("_")
    codec = aliases.get(name, name if name in _CODECS else None)
    if codec is None or codec in _NO_CHARSETS:
        return None
    return _LARGER.get(codec, codec)


def _is_single_byte(codec: str) -> bool:
    return codec.startswith(("cp125", "iso8859", "koi8", "mac_")) or codec in {"cp437", "cp850"}


_CODECS = frozenset(aliases.values())
