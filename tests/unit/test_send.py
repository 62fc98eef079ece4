"""`inbound-desk send CHANNEL FILE`: a message, signed as the channel's connector would."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli import posting as sending
from services.cli.main import main
from services.intake.connectors.standard_webhooks import claim_of, verify
from shared.web.signing import secret_key

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECRET = "whsec_bm9yZGxpY2h0LWdlbmVyaWMtaW5ib3gta2V5LTAwMDE="
MESSAGE = {"id": "c-1", "text": "Grüß Gott"}


class Receiver:
    def __init__(self, status: int = 202, text: str = '{"accepted": 1}') -> None:
        self.status, self.text = status, text
        self.got: list[tuple[str, bytes, dict[str, str]]] = []

    def post(self, url: str, *, content: bytes, headers: dict[str, str], **_: Any) -> Any:
        self.got.append((url, content, headers))
        return httpx.Response(self.status, text=self.text)


def send(receiver: Receiver, raw: bytes, **more: Any) -> sending.Sent:
    given = {"channel": "web_form", "secret": SECRET, "url": "http://desk.example.org/", **more}
    return sending.send(raw, now=NOW, post=receiver.post, **given)


def test_a_bare_message_is_wrapped_and_signed() -> None:
    receiver = Receiver()
    sent = send(receiver, json.dumps(MESSAGE).encode())
    ((url, body, headers),) = receiver.got
    assert url == "http://desk.example.org/intake/v1/webhooks/web_form"
    assert json.loads(body) == {
        "type": "message.created",
        "timestamp": "2026-11-24T12:00:00+00:00",
        "data": MESSAGE,
    }
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    verify([secret_key(SECRET)], claim_of(raw.items(), now=NOW), body)
    assert (sent.well, sent.text) == (True, '202\n{\n  "accepted": 1\n}')


def test_a_list_is_wrapped_and_an_event_is_sent_as_it_is() -> None:
    receiver = Receiver()
    send(receiver, json.dumps([MESSAGE]).encode())
    event = b'{"type":"message.created",  "data":{"id":1}}'
    send(receiver, event)
    assert json.loads(receiver.got[0][1])["data"] == [MESSAGE]
    assert receiver.got[1][1] == event


@pytest.mark.parametrize("raw", [b"7", b'"x"', b"{", b"\xff", b""])
def test_what_is_no_message_is_not_sent(raw: bytes) -> None:
    receiver = Receiver()
    with pytest.raises(ValueError, match=r"."):
        send(receiver, raw)
    assert receiver.got == []


def test_a_refusal_is_shown_and_fails() -> None:
    sent = send(Receiver(401, "no"), b"{}")
    assert (sent.well, sent.text) == (False, "401\nno")


def test_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    receiver = Receiver()
    monkeypatch.setattr(sending.send, "__kwdefaults__", {"post": receiver.post})
    file = tmp_path / "message.json"
    file.write_text(json.dumps(MESSAGE))
    assert main(["send", "web_form", str(file)]) == 1
    assert "DESK_SECRET_WEB_FORM is not set" in capsys.readouterr().err
    monkeypatch.setenv("DESK_SECRET_WEB_FORM", f"{SECRET},whsec_old")
    assert main(["send", "web_form", str(file)]) == 0
    assert capsys.readouterr().out.startswith("202\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"id": 1}')))
    assert main(["send", "web_form", "-", "--url", "http://127.0.0.1:1"]) == 0
    assert json.loads(receiver.got[1][1])["data"] == {"id": 1}
    assert main(["send", "web_form", str(tmp_path / "none")]) == 1


def test_a_desk_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DESK_SECRET_X", SECRET)
    file = tmp_path / "message.json"
    file.write_text("{}")
    for url in ("http://127.0.0.1:1", "no address", "http://[", "ftp://example.org"):
        assert main(["send", "x", str(file), "--url", url]) == 1
        assert capsys.readouterr().err.startswith("inbound-desk: ")
