"""What an operator sees of the keys: on the command line, in the log, in readiness."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from services.cli.main import main
from tests.system.desk import PROJECT, Instance


def _desk(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services", *words],
        check=False, capture_output=True, text=True, timeout=60, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
    )  # fmt: skip


def test_a_key_that_could_be_guessed_stops_the_start(tmp_path: Path) -> None:
    started = _desk(tmp_path, "router", DESK_PORT="0", DESK_API_KEY="geheim-geheim-geheim")
    assert started.returncode == 1
    assert "DESK_API_KEY has 20 characters" in started.stderr
    assert "geheim" not in started.stderr
    assert "Traceback" not in started.stderr


def test_a_service_without_a_key_says_so_until_there_is_one(tmp_path: Path) -> None:
    assert _desk(tmp_path, "migrate", "router").returncode == 0
    router = Instance(("router",), {"PYTHONPATH": str(PROJECT)}, tmp_path / "router.log")
    try:
        router.start()
        ready = httpx.get(f"{router.url}/health/ready")
        assert ready.status_code == 503
        assert ready.json()["checks"]["callers"]["status"] == "down"
        assert "keys create" in ready.json()["checks"]["callers"]["reason"]
        assert '"keys.none"' in router.log.read_text()

        key = _desk(tmp_path, "keys", "create", "anna").stdout.strip()
        deadline = time.monotonic() + 10
        while httpx.get(f"{router.url}/health/ready").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        listed = httpx.get(
            f"{router.url}/router/v1/todos", headers={"Authorization": f"Bearer {key}"}
        )
        assert listed.status_code == 200
    finally:
        router.kill()


def test_the_list_of_keys_has_the_one_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DESK_KEYS_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("DESK_API_KEY", "k" * 24)

    def printed(*words: str) -> str:
        assert main(["keys", *words]) == 0
        return capsys.readouterr().out.strip()

    assert printed("list").startswith("DESK_API_KEY\texpires never\tinquiries:submit")
    assert printed("create", "DESK_API_KEY").startswith("desk_")
    assert printed("list").startswith("DESK_API_KEY\texpires never\tinquiries:submit")
    printed("revoke", "DESK_API_KEY")
    assert printed("list").endswith("\trevoked")
