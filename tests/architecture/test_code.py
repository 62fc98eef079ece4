"""The rules of the house about code, each a program that says what to do."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SERVICES, calls, imports, modules, nodes, section

LONGEST_MODULE = 400
"""Lines of a module, comments and all. To raise it: a decision in docs/decisions that says why."""

AROUND = {"__init__", "app", "settings", "tables", "migrations"}
"""What each service has beside its slices."""
SLICES = {
    "intake": {
        "channels", "connectors", "pulling", "form", "receiving", "accepting", "inquiries", "files",
    },
    "router": {
        "deciding", "learning", "todos", "deadlines", "notifications", "people", "similar",
        "moderation",
    },
    "sla": {
        "businesstime", "promises", "clocks", "deadlines", "timers", "notifications", "reports",
        "previews",
    },
}  # fmt: skip
OWN_MODULES = {
    "intake": {"dependencies", "policy", "worker"},
    "sla": {"dependencies", "handlers"},
}
ROOMS = {"domain", "store", "usecases", "schemas", "api", "handlers", "worker"}
"""What most slices are made of; what is a slice's own is named after what it does."""
OPEN_ROOMS = {"domain", "store", "usecases"}
"""Where slices of a service meet."""
OPEN_BESIDES = {
    ("accepting", "inquiries.schemas"): "an inquiry's body is checked on the hot path itself",
    ("accepting", "inquiries.fields"): "the same fields for both",
    ("accepting", "inquiries.request_key"): "the header is read in one way",
    ("connectors", "inquiries.fields"): "a connector says what fits into them",
    ("receiving", "channels.activity"): "what comes in is counted where it comes in",
    ("todos", "people.names"): "a person is named in one way",
    ("similar", "people.names"): "a person is named in one way",
    ("form", "inquiries.fields"): "what fits into them",
    ("form", "receiving.off_loop"): "large bodies are read in one way",
    ("form", "receiving.quarantine"): "what is suspected is kept where the rest is",
    ("form", "receiving.storing"): "one way in, whoever hands it in",
    ("receiving", "accepting.incoming"): "one message, whichever way it comes in",
    ("receiving", "accepting.threads"): "one conversation, whichever way it comes in",
}
ALL_OF = {"connectors", "businesstime", "clocks", "promises", "deciding"}
"""Slices without rooms: each module is a thing that others use."""

BUDGETS = {
    "access": 500, "bus": 2_250, "db": 2_100, "events": 480, "messaging": 1_650,
    "notifications": 1_300, "policy": 1_850, "runtime": 1_500, "text": 350, "web": 2_300,
}  # fmt: skip
"""Lines of each package of `shared`, comments and all. What outgrows its budget is moved to the one
service that needs it, or split, or has a decision in docs/decisions.
"""

READS_THE_CLOCK = {
    "shared/runtime/clock.py": "it is the clock",
    "shared/bus/local/__init__.py": "its default; retention goes by the time of the machine",
}
WALL_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time",
              "time.time_ns"}  # fmt: skip

BOUNDARIES = {
    "shared/web/edge.py": "a request",
    "shared/messaging/consumer.py": "a record",
    "shared/web/health.py": "one look; the others are shown all the same",
    "shared/runtime/lifecycle.py": "a loop",
    "shared/runtime/periodic.py": "one turn of a periodic task; the next one comes",
    "services/intake/inquiries/terms.py": "the words of one conversation; the next goes on",
    "services/intake/worker.py": "the removal of one conversation; the next goes on",
    "shared/messaging/redelivery.py": "a dead letter, tried once",
    "services/router/learning/train.py": "the process that trains; who started it is told",
    "shared/notifications/worker.py": "one try of one delivery",
    "services/sla/timers/isolation.py": "the clock of one inquiry",
    "shared/bus/local/log.py": "a shared transaction; each who waits for it gets the error",
    "shared/db/group_commit.py": "the same; each verb runs again alone first",
    "services/intake/accepting/committer.py": "the same",
    "services/intake/receiving/delivery.py": "one item of a delivery; it is kept aside",
    "services/intake/receiving/usecases.py": "one body; it is kept aside",
    "services/intake/pulling/poller.py": "the source of one channel; it is tried again",
    "services/intake/pulling/imap_session.py": "a thread; who waits for it gets the error",
    "services/intake/inquiries/worker.py": "one message that others wait for; the next goes on",
}

PURE_SLICES = {
    "services/intake/inquiries/domain": ("rapidfuzz",),
    "services/router/deciding/rules": (
        "services.router.deciding.addresses",
        "services.router.deciding.decision",
        "services.router.deciding.weighing",
    ),
    "services/router/deciding/moderation": (
        "services.router.deciding.addresses",
        "services.router.deciding.data",
        "services.router.deciding.decision",
    ),
    "services/router/deciding/model": (
        "numpy",
        "services.router.deciding.decision",
        "services.router.deciding.weighing",
    ),
    "services/router/learning/domain": ("services.router.deciding.decision",),
    "services/router/deciding/lexicon": (
        "services.router.deciding.addresses",
        "services.router.deciding.data",
        "services.router.deciding.decision",
        "services.router.deciding.weighing",
    ),
    "services/router/todos/domain": (),
    "services/router/similar/domain": ("numpy",),
    "services/sla/businesstime": ("holidays",),
    "services/sla/clocks": ("services.sla.businesstime", "services.sla.promises.promise"),
}
"""Packages of pure rules, and what they use beside the standard library and themselves."""
PURE = {"shared.text.composing", "shared.text.percent", "shared.text.references"}
"""What is shared and imports nothing but the standard library."""

KNOWN_HOSTS = {
    "127.0.0.1", "localhost", "example.org", "www.example.org", "desk.example.org", "login.example",
    "github.com/standard-webhooks/standard-webhooks", "www.gnu.org", "fsf.org",
    "www.rfc-editor.org",
    "docs.joinmastodon.org", "developers.google.com", "www.googleapis.com", "www.youtube.com",
    "www.standardwebhooks.com", "cloudevents.io", "www.w3.org", "json-schema.org",
}  # fmt: skip

PLATFORM_HOSTS = {
    "developers.facebook.com", "graph.facebook.com", "www.facebook.com", "docs.x.com", "x.com",
    "learn.microsoft.com", "www.linkedin.com", "developers.google.com", "www.youtube.com",
    "www.googleapis.com", "docs.joinmastodon.org", "core.telegram.org", "api.telegram.org",
    "docs.slack.dev", "api.slack.com", "docs.github.com", "github.com", "docs.discourse.org",
    "developers.line.biz",
    "www.twilio.com", "documentation.mailgun.com", "postmarkapp.com", "developer.mailgun.com",
}  # fmt: skip
"""What connectors and their pages may name as well: where a platform's format is described, and
where its messages are found.
"""
NAME_PLATFORMS = ("services/intake/connectors/", "services/intake/pulling/", "docs/channels/")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_its_slices(service: str) -> None:
    found = {
        path.stem if path.is_file() else path.name
        for path in (ROOT / "services" / service).iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    expected = AROUND | SLICES[service] | OWN_MODULES.get(service, set())
    assert found == expected, (
        f"services/{service}: {sorted(found ^ expected)} is new or missing. A new thing is a new "
        "slice: put it under `## Slices` in docs/architecture.md, into the layers in "
        "pyproject.toml and into this test"
    )


def test_every_slice_is_in_the_architecture_page() -> None:
    text = section("docs/architecture.md", "Slices")
    everything = AROUND.union(ROOMS, *SLICES.values(), *OWN_MODULES.values())
    absent = {name for name in everything if not re.search(rf"`{name}(\.py|/)?`", text)}
    assert not absent, f"describe {sorted(absent)} under `## Slices` in docs/architecture.md"


@pytest.mark.parametrize("service", SERVICES)
def test_slices_meet_in_their_open_rooms(service: str) -> None:
    strange = {
        f"{path} imports {name}"
        for path in modules()
        if path.parts[:2] == ("services", service) and path.parts[2] in SLICES[service]
        for name in imports(path)
        if _is_closed(service, path.parts[2], name.split("."))
    }
    assert not strange, (
        f"{sorted(strange)}: slices meet in {sorted(OPEN_ROOMS)} only; move what both need there, "
        "or say in OPEN_BESIDES why not"
    )


def _is_closed(service: str, own: str, name: list[str]) -> bool:
    if name[:2] != ["services", service] or len(name) < 4:
        return False
    other, room = name[2], name[3]
    if other == own or other not in SLICES[service] or other in ALL_OF:
        return False
    return room not in OPEN_ROOMS and (own, f"{other}.{room}") not in OPEN_BESIDES


@pytest.mark.parametrize("path", modules(), ids=str)
def test_no_module_is_long(path: Path) -> None:
    lines = (ROOT / path).read_text().count("\n")
    assert lines <= LONGEST_MODULE, (
        f"{path} has {lines} lines; at {LONGEST_MODULE} a room becomes a folder of the same name "
        "with a file for each thing it does"
    )


def test_what_is_shared_keeps_to_its_budgets() -> None:
    lines = dict.fromkeys(BUDGETS, 0)
    for path in modules():
        if path.parts[0] == "shared" and len(path.parts) > 2:
            lines[path.parts[1]] += (ROOT / path).read_text().count("\n")
    over = {name: count for name, count in lines.items() if count > BUDGETS[name]}
    assert not over, f"{over} lines are over the budgets of shared's packages"


def test_only_the_clock_reads_the_time() -> None:
    readers = {
        f"{path}: {ast.unparse(node)}"
        for path in modules()
        if str(path) not in READS_THE_CLOCK
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in WALL_CLOCK
    }
    assert not readers, (
        f"{sorted(readers)} ask the system for the time, so no test can move it. Take `now` as an "
        "argument; at an edge use `runtime.clock.now()`"
    )


@pytest.mark.parametrize("folder", PURE_SLICES)
def test_pure_rules_import_the_standard_library_and_themselves(folder: str) -> None:
    inside = [path for path in modules() if path.is_relative_to(folder)]
    assert inside, f"{folder} is gone: take it off PURE_SLICES"
    may = (folder.replace("/", "."), *PURE_SLICES[folder], *PURE)
    for path in inside:
        strange = {
            name
            for name in imports(path)
            if name.partition(".")[0] not in sys.stdlib_module_names
            and not any(f"{name}.".startswith(f"{each}.") for each in may)
        }
        assert not strange, (
            f"{path} imports {sorted(strange)}; these rules are pure: translate in `policy` or "
            "`usecases` and hand plain values in"
        )


def test_what_the_domain_may_share_is_pure() -> None:
    for name in PURE:
        path = Path(*name.split(".")).with_suffix(".py")
        names = {each.partition(".")[0] for each in imports(path)}
        strange = names - sys.stdlib_module_names
        assert strange <= {"__future__"}, f"{path} imports {sorted(strange)}; the domain uses it"


def test_a_service_imports_itself_and_shared_only() -> None:
    for path in modules():
        if path.parts[0] == "services" and path.parts[1] in SERVICES:
            own = f"services.{path.parts[1]}"
            strange = {
                name
                for name in imports(path)
                if name.partition(".")[0] == "services" and not f"{name}.".startswith(f"{own}.")
            }
            assert not strange, (
                f"{path} imports {sorted(strange)}; services speak through facts on the bus, and "
                "know nothing of what starts them"
            )


def test_imports_stand_at_the_top() -> None:
    inner = {
        f"{path}:{statement.lineno}"
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in ast.walk(node)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    }
    assert not inner, f"{sorted(inner)} import inside a function: untie the cycle instead"


def test_errors_are_not_swallowed_outside_the_boundaries() -> None:
    broad = {
        f"{path}:{node.lineno}"
        for path in modules()
        if str(path) not in BOUNDARIES
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    }
    assert not broad, (
        f"{sorted(broad)} catch everything; name the errors that can be dealt with here, and let "
        f"the loops in {sorted(BOUNDARIES)} see the others"
    )


def test_logs_are_written_by_one_name() -> None:
    for path in modules():
        made = [node for name, node in calls(path) if name == "get_logger"]
        named = [
            node
            for node in nodes(path)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "log"
        ]
        assert len(made) <= len(named), f"{path}: call the logger `log`, docs tests look for it"


def test_import_contracts_are_kept() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run(
        [lint, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


_IMPORT_ALL = """
import importlib, sys
FORBIDDEN = {"socket.connect", "socket.bind", "subprocess.Popen", "sqlite3.connect", "os.mkdir",
             "_thread.start_new_thread", "os.rename", "os.remove"}
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if event in FORBIDDEN or writes:
        raise RuntimeError(f"importing {current} does {event} {arguments}")
names = sys.argv[1:]
import fastapi, numpy, sqlalchemy, aiokafka, asyncpg, uvicorn, holidays, alembic, fastapi_offline
current = ""
sys.addaudithook(watch)
for current in names:
    importlib.import_module(current)
"""


def test_importing_does_nothing(tmp_path: Path) -> None:
    # Alembic runs its env.py as a script; importing one is what a migration is.
    names = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in modules()
        if not (path.name == "env.py" and "migrations" in path.parts)
    ]
    answer = subprocess.run(
        [sys.executable, "-I", "-B", "-W", "error", "-c", _IMPORT_ALL, *names],
        cwd=tmp_path, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, (
        f"a module does something when it is imported; move it into a function:\n{said[-2000:]}"
    )
    assert said == ""
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names are all that is asked


def test_no_loose_ends_no_foreign_places() -> None:
    for path in _published():
        text = (ROOT / path).read_text()
        loose = re.findall(r"\b(?:TODO|FIXME|XXX)\b(?!.*https?://)[^\n]*", text)
        assert not loose, f"{path}: {loose[0]!r} needs the link of a decision or an issue"
        paths = re.findall(r"(?<![\w.*])/(?:work|home|root|Users|mnt|media)/[\w./-]*", text)
        assert not paths, f"{path} names {paths}, which is a place on one machine only"
        hosts = set(re.findall(r"https?://([a-z0-9.-]+(?:/[\w./-]*)?)", text))
        platforms = PLATFORM_HOSTS if str(path).startswith(NAME_PLATFORMS) else set()
        known_hosts = KNOWN_HOSTS | platforms
        strange = {
            host
            for host in hosts
            if "." in host.partition("/")[0]
            and not any(host == known or host.startswith(f"{known}/") for known in known_hosts)
        }
        assert not strange, (
            f"{path} names {sorted(strange)}; use example.org, or add a standard to KNOWN_HOSTS"
        )


def _published() -> list[Path]:
    """Without asking git, which is not on every machine, nor in every copy of the sources."""
    kinds = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".conf", ".sh", ".lock", ".xml"}
    folders = ("services", "shared", "bench", "deploy", "docs")
    found = [*ROOT.glob("*"), *(path for name in folders for path in (ROOT / name).rglob("*"))]
    return [
        path.relative_to(ROOT)
        for path in found
        if path.is_file() and (path.suffix in kinds or path.name in {"Dockerfile", "Makefile"})
    ]
