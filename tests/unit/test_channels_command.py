"""`inbound-desk channels check` says in words what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from services.cli.main import main
from services.cli.reaching import public_address
from services.intake.channels.checking import Configured, configuration
from services.intake.connectors.port import Setup
from shared.policy import Verification, load_policy
from tests.contracts.connectors.postcards import CONNECTOR as POSTCARDS
from tests.unit.policy.test_files import SHIPPED

SECRET = "whsec_bm9yZGxpY2h0LWdlbmVyaWMtaW5ib3gta2V5LTAwMDE="
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PUBLIC = "https://desk.example.org"


def run(capsys: pytest.CaptureFixture[str], *names: str) -> tuple[int, str]:
    code = main(["channels", "check", *names])
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize("secret", [SECRET, f"{SECRET},{SECRET}"])
def test_a_channel_that_has_all_is_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    monkeypatch.setenv("DESK_SECRET_FACEBOOK", secret)
    code, text = run(capsys, "facebook")
    assert code == 0
    assert "facebook (standard_webhooks)" in text
    number = "2 secrets" if "," in secret else "a secret"
    assert f"ok         DESK_SECRET_FACEBOOK holds {number} of the right form" in text
    assert "not tried  whether the outside reaches /intake/v1/webhooks/facebook" in text
    assert text.endswith("\nnothing is missing\n")
    assert SECRET not in text


def test_every_channel_is_tried_where_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DESK_SECRET_X", "short")
    code, text = run(capsys)
    assert code == 1
    assert "missing    DESK_SECRET_X: a webhook secret is whsec_" in text
    assert (
        "missing    the channel youtube has no secret: paste <this desk>/intake/v1/webhooks/"
        in text
    )
    assert "ok         the form at /form writes here, which needs no webhook secret" in text
    assert text.endswith(f"\n{len(load_policy(None).channels) - 1} things are missing\n")


def test_a_secret_of_no_channel_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DESK_SECRET_FACEBOOK", SECRET)
    monkeypatch.setenv("DESK_SECRET_FACEBOK", SECRET)
    code, text = run(capsys, "facebook")
    assert code == 1
    assert 'DESK_SECRET_FACEBOK belongs to no channel of the policy file; is it "facebook"?' in text
    assert text.endswith("\n1 thing is missing\n")


def test_a_channel_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "facebok")
    assert code == 1
    assert 'the policy file has no channel facebok; is it "facebook"?' in text


def test_own_tools_need_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "desk.toml"
    file.write_text(SHIPPED.replace('connector = "standard_webhooks"', 'connector = "api"', 1))
    monkeypatch.setenv("DESK_POLICY", str(file))
    code, text = run(capsys, "facebook")
    assert code == 0
    assert "ok         your own tools write here, each with a key, which needs" in text


MAILBOX = """
[channels.email.pull]
type = "imap"
host = "127.0.0.1"
port = {port}
security = "none"
user = "desk"
"""


@pytest.fixture
def mailbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_tcp_port_factory: Callable[[], int]
) -> None:
    """`email` is a mailbox on a server that is not there."""
    port = unused_tcp_port_factory()
    head, name, rest = SHIPPED.partition("[channels.email]\n")
    own = rest.replace("standard_webhooks", "email", 1)
    text = f"{head}{name}{own}{MAILBOX.format(port=port)}"
    (tmp_path / "desk.toml").write_text(text)
    monkeypatch.setenv("DESK_POLICY", str(tmp_path / "desk.toml"))


@pytest.mark.usefixtures("mailbox")
def test_a_mailbox_is_logged_in_to_and_needs_no_webhook(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = run(capsys, "email")
    assert code == 1
    assert "ok         the desk itself fetches what comes, which needs no webhook secret" in text
    assert "missing    it cannot be fetched: DESK_PASSWORD_EMAIL is not set" in text
    assert "/intake/v1/webhooks/email" not in text
    monkeypatch.setenv("DESK_PASSWORD_EMAIL", "geheim")
    _, text = run(capsys, "email")
    assert "missing    it cannot be fetched: " in text
    assert "DESK_PASSWORD_EMAIL" not in text
    assert "geheim" not in text


@pytest.mark.usefixtures("mailbox")
def test_a_password_of_a_channel_that_is_not_fetched_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DESK_PASSWORD_X", "geheim")
    monkeypatch.setenv("DESK_TOKEN_FAX", "geheim")
    code, text = run(capsys, "web_form")
    assert code == 1
    for variable in ("DESK_PASSWORD_X", "DESK_TOKEN_FAX"):
        assert f"{variable} belongs to no channel that the desk fetches" in text
    assert text.endswith("\n2 things are missing\n")


def findings(*secrets: str, **facebook: Any) -> dict[str, list[str]]:
    """Of a channel of a platform whose own posts come back unnamed, and that wants a token."""
    connector = replace(
        POSTCARDS,
        setup=Setup(own_ids="the number on your own stamps"),
        lacks=lambda keys: () if keys.tokens else ("there is no token: add verify:...",),
    )
    channel = load_policy(None).channels["facebook"].model_copy(update=facebook)
    said: dict[str, list[str]] = {}
    configured = Configured("facebook", channel, connector, secrets)
    for each in configuration(configured, now=NOON, zone=ZoneInfo("Europe/Berlin")):
        said.setdefault(each.verdict, []).append(each.text)
    return said


def test_what_the_platform_asks_for_beside_the_secret_is_said() -> None:
    token, own = findings("a-secret-of-ours")["missing"]
    assert token == "there is no token: add verify:..."
    assert own.endswith("becomes an inquiry: list the number on your own stamps")
    assert "missing" not in findings("a-secret-of-ours", "verify:a-token-of-ours", own_ids=("7",))


@pytest.mark.parametrize(
    ("facebook", "verdict", "text"),
    [
        ({"verification": Verification.OBSERVE}, "missing", 'verification is "observe"'),
        ({"expires": date(2026, 12, 8)}, "missing", "ends on 2026-12-08 (in 13 days)"),
        ({"expires": date(2026, 12, 9)}, "ok", "ends on 2026-12-09 (in 14 days)"),
    ],
)
def test_what_is_only_for_a_time_is_said(facebook: dict[str, Any], verdict: str, text: str) -> None:
    said = findings("a-secret-of-ours", "verify:a-token-of-ours", own_ids=("7",), **facebook)
    assert text in said[verdict][-1]


def answering(status: int, *, type_: str = "", media: str = "application/problem+json") -> Any:
    body = {"type": f"urn:inbound-desk:problem:{type_}"}
    return lambda *_, **__: httpx.Response(status, json=body, headers={"content-type": media})


def failing(error: Exception) -> Callable[..., httpx.Response]:
    def get(*_: Any, **__: Any) -> httpx.Response:
        raise error

    return get


@pytest.mark.parametrize(
    ("url", "get", "verdict", "text"),
    [
        (PUBLIC, answering(405, type_="method-not-allowed"), "ok", "leads to a desk"),
        (PUBLIC, answering(403, type_="signature-invalid"), "ok", "leads to a desk"),
        (PUBLIC, answering(404, type_="unknown-channel"), "missing", "another policy file"),
        (PUBLIC, answering(404, media="text/html"), "missing", "answered with 404"),
        (PUBLIC, answering(502, media="text/html"), "missing", "something that is no desk"),
        (PUBLIC, answering(405, media="text/html"), "missing", "something that is no desk"),
        (PUBLIC, failing(httpx.ConnectError("refused")), "missing", "cannot be reached from here"),
        ("http://desk.example.org", answering(405), "missing", "does not begin with https://"),
        ("", answering(405), "not tried", "set DESK_PUBLIC_URL"),
    ],
)
def test_whether_the_outside_reaches_the_address(
    url: str, get: Any, verdict: str, text: str
) -> None:
    found = public_address(url, "facebook", get=get)
    assert (found.verdict, text in found.text) == (verdict, True), found
    assert "/intake/v1/webhooks/facebook" in found.text
