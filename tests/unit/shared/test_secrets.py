"""Secrets come from variables or files, and no error, list or mode of a file gives them away."""

from __future__ import annotations

import os
import sqlite3
import stat
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.posting import send
from services.intake.settings import IntakeSettings
from services.sla.settings import SlaSettings
from shared.access.keys import add_first_key
from shared.bus.open import open_bus
from shared.db import open_database
from shared.events.catalogue import topics
from shared.notifications.settings import notify_variables
from shared.runtime.credentials import channel_credentials
from shared.runtime.secret_files import with_files
from shared.runtime.settings import DeskSettings, channel_secrets
from shared.text.addresses import without_secrets
from tests.support.clock import ManualClock
from tests.unit.shared.test_auth import NOW

PASSWORD = "geheim"


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    path = tmp_path / "mounted"
    path.write_text(f"{PASSWORD}\n")
    return path


def test_every_secret_may_stand_in_a_file(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://desk:{PASSWORD}@db/desk"
    mounted_url = mounted.with_name("mounted_url")
    mounted_url.write_text(f"{url}\n")
    for name in ("DESK_API_KEY", "DESK_BUS_URL"):
        monkeypatch.setenv(f"{name}_FILE", str(mounted))
    for name in ("DESK_INTAKE_DATABASE_URL", "DESK_SLA_DATABASE_URL"):
        monkeypatch.setenv(f"{name}_FILE", str(mounted_url))
    desk = DeskSettings()
    assert (desk.api_key, desk.bus_url) == (PASSWORD, PASSWORD)
    assert IntakeSettings().database_url == SlaSettings().database_url == url
    place = str(mounted)
    secrets = channel_secrets({"DESK_SECRET_WEB_FORM_FILE": place, "DESK_SECRET_X": "a, b"})
    assert secrets == {"web_form": (PASSWORD,), "x": ("a", "b")}
    told = notify_variables({"DESK_NOTIFY_CHAT_URL_FILE": place, "DESK_NOTIFY_CHAT_SECRET": "s"})
    assert told == {"DESK_NOTIFY_CHAT_URL": PASSWORD, "DESK_NOTIFY_CHAT_SECRET": "s"}


def test_a_file_may_hold_a_secret_on_each_line(mounted: Path) -> None:
    mounted.write_text("new\r\nold\n\n, older ,\n")
    secrets = channel_secrets({"DESK_SECRET_WEB_FORM_FILE": str(mounted)})
    assert secrets == {"web_form": ("new", "old", "older")}


def test_what_the_desk_logs_in_with_is_one_whatever_is_in_it(mounted: Path) -> None:
    found = channel_credentials(
        {
            "DESK_PASSWORD_EMAIL": "a,b",
            "DESK_TOKEN_EMAIL_FILE": str(mounted),
            "DESK_TOKEN_YOUTUBE": "",
            "DESK_SECRET_X": "s",
        }
    )
    assert found.keys() == {"email"}
    password, token = found["email"].password, found["email"].token
    assert password is not None
    assert token is not None
    assert (password.value, password.current()) == ("a,b", "a,b")
    assert "a,b" not in repr(found)
    mounted.write_text("renewed\n")
    assert (token.value, token.current()) == (PASSWORD, "renewed")
    mounted.unlink()
    with pytest.raises(ValueError, match=r"DESK_TOKEN_EMAIL_FILE: .* cannot be read"):
        token.current()


def test_without_a_file_all_is_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_API_KEY", "from outside")
    monkeypatch.setenv("DESK_API_KEY_FILE", "")
    monkeypatch.setenv("DESK_KEYS_FILE", "keys.json")
    assert DeskSettings().api_key == "from outside"
    assert DeskSettings().keys_file == Path("keys.json")
    assert DeskSettings().bus_url == ""


def test_what_is_wrong_with_a_secret_in_a_file(mounted: Path, tmp_path: Path) -> None:
    both = {"DESK_SECRET_X": "a", "DESK_SECRET_X_FILE": str(mounted)}
    with pytest.raises(ValueError, match="DESK_SECRET_X and DESK_SECRET_X_FILE are both set"):
        with_files(both)
    for content, wrong in [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"\xff" + PASSWORD.encode(), "UTF-8"),
        (PASSWORD.encode() * 20_000, "no file with one secret"),
    ]:
        path = tmp_path / "wrong"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ValueError, match=wrong) as refused:
            with_files({"DESK_API_KEY_FILE": str(path)})
        assert "DESK_API_KEY_FILE" in str(refused.value)
        assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://desk:{PASSWORD}@host:port/name",
        f"postgresql://desk:{PASSWORD}:more@host:x/name",
        f"postgresql://desk:{PASSWORD}@more@host:x/name",
        f"postgresql://desk:my {PASSWORD}?@host:x/name",
        f"mysql://desk:{PASSWORD}@host/name",
        f"desk:{PASSWORD}@host/name",
        PASSWORD,
        f"kafka://desk:{PASSWORD}@host:9092",
        f"kafka://desk:{PASSWORD}@ho\u2100st:9092",
        f"rabbit://desk:{PASSWORD}@host:9092?password={PASSWORD}",
        f"rabbit://host:9092?password={PASSWORD}",
    ],
)
def test_no_address_is_shown_with_its_password(url: str) -> None:
    for opening in (open_database, lambda text: open_bus(text, topics(retention_days=1))):
        with pytest.raises(ValueError, match="URL") as refused:
            opening(url)
        # With all that a stack would show of what led to it.
        shown = "".join(traceback.format_exception_only(refused.value))
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__ or refused.value.__context__ is None
        assert PASSWORD not in shown


def test_an_address_is_shown_without_what_is_secret() -> None:
    shown = without_secrets(f"https://anna:{PASSWORD}@desk.example.org/?key={PASSWORD}")
    assert shown == "https://...@desk.example.org/?..."
    with pytest.raises((ValueError, OSError)) as refused:
        send(b"{}", channel="x", secret="whsec_c2VjcmV0", url=f"http://a:{PASSWORD}@[host", now=NOW)
    assert PASSWORD not in str(refused.value)


def test_settings_are_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_PORT", PASSWORD)
    with pytest.raises(ValueError, match="port") as refused:
        DeskSettings()
    assert PASSWORD not in str(refused.value)


@pytest.fixture
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_no_umask")
async def test_nobody_else_may_look_into_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    await _run(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = _modes(folder)
    assert modes.keys() >= {"intake.sqlite", "bus.sqlite", "keys.json", "keys.json.lock"}
    assert set(modes.values()) == {0o600}, modes


@pytest.mark.usefixtures("_no_umask")
async def test_files_that_others_could_read_are_taken_from_them(tmp_path: Path) -> None:
    for name in ("intake.sqlite", "bus.sqlite"):
        path = tmp_path / name
        left = sqlite3.connect(path)
        left.execute("PRAGMA journal_mode = WAL").fetchone()
        left.execute("CREATE TABLE t (x)")
        left.commit()
        for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            each.chmod(0o664)
        await _run(tmp_path)
        left.close()
    modes = _modes(tmp_path)
    assert set(modes.values()) == {0o600}, modes


def _modes(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}


async def _run(folder: Path) -> None:
    """Everything that makes files, up and down again; looked at while it is up."""
    database = open_database(f"sqlite:///{folder / 'intake.sqlite'}")
    bus = open_bus(f"local://{folder / 'bus.sqlite'}", topics(retention_days=1))
    await database.start()
    await bus.start()
    add_first_key(folder / "keys.json", now=ManualClock(NOW).now())
    await database.write(
        lambda tx: tx.connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS u (x)").close()
    )
    modes = _modes(folder)
    assert modes.keys() >= {"intake.sqlite-wal", "intake.sqlite-shm", "bus.sqlite-wal"}
    assert set(modes.values()) == {0o600}, modes
    await bus.stop()
    await database.stop()
