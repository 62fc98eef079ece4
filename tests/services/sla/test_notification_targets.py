"""What the start of sla demands of its notification targets; and Apprise, as it is installed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.sla.notifications.wording import words_of
from shared.notifications.by_apprise import AppriseSender
from shared.notifications.settings import notify_variables
from shared.notifications.targets import senders, subscriptions
from shared.policy import DEADLINE_KINDS, TODO_KINDS, parse_policy
from tests.services.sla.desk import MONDAY_TEN, sla_bench
from tests.support.clock import ManualClock
from tests.support.receiver import receiver
from tests.unit.policy.raw import shipped

SECRET = "whsec_bm90aWZpY2F0aW9ucy1hcmUtc2lnbmVk"
WEBHOOK = {"name": "ops", "via": "webhook", "url": "https://example.org/hook"}
NO_ADDRESS = {"name": "ops", "via": "webhook"}
CHAT = {"name": "chat", "via": "apprise"}
BODY = json.dumps(
    {
        "type": "deadline.warning",
        "timestamp": "2026-03-02T15:00:00Z",
        "data": {
            "kind": "warning",
            "inquiry_id": "0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a",
            "channel": "email",
            "desk": "technical",
            "target": "first_answer",
            "due_at": "2026-03-03T09:00:00Z",
            "level": "75%",
        },
    }
)
# Apprise looks for a module that the standard library has let go of.
from_apprise = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def made(target: Mapping[str, Any], **variables: str) -> dict[str, Any]:
    policy = parse_policy({**shipped(), "notifications": [dict(target)]})
    clock = ManualClock(MONDAY_TEN)
    found = {f"DESK_NOTIFY_{name}": value for name, value in variables.items()}
    return dict(
        senders(policy, found, kinds=DEADLINE_KINDS, wording=words_of, clock=clock, seconds=1)
    )


@pytest.mark.parametrize(
    ("target", "variables", "said"),
    [
        (WEBHOOK, {}, "DESK_NOTIFY_OPS_SECRET is not set: what goes to ops could not be signed"),
        (WEBHOOK, {"OPS_SECRET": " , "}, "DESK_NOTIFY_OPS_SECRET is not set"),
        (WEBHOOK, {"OPS_SECRET": "whsec_?"}, "DESK_NOTIFY_OPS_SECRET: a webhook secret is whsec_"),
        (WEBHOOK, {"OPS_SECRET": "whsec_YWJj"}, "DESK_NOTIFY_OPS_SECRET: .* at least 16 bytes"),
        (NO_ADDRESS, {"OPS_SECRET": SECRET}, "DESK_NOTIFY_OPS_URL is not set"),
        (
            NO_ADDRESS,
            {"OPS_SECRET": SECRET, "OPS_URL": "http://example.org/"},
            "DESK_NOTIFY_OPS_URL: http:// can be read by anybody on the way. Right would be: https://",
        ),
        (
            WEBHOOK,
            {"OPS_SECRET": SECRET, "OPS_URL": "https://exa[mple/geheim"},
            "DESK_NOTIFY_OPS_URL: this is not a web address",
        ),
        (
            WEBHOOK,
            {"OPS_SECRET": SECRET, "OBS_URL": "https://example.org"},
            "DESK_NOTIFY_OBS_URL belongs to no target .* DESK_NOTIFY_OPS_SECRET, DESK_NOTIFY_OPS",
        ),
        (CHAT, {}, "DESK_NOTIFY_CHAT_URL is not set"),
        (CHAT, {"CHAT_SECRET": SECRET}, "DESK_NOTIFY_CHAT_SECRET belongs to no target"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    target: Mapping[str, Any], variables: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        made(target, **variables)
    assert "geheim" not in str(caught.value)


def test_several_secrets_and_an_address_from_outside() -> None:
    assert set(made(WEBHOOK, OPS_SECRET=f"{SECRET}, {SECRET}")) == {"ops"}
    address = "https://me:word@example.org/hook"
    assert set(made(NO_ADDRESS, OPS_SECRET=SECRET, OPS_URL=address)) == {"ops"}


def test_a_service_needs_the_targets_of_its_kinds_only() -> None:
    todos = {**WEBHOOK, "name": "todos", "kinds": ["todo.created"]}
    both = {**WEBHOOK, "name": "both", "kinds": ["breached", "todo.created"]}
    policy = parse_policy({**shipped(), "notifications": [WEBHOOK, todos, both]})
    clock = ManualClock(MONDAY_TEN)
    # In one process the environment holds the variables of both services.
    secrets = {f"DESK_NOTIFY_{name}_SECRET": SECRET for name in ("OPS", "TODOS", "BOTH")}
    for kinds, names, missing in (
        (DEADLINE_KINDS, ["ops", "both"], "DESK_NOTIFY_OPS_SECRET"),
        (TODO_KINDS, ["todos", "both"], "DESK_NOTIFY_TODOS_SECRET"),
    ):
        found = senders(policy, secrets, kinds=kinds, wording=words_of, clock=clock, seconds=1)
        assert list(found) == names
        assert [each.name for each in subscriptions(policy, kinds)] == names
        with pytest.raises(ValueError, match=missing):
            senders(policy, {}, kinds=kinds, wording=words_of, clock=clock, seconds=1)


def test_only_its_own_variables_are_read() -> None:
    environment = {"DESK_NOTIFY_OPS_URL": "https://example.org", "DESK_PORT": "1", "PATH": "/"}
    assert notify_variables(environment) == {"DESK_NOTIFY_OPS_URL": "https://example.org"}


async def test_the_service_does_not_start_without_them(tmp_path: Path) -> None:
    policy = parse_policy({**shipped(), "notifications": [WEBHOOK]})
    with pytest.raises(ValueError, match="DESK_NOTIFY_OPS_SECRET"):
        async with sla_bench(f"sqlite:///{tmp_path / 'sla.sqlite'}", tmp_path, policy=policy):
            pass


def test_without_apprise_the_start_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ValueError, match=r"CHAT_URL: .*pip install 'inbound-desk\[apprise\]'"):
        made(CHAT, CHAT_URL="json://localhost")


@from_apprise
def test_an_url_that_apprise_does_not_know_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="DESK_NOTIFY_CHAT_URL: Apprise does not") as caught:
        made(CHAT, CHAT_URL="slakc://geheim")
    assert "geheim" not in str(caught.value)


@from_apprise
async def test_apprise_says_it_in_words() -> None:
    async with receiver() as there:
        sender = AppriseSender(
            f"json://127.0.0.1:{there.port}/hook", zone="Europe/Berlin", wording=words_of
        )
        attempt = await sender.send(uuid4(), BODY)
        assert attempt.delivered
        (call,) = there.calls
        assert (call.json["title"], call.json["type"]) == ("Deadline near", "warning")
        assert call.json["message"] == (
            "First answer on email (desk technical), due 2026-03-03 10:00 CET: 75%\n"
            "Inquiry AHJ-GHZ-JAXN (0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a)"
        )
        there.answers = ["500 Oops"]
        attempt = await sender.send(uuid4(), BODY)
        assert (attempt.delivered, attempt.gone) == (False, False)
        assert attempt.error == "Apprise could not deliver it"
        await sender.close()
