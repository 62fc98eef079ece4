"""What the deployment files say, as far as that can be told without an engine to run them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from services.intake.connectors.registry import FORMATS
from services.page import html
from shared.notifications.settings import NOTIFY_PREFIX
from shared.policy import load_policy
from shared.runtime.settings import SECRET_PREFIX
from shared.web.answer_headers import NOTHING, page_policy
from shared.web.app import VERSION
from tests.architecture.source import ROOT, SERVICES, page, rows
from tests.architecture.test_pages import SETTINGS, metric_names

DEPLOY = ROOT / "deploy"
POLICY = load_policy(None)
DESK_USER = 10001
SECONDS_A_DAY = 86_400
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*")
KAFKA_NEEDS = {
    "CLUSTER_ID", "KAFKA_NODE_ID", "KAFKA_PROCESS_ROLES", "KAFKA_LISTENERS",
    "KAFKA_ADVERTISED_LISTENERS", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
    "KAFKA_INTER_BROKER_LISTENER_NAME", "KAFKA_CONTROLLER_LISTENER_NAMES",
    "KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_LOG_DIRS", "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR",
}  # fmt: skip

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
MANIFESTS: list[dict[str, Any]] = [
    document
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_everything_that_runs_is_pinned() -> None:
    images = [container["image"] for container in CONTAINERS.values()]
    images += [container["image"] for container in _pod_containers()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    loose = [image for image in images if not PINNED.fullmatch(image)]
    assert not loose, f"{loose}: name the version, or tomorrow another program runs"


def test_our_image_has_our_version() -> None:
    ours = {image for image in _all_images() if image.startswith("inbound-desk")}
    assert ours == {f"inbound-desk:{VERSION}"}


def test_nothing_runs_as_root() -> None:
    assert f"USER {DESK_USER}:{DESK_USER}" in DOCKERFILE.rpartition("FROM")[2]
    for name, container in CONTAINERS.items():
        ours = container["image"].startswith("inbound-desk")
        assert ours or container.get("user", "root") not in ("root", "0"), f"{name}: give it a user"
        assert "privileged" not in container
    for pod in _pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == DESK_USER
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}


def test_every_lasting_container_has_a_health_check() -> None:
    assert "HEALTHCHECK" in DOCKERFILE
    for name, container in CONTAINERS.items():
        if name not in ("migrate", "keys"):
            assert container["healthcheck"]["test"][0] == "CMD", name
    for manifest in _of_kind("Deployment"):
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        for probe, path in (
            ("startupProbe", "live"),
            ("livenessProbe", "live"),
            ("readinessProbe", "ready"),
        ):
            assert container[probe]["httpGet"]["path"] == f"/health/{path}"


@pytest.mark.parametrize("service", SERVICES)
def test_services_start_after_what_they_need(service: str) -> None:
    waits_for = CONTAINERS[service]["depends_on"]
    assert waits_for["migrate"]["condition"] == "service_completed_successfully"
    assert waits_for["kafka"]["condition"] == "service_healthy"
    assert CONTAINERS["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert CONTAINERS["proxy"]["depends_on"][service]["condition"] == "service_healthy"
    assert CONTAINERS[service]["command"] == [service]


def test_only_settings_that_exist_are_set() -> None:
    known = {
        f"{settings.model_config['env_prefix']}{name}".upper()
        for settings in SETTINGS.values()
        for name in settings.model_fields
    } | {f"{SECRET_PREFIX}{channel.upper()}" for channel in POLICY.channels}
    used = {
        name
        for path in _files()
        for name in re.findall(r"^[ #]*-?\s*(DESK_[A-Z_]+)[:=]", path.read_text(), re.MULTILINE)
    }
    strange = {name for name in used - known if not name.startswith(NOTIFY_PREFIX)}
    assert strange - {"DESK_PUBLIC_PORT"} == set(), "these settings are read by nobody"


def test_kafka_has_its_whole_configuration() -> None:
    environment = CONTAINERS["kafka"]["environment"]
    missing = KAFKA_NEEDS - set(environment)
    assert not missing, f"the image forgets its defaults as soon as one is set: give {missing}"
    listeners = {part.partition(":")[0] for part in environment["KAFKA_LISTENERS"].split(",")}
    protocols = environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]
    assert listeners == {part.partition(":")[0] for part in protocols.split(",")}
    assert "INTERNAL://kafka:9092" in environment["KAFKA_ADVERTISED_LISTENERS"]
    assert CONTAINERS["intake"]["environment"]["DESK_BUS_URL"] == "kafka://kafka:9092"
    folders = [volume.partition(":")[2] for volume in CONTAINERS["kafka"]["volumes"]]
    assert environment["KAFKA_LOG_DIRS"] in folders, "the log must be on the volume"
    one_each = [value for name, value in environment.items() if "REPLICATION" in name]
    assert set(one_each) == {"1"}, "there is one broker only"


def test_kafka_keeps_records_and_places() -> None:
    environment = CONTAINERS["kafka"]["environment"]
    assert environment["KAFKA_LOG_FLUSH_INTERVAL_MESSAGES"] == "1", (
        "one broker survives a power cut only when it writes each record through"
    )
    days = int(environment["KAFKA_OFFSETS_RETENTION_MINUTES"]) * 60 / SECONDS_A_DAY
    assert days > POLICY.retention.log_days, (
        "a group that was away longer than that begins at the oldest record"
    )


def test_the_log_is_remembered_by_the_inbox() -> None:
    inbox_days = SETTINGS["All services"].model_fields["inbox_days"].default
    assert inbox_days > 2 * POLICY.retention.log_days


def test_the_proxy_serves_what_one_process_serves() -> None:
    assert (DEPLOY / "proxy" / "index.html").read_text() == html(POLICY.company.name) + "\n", (
        "deploy/proxy/index.html is services.page.html() of the shipped policy: write it anew"
    )
    text = (DEPLOY / "proxy" / "nginx.conf").read_text()
    for service in SERVICES:
        assert re.search(rf"location /{service}/ +{{ proxy_pass http://{service}; }}", text)
        assert re.search(rf"location = /{service}/metrics +{{ return 404; }}", text)
        assert re.search(rf"upstream {service} +{{[^}}]*server {service}:8000 resolve;", text)
    assert re.search(
        r"location = /form +{ client_max_body_size 64m; proxy_pass http://intake; }", text
    )
    assert re.search(r"location /form/ +{ proxy_pass http://intake; }", text)
    megabytes = int(re.findall(r"client_max_body_size (\d+)m;", text)[0])
    limit = SETTINGS["All services"].model_fields["body_limit"].default
    assert megabytes * 1_048_576 > limit, "the service refuses first, with a problem"
    channels = re.findall(r"location /intake/v1/webhooks/ { client_max_body_size (\d+)m;", text)
    largest = max(each.body_limit or 0 for each in FORMATS)
    assert int(channels[0]) * 1_048_576 > largest, "the same for what channels send"


def test_no_path_leads_past_the_proxys_lines() -> None:
    """An expression is looked at after what is equal, and before what only begins alike; a path
    with a line end begins like a service's and equals nothing. Tried with nginx itself.
    """
    text = (DEPLOY / "proxy" / "nginx.conf").read_text()
    (expression,) = re.findall(r'location ~ "(.*)" { return 404; }', text)
    for path in ("/intake/metrics", "/sla/v1/calendar.ics"):
        assert not re.search(expression, path)
        for end in "\n\r\t\0\x7f":
            assert re.search(expression, path + end)


def test_the_proxys_own_answers_are_problems_with_the_headers_of_ours() -> None:
    text = (DEPLOY / "proxy" / "nginx.conf").read_text()
    codes = {row[0] for row in rows(page("docs/problems.md"))}
    answers = re.findall(
        r"types { } default_type application/problem.json;(.*?)\n +}", text, re.DOTALL
    )
    assert len(answers) == text.count("internal;")
    for answer in answers:
        ((status, body),) = re.findall(r"return (\d+) '(.*)';", answer)
        problem = json.loads(body)
        assert problem["status"] == int(status)
        assert problem["type"].rpartition(":")[2] in codes
        # A line of its own stands instead of those that hold for the whole server.
        assert ("add_header" in answer) == ("add_header X-Content-Type-Options nosniff" in answer)
        assert ("add_header" in answer) == (
            f'add_header Content-Security-Policy "{NOTHING}"' in answer
        )
    assert f'Content-Security-Policy "{page_policy(html(POLICY.company.name))}"' in text, (
        "the policy of the page at / names the hash of its style: write it anew"
    )


def test_the_ingress_shows_no_metrics() -> None:
    (ingress,) = _of_kind("Ingress")
    (rule,) = ingress["spec"]["rules"]
    paths = {entry["path"] for entry in rule["http"]["paths"]}
    assert paths == {"/form"} | {
        f"/{service}/{part}"
        for service in SERVICES
        for part in ("v1", "docs", "health", "openapi.json")
    }


def test_the_manifests_fit_together() -> None:
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in MANIFESTS}
    for pod in _pods():
        for container in pod["containers"]:
            for source in container["envFrom"]:
                for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                    assert key not in source or (kind, source[key]["name"]) in names
        for volume in pod["volumes"]:
            secret = volume.get("secret", {}).get("secretName")
            assert secret is None or ("Secret", secret) in names
    for service in SERVICES:
        assert {
            ("Deployment", f"inbound-desk-{service}"),
            ("Service", f"inbound-desk-{service}"),
        } <= (names)


def test_an_own_policy_has_its_place_in_the_manifests() -> None:
    config = (DEPLOY / "kubernetes" / "config.yaml").read_text()
    (named,) = re.findall(r"# DESK_POLICY: (\S+)/desk\.toml", config)
    for manifest in _of_kind("Deployment"):
        pod = manifest["spec"]["template"]["spec"]
        mounts = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
        assert mounts["policy"] == named
        (volume,) = [each for each in pod["volumes"] if each["name"] == "policy"]
        assert volume["configMap"] == {"name": "inbound-desk-policy", "optional": True}


def test_alerts_and_dashboard_use_metrics_that_exist() -> None:
    known = metric_names()
    known |= {f"{name}_{part}" for name in known for part in ("bucket", "count", "sum")}
    alerts = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    board = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    expressions = [rule["expr"] for rule in rules]
    expressions += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {name for text in expressions for name in re.findall(r"\bdesk_\w+", text)}
    assert used - known == set(), "nothing counts these"
    assert {rule["labels"]["severity"] for rule in rules} <= {"warning", "critical"}


def test_only_what_the_image_needs_is_sent_to_its_build() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_hold_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^([\w.-]+)==\S+(.*(?:\n    --hash=\S+.*)*)", text, re.MULTILINE)
    assert len(pins) > 20
    assert all("--hash=sha256:" in hashes for _, hashes in pins)
    assert not re.search(r"://|--index-url|--find-links|\bfile:/", text)
    locked = {name.lower() for name, _ in pins}
    project = re.findall(r'^    "([\w-]+)', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert {"aiokafka", "fastapi", "sqlalchemy"} <= locked & set(project)


def test_compose_accepts_its_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    plugin = docker and subprocess.run(
        [docker, "compose", "version"], capture_output=True, check=False
    )
    if not docker or not plugin or plugin.returncode:
        pytest.skip("docker compose is not installed here, so only the tests above read its file")
    roles = ("", "INTAKE_", "ROUTER_", "SLA_")
    values = {f"POSTGRES_{role}PASSWORD": "p" for role in roles} | {"HOME": str(tmp_path)}
    answer = subprocess.run(
        [docker, "compose", "--file", ROOT / "docker-compose.yml", "config", "--quiet"],
        env=values, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr


def _of_kind(kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


def _pods() -> Iterator[dict[str, Any]]:
    for manifest in (*_of_kind("Deployment"), *_of_kind("Job")):
        yield manifest["spec"]["template"]["spec"]


def _pod_containers() -> Iterator[dict[str, Any]]:
    for pod in _pods():
        yield from pod["containers"]


def _all_images() -> set[str]:
    return {container["image"] for container in (*CONTAINERS.values(), *_pod_containers())}


def _files() -> list[Path]:
    found = [path for path in DEPLOY.rglob("*") if path.is_file()]
    return [ROOT / "docker-compose.yml", *found]
