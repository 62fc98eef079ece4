"""docker-compose.yml starts as README says and brings each setting to the service that reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.policy import load_policy
from tests.architecture.compose import MissingVariableError, env_file, resolved
from tests.architecture.source import ROOT, SERVICES, page, rows, section

HEADINGS = {"intake": "Intake", "router": "Router", "sla": "Sla"}
# What the file itself decides, and what deploy/Dockerfile does.
GIVEN = {
    "DESK_BUS_URL", "DESK_KEYS_FILE", "DESK_POLICY", "DESK_TRUSTED_PROXIES",
    "DESK_INTAKE_DATABASE_URL", "DESK_ROUTER_DATABASE_URL", "DESK_SLA_DATABASE_URL",
}  # fmt: skip
BY_IMAGE = {"DESK_HOST", "DESK_PORT", "DESK_DATA_DIR"}
# The broker inside wants neither login nor TLS.
OF_ANOTHER_BROKER = {"DESK_BUS_USER", "DESK_BUS_PASSWORD", "DESK_BUS_MECHANISM", "DESK_BUS_CA"}
OURS = (*SERVICES, "migrate", "keys")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder as a new clone has it, as far as Compose reads it."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    return tmp_path


@pytest.fixture
def prepared(checkout: Path) -> Path:
    _prepare(checkout)
    return checkout


def _prepare(folder: Path) -> str:
    done = subprocess.run(
        ["sh", "deploy/prepare.sh"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stderr


def _services(folder: Path, **shell: str) -> dict[str, Any]:
    return resolved(folder / "docker-compose.yml", shell)


def test_the_line_of_the_readme_starts_as_it_stands(checkout: Path) -> None:
    (line,) = re.findall(r"^(.*docker compose up)$", page("README.md"), re.MULTILINE)
    before, _, last = line.rpartition(" && ")
    assert last == "docker compose up"
    subprocess.run(["sh", "-c", before], cwd=checkout, check=True, capture_output=True)
    services = _services(checkout)
    assert len(services["intake"]["environment"]["DESK_API_KEY"]) >= 24
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume["source"] if isinstance(volume, dict) else volume.partition(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), f"{name}: {source}"


def test_without_passwords_it_says_what_to_run(checkout: Path) -> None:
    with pytest.raises(MissingVariableError, match=r"PASSWORD is missing; run deploy/prepare\.sh"):
        _services(checkout)
    assert (checkout / "deploy" / "prepare.sh").stat().st_mode & 0o100


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_reaches_its_service(prepared: Path, service: str) -> None:
    settings = {row[0] for row in rows(section("docs/settings.md", "All services"))}
    settings |= {row[0] for row in rows(section("docs/settings.md", HEADINGS[service]))}
    wanted = {name: f"given {name}" for name in settings - GIVEN - BY_IMAGE - OF_ANOTHER_BROKER}
    (prepared / ".env").write_text(
        (prepared / ".env").read_text() + "".join(f"{n}={v}\n" for n, v in wanted.items())
    )
    for environment in (
        _services(prepared)[service]["environment"],
        _services(prepared, **wanted)[service]["environment"],
    ):
        missing = {n for n, v in wanted.items() if environment.get(n) != v}
        assert not missing, (
            "docker-compose.yml does not hand these on; name each without a value under "
            f"`environment` of {service} or x-desk: {sorted(missing)}"
        )
        own = {name for name in GIVEN if not name.endswith("_DATABASE_URL")}
        own.add(f"DESK_{service.upper()}_DATABASE_URL")
        assert set(environment) == set(wanted) | own, "a service gets what it reads, and no more"


def test_what_is_not_given_stays_the_programs_default(prepared: Path) -> None:
    for service in SERVICES:
        environment = _services(prepared)[service]["environment"]
        assert set(environment) - GIVEN == {"DESK_API_KEY"}, "an empty value is no default"


def test_secrets_reach_only_the_service_that_reads_them(prepared: Path) -> None:
    secrets = {f"DESK_SECRET_{name.upper()}": "whsec_x" for name in load_policy(None).channels}
    secrets["DESK_SECRET_OF_AN_OWN_POLICY"] = "whsec_y"
    targets = {"DESK_NOTIFY_ONCALL_URL": "https://example.org", "DESK_NOTIFY_ONCALL_SECRET": "s"}
    todos = {"DESK_NOTIFY_TEAM_URL": "https://example.org", "DESK_NOTIFY_TEAM_SECRET": "t"}
    files = (("intake.env", secrets), ("sla.env", targets), ("router.env", todos))
    for file, values in files:
        with (prepared / file).open("a") as lines:
            lines.writelines(f"{name}={value}\n" for name, value in values.items())
    services = _services(prepared)
    assert secrets.items() <= services["intake"]["environment"].items()
    assert targets.items() <= services["sla"]["environment"].items()
    assert todos.items() <= services["router"]["environment"].items()
    for name, service in services.items():
        there = set(service.get("environment", {}))
        assert name == "intake" or not there & set(secrets)
        assert name == "sla" or not there & set(targets)
        assert name == "router" or not there & set(todos)


def test_a_secret_in_the_wrong_file_is_named(prepared: Path) -> None:
    with (prepared / ".env").open("a") as lines:
        lines.write("DESK_SECRET_EMAIL=whsec_x\nDESK_NOTIFY_ONCALL_URL=https://example.org\n")
    said = _prepare(prepared)
    assert "DESK_SECRET_EMAIL in .env reaches nobody: move it to intake.env" in said
    assert "DESK_NOTIFY_ONCALL_URL in .env reaches nobody: move it to sla.env" in said


def test_preparing_again_changes_nothing(checkout: Path) -> None:
    (checkout / ".env").write_text("POSTGRES_PASSWORD=mine\nDESK_API_KEY=\nDESK_PUBLIC_PORT=80\n")
    _prepare(checkout)
    first = env_file(checkout / ".env")
    assert (first["POSTGRES_PASSWORD"], first["DESK_PUBLIC_PORT"]) == ("mine", "80")
    assert len(first["DESK_API_KEY"]) == 48
    _prepare(checkout)
    assert env_file(checkout / ".env") == first
    for name in (".env", "intake.env", "router.env", "sla.env"):
        assert (checkout / name).stat().st_mode & 0o077 == 0, f"{name} holds secrets"


def test_each_role_has_a_password_of_its_own(prepared: Path) -> None:
    services = _services(prepared)
    roles = services["postgres"]["environment"]
    passwords = {service: roles[f"POSTGRES_{service.upper()}_PASSWORD"] for service in SERVICES}
    assert len({*passwords.values(), roles["POSTGRES_PASSWORD"]}) == 4
    script = (ROOT / "deploy" / "postgres" / "10-databases.sh").read_text()
    for service in SERVICES:
        assert f'make_database {service} "$POSTGRES_{service.upper()}_PASSWORD"' in script
        url = urlsplit(services[service]["environment"][f"DESK_{service.upper()}_DATABASE_URL"])
        assert (url.username, url.password) == (service, passwords[service])
        assert (url.hostname, url.port, url.path) == ("postgres", 5432, f"/{service}")
        _knows_only(services[service], {passwords[service]}, roles)
    _knows_only(services["migrate"], set(passwords.values()), roles)
    for name in ("kafka", "proxy", "keys"):
        _knows_only(services[name], set(), roles)


def _knows_only(service: Mapping[str, Any], known: set[str], roles: Mapping[str, str]) -> None:
    values = " ".join(service.get("environment", {}).values())
    passwords = {value for name, value in roles.items() if name.endswith("_PASSWORD")}
    assert {password for password in passwords if password in values} == known


def test_an_own_policy_is_where_the_services_read_it(prepared: Path) -> None:
    for shell, source in (({}, "./services/desk.toml"), ({"DESK_POLICY": "own.toml"}, "own.toml")):
        services = _services(prepared, **shell)
        for service in SERVICES:
            (mounted,) = [v for v in services[service]["volumes"] if isinstance(v, dict)]
            assert mounted["source"] == source
            assert mounted["target"] == services[service]["environment"]["DESK_POLICY"]
            assert mounted["bind"] == {"create_host_path": False}, "or a typing error is a folder"


def test_nothing_but_the_proxy_is_reached_from_outside(prepared: Path) -> None:
    services = _services(prepared)
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    assert services["proxy"]["ports"] == ["127.0.0.1:8000:8080"]
    for name in ("postgres", "kafka"):
        assert services[name]["networks"] == ["inside"]
    assert "HOST" not in services["kafka"]["environment"]["KAFKA_LISTENERS"]


def test_everything_has_a_limit_of_memory(prepared: Path) -> None:
    for name, service in _services(prepared).items():
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
    assert {_services(prepared)[name]["mem_limit"] for name in OURS} == {"512m"}
