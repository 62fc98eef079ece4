"""The key ring follows its file, and outlives a broken one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import auth
from shared.auth import ALL_SCOPES, KeyRing, add_key, hash_of, new_key, read_keys, revoke_key
from shared.errors import ConflictError, InvalidError, NotFoundError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = "desk_" + "k" * 43


@pytest.fixture(autouse=True)
def _look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "LOOK_AGAIN_SECONDS", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "keys.json"


def _add(path: Path, name: str, key: str, expires_at: datetime | None = None) -> None:
    add_key(path, name=name, key=key, scopes=("todos:read",), now=NOW, expires_at=expires_at)


def test_only_the_hash_is_stored(path: Path) -> None:
    _add(path, "anna", KEY)
    assert KEY not in path.read_text()
    assert hash_of(KEY) in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]


def test_the_ring_follows_the_file(path: Path) -> None:
    ring = KeyRing(path)
    assert ring.find(KEY, NOW) is None
    _add(path, "anna", KEY)
    caller = ring.find(KEY, NOW)
    assert caller is not None
    assert (caller.name, caller.scopes) == ("anna", frozenset({"todos:read"}))
    assert ring.find(KEY + "x", NOW) is None
    revoke_key(path, "anna")
    assert ring.find(KEY, NOW) is None


@pytest.mark.parametrize("name", ["", " ", "a\tb", "a\nb", "x" * 101, "B\udcfcro", "a\0"])
def test_a_name_that_no_list_could_show_is_refused(path: Path, name: str) -> None:
    _add(path, "Büro", KEY)
    with pytest.raises(InvalidError, match="can be printed"):
        _add(path, name, KEY + "x")
    assert [each.name for each in read_keys(path)] == ["Büro"]


def test_a_key_expires(path: Path) -> None:
    _add(path, "anna", KEY, expires_at=NOW + timedelta(hours=1))
    ring = KeyRing(path)
    assert ring.find(KEY, NOW + timedelta(minutes=59)) is not None
    assert ring.find(KEY, NOW + timedelta(hours=1)) is None


@pytest.mark.parametrize(
    "broken", [b"", b"{", b'{"keys": 7}', b"\xff", b'{"keys": [{"name": "x"}]}', b'{"key": []}']
)
def test_a_broken_file_keeps_the_last_good_keys(path: Path, broken: bytes) -> None:
    _add(path, "anna", KEY)
    ring = KeyRing(path)
    assert ring.find(KEY, NOW) is not None
    good = path.read_bytes()
    path.write_bytes(broken)
    assert ring.find(KEY, NOW) is not None
    assert "keys.json" in (ring.problem or "")
    path.write_bytes(good)
    assert ring.find(KEY, NOW) is not None
    assert ring.problem is None


def test_a_ring_that_begins_with_a_broken_file_admits_nobody(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("{")
    ring = KeyRing(path)
    assert ring.find(KEY, NOW) is None
    assert ring.problem


def test_what_cannot_be_added_or_revoked(path: Path) -> None:
    _add(path, "anna", KEY)
    with pytest.raises(ConflictError, match="anna"):
        _add(path, "anna", new_key())
    with pytest.raises(InvalidError, match="20 characters"):
        _add(path, "bert", "short")
    with pytest.raises(NotFoundError):
        revoke_key(path, "bert")
    assert [key.name for key in read_keys(path)] == ["anna"]


def test_a_made_key_is_long_and_new() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) >= 48
    assert len(ALL_SCOPES) == len(set(ALL_SCOPES))
