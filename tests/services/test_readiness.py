"""What each service says about itself when its database is not fit for work."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from services.root import BUILDERS, make_runtime
from shared.access.keys import ALL_SCOPES, add_key, new_key
from shared.runtime.settings import DeskSettings


async def test_an_empty_postgres_is_not_ready_and_says_what_to_do(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = DeskSettings.model_validate({"data_dir": tmp_path})
    for name, build in BUILDERS.items():
        monkeypatch.setenv(f"DESK_{name.upper()}_DATABASE_URL", postgres_database)
        service = build(make_runtime(settings))
        await service.database.start()
        transport = httpx.ASGITransport(app=service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
            with capture_logs() as lines:
                answer = await http.get(f"/{name}/health/ready")
                metrics = await http.get(f"/{name}/metrics")
        await service.database.stop()
        assert answer.status_code == 503
        assert metrics.status_code == 200
        checks = answer.json()["checks"]
        assert checks["migrations"]["status"] == "down"
        assert "run `inbound-desk migrate`" in checks["migrations"]["reason"]
        assert checks["outbox"]["reason"].startswith("PostgreSQL says: relation")
        assert not [line for line in lines if line["log_level"] == "error"], lines


async def test_expired_keys_take_no_service_away_from_its_senders(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    keys = tmp_path / "keys.json"
    add_key(keys, name="a", key=new_key(), scopes=ALL_SCOPES, now=now, expires_at=now)
    service = BUILDERS["intake"](make_runtime(DeskSettings.model_validate({"data_dir": tmp_path})))
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
        checks = (await http.get("/intake/health/ready")).json()["checks"]
    assert checks["callers"]["status"] == "ok"
    assert checks["keys"]["status"] == "degraded"
    assert "has expired" in checks["keys"]["reason"]
