"""What is wrong with settings, files and ports is said in one line each, without a traceback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from services.cli.main import main
from services.root import unknown_settings

NO_DATABASE = b"this is a letter and no database, however long one looks at it " * 20
PYDANTIC = ("validation error", "Input should", "errors.pydantic.dev", "[type=", "Traceback")
Told = Callable[..., list[str]]


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Told:
    """Run a command that has to fail, and read the lines it says."""

    def run(*command: str, **environment: object) -> list[str]:
        monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "var"))
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))
        assert main(command) == 1
        said = capsys.readouterr().err
        assert not [each for each in PYDANTIC if each in said], said
        lines = said.splitlines()
        assert lines
        assert all(line.startswith("inbound-desk: ") for line in lines), said
        return [line.removeprefix("inbound-desk: ") for line in lines]

    return run


@pytest.mark.parametrize(
    ("variable", "value", "right"),
    [
        ("DESK_PORT", "abc", "a whole number (default: 8000)"),
        ("DESK_PORT", "70000", "at most 65535 (default: 8000)"),
        ("DESK_LOG_LEVEL", "loud", "one of: debug, info, warning, error (default: info)"),
        ("DESK_BODY_SECONDS", "0", "more than 0 (default: 15.0)"),
        ("DESK_BUS_URL", "amqp://queue", "kafka://host:port"),
        ("DESK_INTAKE_DATABASE_URL", "mysql://me:geheim@host/x", "postgresql://user:password@host"),
        ("DESK_SLA_DATABASE_URL", "postgresql://me:geheim@host:x/x", "sqlite:///path/to/file"),
        ("DESK_ROUTER_DATABASE_URL", "geheim", "sqlite:///path/to/file"),
        ("DESK_INTAKE_WRITERS", "99", "at most 8 (default: 2)"),
        ("DESK_OUTBOX_DAYS", "999999999", "at most 36500 (default: 30)"),
        ("DESK_SLA_NOTIFICATION_DAYS", "999999999", "at most 36500 (default: 30)"),
        ("DESK_API_KEY", "drei Wörter, die länger sind", "letters, digits and"),
    ],
)
def test_a_bad_setting_is_named_with_the_right_form(
    told: Told, variable: str, value: str, right: str
) -> None:
    (line,) = told("run", **{"DESK_PORT": 0, variable: value})
    assert line.startswith(f"{variable} ")
    assert right in line
    assert "geheim" not in line


def test_a_key_that_has_expired_already_is_not_made(told: Told) -> None:
    (line,) = told("keys", "create", "anna", "--expires", "2020-01-01T00:00:00Z")
    assert line == "--expires lies in the past: the key would open nothing"


def test_every_bad_setting_is_named_at_once(told: Told) -> None:
    lines = told("migrate", DESK_PORT="x", DESK_POOL_SIZE="1")
    assert [line.split()[0] for line in lines] == ["DESK_PORT", "DESK_POOL_SIZE"]


@pytest.mark.parametrize("name", ["intake.sqlite", "bus.sqlite"])
def test_a_file_that_is_no_database(told: Told, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / name).write_bytes(NO_DATABASE)
    (line,) = told("run", DESK_PORT=0)
    assert str(folder / name) in line
    assert "file is not a database" in line


def test_a_folder_where_a_database_should_be(told: Told, tmp_path: Path) -> None:
    (tmp_path / "var" / "intake.sqlite").mkdir(parents=True)
    (line,) = told("migrate")
    assert "intake.sqlite cannot be used: SQLite says: unable to open database file" in line


def test_a_data_folder_that_cannot_be_written(told: Told, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (line,) = told("run", DESK_PORT=0, DESK_DATA_DIR=tmp_path / "file" / "var")
    assert line.startswith(f"the folder {tmp_path / 'file' / 'var'} cannot be used: ")
    assert "DESK_DATA_DIR" in line
    (line,) = told("keys", "create", "anna", DESK_DATA_DIR=tmp_path / "file" / "var")
    assert str(tmp_path / "file") in line


def test_two_services_on_one_database(told: Told, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'same.sqlite'}"
    (line,) = told("migrate", DESK_INTAKE_DATABASE_URL=url, DESK_ROUTER_DATABASE_URL=url)
    assert line == (
        "the router database belongs to the service intake: each service needs one of its own; "
        "set DESK_ROUTER_DATABASE_URL to another"
    )


@pytest.mark.parametrize(
    "command",
    [
        ("replay", "intake", "--since", "2026-11-24T08:00:00Z"),
        ("sla", "simulate", "--policy", str(files("services") / "desk.toml"),
         "--from", "2026-11-01", "--to", "2026-12-01"),
    ],
)  # fmt: skip
def test_a_database_without_its_tables(
    told: Told, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "var").mkdir()
    for service in ("intake", "sla"):
        (tmp_path / "var" / f"{service}.sqlite").touch()
    (line,) = told(*command)
    assert "database is at revision none" in line
    assert line.endswith("run `inbound-desk migrate`")


def test_a_port_that_somebody_else_has(told: Told) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        (line,) = told("run", DESK_PORT=port)
    assert line == f"cannot listen on 127.0.0.1:{port}: Address already in use"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"keys": [', "it is not valid JSON"),
        ('{"keys": [{"name": 1}]}', "keys.0.name is not text"),
        ('{"keys": [], "geheim": 1}', "it is not a field that is known here"),
    ],
)
def test_a_broken_keys_file(told: Told, tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    (line,) = told("keys", "list", DESK_KEYS_FILE=path)
    assert line.startswith(f"the keys file {path} cannot be read: {wrong}")
    assert "geheim" not in line


def test_a_policy_error_names_the_file(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[company]\nname = 3\n")
    first, *mistakes = told("run", DESK_PORT=0, DESK_POLICY=path)
    assert first.startswith(f"{path} has ")
    assert mistakes[0].startswith("- company.name: 3 is not text.")


def test_a_mistake_that_only_a_service_finds_names_the_file_as_well(
    told: Told, tmp_path: Path
) -> None:
    zone = 'timezone = "Europe/Berlin"'
    shipped = (files("services") / "desk.toml").read_text(encoding="utf-8")
    path = tmp_path / "own.toml"
    path.write_text(shipped.replace(zone, f'{zone}\nical_file = "closed.ics"'), encoding="utf-8")
    (tmp_path / "closed.ics").write_text("no calendar")
    first, mistake = told("run", DESK_PORT=0, DESK_POLICY=path)
    assert first == f"{path} has 1 mistake:"
    assert mistake.startswith("- calendar.ical_file: ")


def test_a_platform_without_its_secret_says_what_to_paste_where(told: Told, tmp_path: Path) -> None:
    """Of all such channels at once; the others start without."""
    shipped = (files("services") / "desk.toml").read_text(encoding="utf-8")
    own = 'connector = "standard_webhooks"'
    path = tmp_path / "own.toml"
    path.write_text(
        shipped.replace(own, 'connector = "facebook_page"', 1).replace(
            own, 'connector = "instagram"', 1
        ),
        encoding="utf-8",
    )
    public = "https://desk.example.org"
    sentences = told("run", DESK_PORT=0, DESK_POLICY=path, DESK_PUBLIC_URL=public)
    assert [each.split(":")[0] for each in sentences] == [
        "the channel facebook has no secret",
        "the channel instagram has no secret",
    ]
    assert "DESK_SECRET_FACEBOOK_FILE to a file with it) to: the app's secret, " in sentences[0]
    assert f"paste {public}/intake/v1/webhooks/instagram into: your app's da" in sentences[1]


def test_an_unknown_variable_is_named_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DESK_KEYS_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("DESK_PROT", "9000")
    monkeypatch.setenv("DESK_TEST_PORT", "the product knows nothing of tests")
    monkeypatch.setenv("DESK_INTAKE_WRITER", "3")
    monkeypatch.setenv("DESK_POLICY_FILE", "a secret may be in a file, and this is none")
    monkeypatch.setenv("DESK_SECRET_FACEBOOK", "whsec_x")
    (tmp_path / "key").write_text("a key of more than 24 characters")
    monkeypatch.setenv("DESK_API_KEY_FILE", str(tmp_path / "key"))
    assert [*unknown_settings()] == [
        ("DESK_INTAKE_WRITER", "DESK_INTAKE_WRITERS"),
        ("DESK_POLICY_FILE", "DESK_POLICY"),
        ("DESK_PROT", "DESK_PORT"),
        ("DESK_TEST_PORT", "DESK_PORT"),
    ]
    assert main(["keys", "list"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[2].endswith(
        "DESK_PROT is not a setting of the desk and is ignored; do you mean DESK_PORT?"
    )
    monkeypatch.setenv("DESK_PORT", "0")
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("DESK_BUS_URL", "amqp://x")
    assert main(["intake"]) == 1
    (logged,) = [line for line in capsys.readouterr().out.splitlines() if "DESK_PROT" in line]
    for each in ("settings.unknown", "variable=DESK_PROT", "nearest=DESK_PORT"):
        assert each in logged


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"DESK_INTAKE_DATABASE_URL": "postgresql://u:p@[h/n"}, "DESK_INTAKE_DATABASE_URL is not"),
        ({"DESK_KEY_RATE": "1e-320"}, "DESK_KEY_RATE is not valid: it must be a number from 0.001"),
        ({"DESK_BUS_URL": "kafka://h:1", "DESK_BUS_USER": "u"}, "DESK_BUS_USER and DESK_BUS_PASS"),
    ],
)
def test_what_is_wrong_is_said_of_its_own_variable(
    variables: dict[str, str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["intake"]) == 1
    assert capsys.readouterr().err.startswith(f"inbound-desk: {sentence}")
