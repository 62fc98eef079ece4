"""How the desk is called from outside: platforms that sign their whole address need to agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.intake.connectors.twilio import CONNECTOR
from shared.runtime.settings import DeskSettings, SettingsError, read_settings
from tests.contracts.connectors import twilio_sample
from tests.contracts.connectors.platforms import SECRETS
from tests.contracts.connectors.sample import PATH
from tests.services.intake.desk import opened
from tests.support.clock import ManualClock
from tests.support.migrated import MigratedFiles
from tests.unit.intake.test_platform_connectors import NOON


@pytest.mark.parametrize(
    ("public_url", "status"),
    [
        ("https://desk.example.org", 200),
        ("https://desk.example.org:443/", 200),
        ("https://other.example.org", 401),
        ("", 401),
    ],
)
async def test_the_address_that_is_set_is_the_one_that_is_signed(
    public_url: str, status: int, migrated_files: MigratedFiles, tmp_path: Path
) -> None:
    url = await migrated_files.copy("intake", tmp_path / "intake.sqlite")
    body = twilio_sample.SAMPLE.delivery([twilio_sample.fields("SM1")])
    sent = twilio_sample.signed(body, SECRETS[0], f"https://desk.example.org{PATH}?number=2")
    async with opened(
        url,
        tmp_path,
        ManualClock(NOON),
        connector=CONNECTOR,
        secrets=SECRETS,
        public_url=public_url,
    ) as desk:
        answer = await desk.http.post(
            f"{PATH}?{sent.query}",
            content=body,
            headers={k.encode(): v for k, v in sent.headers.items()},
        )
        assert answer.status_code == status, answer.text
        if status == 200:
            assert answer.headers["content-type"].startswith("text/xml")
            assert answer.text.endswith("<Response/>")


@pytest.mark.parametrize(
    "wrong", ["desk.example.org", "https://", "https://a b", "ftp://a", "https://a?b"]
)
def test_what_is_no_address_is_said_at_the_start(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_PUBLIC_URL", wrong)
    with pytest.raises(SettingsError, match=r"DESK_PUBLIC_URL .*https://"):
        read_settings(DeskSettings)
