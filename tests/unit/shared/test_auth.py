"""The key ring follows its file, and outlives a broken one."""

from __future__ import annotations

import multiprocessing
import traceback
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.access import keys as auth
from shared.access.keys import (
    ALL_SCOPES,
    ENVIRONMENT_KEY,
    KeyRing,
    KeysFileError,
    add_first_key,
    add_key,
    hash_of,
    new_key,
    read_keys,
    revoke_key,
)
from shared.errors import ConflictError, InvalidError, NotFoundError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = "desk_" + "k" * 43


@pytest.fixture(autouse=True)
def _look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "RECHECK_SECONDS", 0.0)


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
    there = {each.name: each.stat().st_mode & 0o077 for each in path.parent.iterdir()}
    assert there == {"keys.json": 0, "keys.json.lock": 0}


def test_the_ring_follows_the_file(path: Path) -> None:
    ring = KeyRing(path)
    assert ring.find(KEY, NOW) is None
    _add(path, "anna", KEY)
    caller = ring.find(KEY, NOW)
    assert caller is not None
    assert (caller.name, caller.scopes) == ("anna", frozenset({"todos:read"}))
    assert ring.find(KEY + "x", NOW) is None
    revoke_key(path, "anna", now=NOW)
    assert ring.find(KEY, NOW) is None


@pytest.mark.parametrize("name", ["", " ", "a\tb", "a\nb", "x" * 101, "B\udcfcro", "a\0"])
def test_a_name_that_no_list_could_show_is_refused(path: Path, name: str) -> None:
    _add(path, "Büro", KEY)
    with pytest.raises(InvalidError, match="printable"):
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
    with pytest.raises(InvalidError, match="24 characters"):
        _add(path, "bert", "short")
    with pytest.raises(NotFoundError):
        revoke_key(path, "bert", now=NOW)
    assert [key.name for key in read_keys(path)] == ["anna"]


def test_a_made_key_is_long_and_new() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) >= 48
    assert len(ALL_SCOPES) == len(set(ALL_SCOPES))


def _make(path: Path, number: int) -> str:
    key = new_key()
    _add(path, f"key {number}", key)
    return key


def _take_away(path: Path, number: int) -> None:
    revoke_key(path, f"old {number}", now=NOW)


@pytest.mark.parametrize("together", ["threads", "processes"])
def test_keys_made_and_revoked_at_once_all_count(path: Path, together: str) -> None:
    for number in range(8):
        _add(path, f"old {number}", new_key())
    workers: Executor = (
        ThreadPoolExecutor(8)
        if together == "threads"
        else ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn"))
    )
    with workers:
        made = [workers.submit(_make, path, number) for number in range(24)]
        gone = [workers.submit(_take_away, path, number) for number in range(8)]
    printed = {hash_of(each.result()) for each in made}
    assert [each.exception() for each in gone] == [None] * 8
    assert {each.sha256 for each in read_keys(path)} == printed


def test_of_several_first_starts_one_makes_the_first_key(path: Path) -> None:
    with ThreadPoolExecutor(8) as workers:
        made = [workers.submit(add_first_key, path, now=NOW) for _ in range(8)]
    keys = [key for each in made if (key := each.result()) is not None]
    assert [hash_of(key) for key in keys] == [each.sha256 for each in read_keys(path)]


def test_the_key_of_the_environment_is_replaced_by_the_file(path: Path) -> None:
    ring = KeyRing(path, environment_key=KEY)
    caller = ring.find(KEY, NOW)
    assert caller is not None
    assert (caller.name, caller.scopes) == (ENVIRONMENT_KEY, frozenset(ALL_SCOPES))

    successor = new_key()
    _add(path, ENVIRONMENT_KEY, successor)
    assert ring.find(KEY, NOW) is None
    replaced = ring.find(successor, NOW)
    assert replaced is not None
    assert replaced.name == ENVIRONMENT_KEY

    # Not even when its successor goes does it come back.
    revoke_key(path, ENVIRONMENT_KEY, now=NOW)
    assert ring.find(KEY, NOW) is None
    assert ring.find(successor, NOW) is None
    _add(path, ENVIRONMENT_KEY, new_key())
    assert [each.name for each in read_keys(path)] == [ENVIRONMENT_KEY]


def test_the_key_of_the_environment_can_be_revoked(path: Path) -> None:
    with pytest.raises(NotFoundError):
        revoke_key(path, ENVIRONMENT_KEY, now=NOW)
    revoke_key(path, ENVIRONMENT_KEY, now=NOW, environment_key=KEY)
    _add(path, "anna", new_key())
    revoke_key(path, "anna", now=NOW)
    assert KeyRing(path, environment_key=KEY).find(KEY, NOW) is None
    assert add_first_key(path, now=NOW) is None


def test_a_name_is_taken_however_it_is_spaced(path: Path) -> None:
    _add(path, "anna", KEY)
    with pytest.raises(ConflictError, match="anna"):
        _add(path, " anna ", new_key())


def test_a_short_key_of_the_environment_is_refused(path: Path) -> None:
    assert KeyRing(path, environment_key="k" * 24).find("k" * 24, NOW) is not None
    with pytest.raises(ValueError, match=r"DESK_API_KEY has 23 characters.*at least 24") as refused:
        KeyRing(path, environment_key="geheim!" + "k" * 16)
    assert "geheim" not in str(refused.value)


def test_a_ring_that_admits_nobody_says_so(path: Path) -> None:
    assert KeyRing(path, environment_key=KEY).lacks_keys(NOW) is None
    ring = KeyRing(path)
    assert "no keys file" in (ring.lacks_keys(NOW) or "")
    _add(path, "anna", KEY, expires_at=NOW + timedelta(hours=1))
    assert ring.lacks_keys(NOW) is None
    assert "has expired" in (ring.lacks_keys(NOW + timedelta(hours=1)) or "")
    path.write_text("{")
    assert "cannot be read" in (KeyRing(path).lacks_keys(NOW) or "")


@pytest.mark.parametrize(
    "broken",
    [
        '{"keys": [{"name": "anna", "sha256": "x", "scopes": ["desk_geheim"]}]}',
        '{"keys": [{"name": "anna", "desk_geheim": "x"}]}',
        '{"desk_geheim": []}',
        '{"keys": "desk_geheim"}',
        '{"keys": [{"name": "desk_geheim", "sha256": 7, "created_at": "desk_geheim"}]}',
        'desk_geheim: "keys"',
        '{"keys": [desk_geheim]}',
    ],
)
def test_nothing_that_is_said_shows_a_piece_of_the_file(path: Path, broken: str) -> None:
    path.parent.mkdir()
    path.write_text(broken)
    with pytest.raises(KeysFileError, match=r"keys\.json cannot be read") as refused:
        read_keys(path)
    said = "".join(traceback.format_exception(refused.value))
    assert "geheim" not in said
    ring = KeyRing(path)
    assert ring.find(KEY, NOW) is None
    assert "geheim" not in (ring.problem or "") + (ring.lacks_keys(NOW) or "")
