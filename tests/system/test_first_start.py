"""What a new user sees: start it, paste the three lines, see the ToDo and when it is due."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import needs
from tests.system.desk import PROJECT, Instance


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Instance]:
    """A desk of which nothing but the port is set, in an empty folder."""
    desk = Instance(("run",), {"PYTHONPATH": str(PROJECT)}, tmp_path / "printed")
    try:
        yield desk
    finally:
        desk.kill()


def test_the_three_printed_lines_work_as_they_stand(fresh: Instance) -> None:
    fresh.start()
    printed = _printed(fresh, "/sla/v1/deadlines")
    post, todos, deadlines = re.findall(r"^curl .*$", printed, re.MULTILINE)
    (form,) = re.findall(r"^The form for your customers: (\S+)$", printed, re.MULTILINE)
    with urllib.request.urlopen(form, timeout=10) as page:  # noqa: S310 - an address of ours
        assert b'<form method="post"' in page.read()

    accepted = _bash(post)
    assert accepted["opened"] is True
    (todo,) = _bash_until(todos, lambda items: bool(items) and items[0]["due_at"] is not None)
    assert todo["inquiry_id"] == accepted["inquiry_id"]
    assert todo["desk"] == "technical"
    (deadline,) = _bash_until(deadlines, bool)
    assert deadline["inquiry_id"] == accepted["inquiry_id"]
    assert deadline["due_at"] == todo["due_at"]


def test_a_simulation_runs_beside_the_desk(fresh: Instance) -> None:
    fresh.start()
    post, _, deadlines = re.findall(
        r"^curl .*$", _printed(fresh, "/sla/v1/deadlines"), re.MULTILINE
    )
    _bash(post)
    _bash_until(deadlines, bool)
    today = datetime.now(UTC).date()
    command = [
        *(sys.executable, "-m", "services", "sla", "simulate", "--json"),
        *("--policy", str(PROJECT / "services" / "desk.toml")),
        *("--from", str(today - timedelta(days=1)), "--to", str(today + timedelta(days=2))),
    ]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60,
        cwd=fresh.log.parent, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["inquiries"], found["changed"], found["examples"]) == (1, [], [])


def test_the_key_is_shown_once_and_kept_only_as_a_hash(fresh: Instance) -> None:
    fresh.start()
    match = re.search(r"shown only now: (\S+)", _printed(fresh, "/sla/v1/deadlines"))
    assert match is not None
    key = match[1]
    folder = fresh.log.parent / "var"
    kept = json.loads((folder / "keys.json").read_text())
    assert [each["sha256"] for each in kept["keys"]] == [hashlib.sha256(key.encode()).hexdigest()]
    assert (folder / "keys.json").stat().st_mode & 0o077 == 0

    assert fresh.end(signal.SIGINT, seconds=5) == 0
    assert not [each for each in folder.rglob("*") if each.is_file() and _holds(each, key)]

    fresh.log.unlink()
    fresh.start()
    printed = _printed(fresh, "serves")
    assert key not in printed
    assert "curl" not in printed
    listed = f"curl -s -H 'Authorization: Bearer {key}' {fresh.url}/router/v1/todos"
    assert _bash(listed)["items"] == []


def test_a_start_that_fails_uses_up_no_key(fresh: Instance) -> None:
    folder = fresh.log.parent
    failed = subprocess.run(
        [sys.executable, "-m", "services", "run"],
        check=False, capture_output=True, text=True, timeout=60, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "DESK_POLICY": "nowhere.toml"},
    )  # fmt: skip
    assert failed.returncode == 1
    assert "nowhere.toml" in failed.stderr
    fresh.start()
    assert "shown only now" in _printed(fresh, "serves")


def _printed(desk: Instance, last: str) -> str:
    deadline = time.monotonic() + 30
    while last not in (text := desk.log.read_text()):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    return text


def _bash(line: str) -> Any:
    needs("bash", "curl")
    done = subprocess.run(
        ["bash", "-c", line], check=True, capture_output=True, text=True, timeout=30
    )
    return json.loads(done.stdout)


def _bash_until(line: str, fits: Callable[[Any], bool]) -> Any:
    """The items of the list that the line shows, as soon as they fit."""
    deadline = time.monotonic() + 60
    while not fits(items := _bash(line)["items"]):
        assert time.monotonic() < deadline, items
        time.sleep(0.1)
    return items


def _holds(file: Path, key: str) -> bool:
    return key.encode() in file.read_bytes()
