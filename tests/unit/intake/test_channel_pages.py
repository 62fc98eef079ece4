"""What docs/channels says is put where is what the desk takes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from services.intake.connectors.registry import CONNECTORS
from shared.policy import Channel
from tests.architecture.source import ROOT

PAGES = (
    "facebook_page", "messenger", "instagram", "whatsapp", "x", "linkedin", "mastodon", "telegram",
    "slack", "github", "discourse", "twilio", "cloudevents",
)  # fmt: skip

every_page = pytest.mark.parametrize("name", PAGES)


def _blocks(text: str, language: str) -> Iterator[str]:
    return iter(re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


def _channels(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for block in _blocks(text, "toml"):
        found |= tomllib.loads(block).get("channels", {})
    return found


def _secrets(text: str) -> dict[str, list[str]]:
    """By the channel's name in capitals."""
    lines = "\n".join(_blocks(text, "text"))
    found = re.findall(r"^DESK_SECRET_([A-Z_]+)=(.+)$", lines, re.MULTILINE)
    return {name: value.split(",") for name, value in found}


def _page(name: str) -> str:
    return (ROOT / f"docs/channels/{name}.md").read_text()


@every_page
def test_the_channel_of_a_page_is_one_that_the_policy_file_takes(name: str) -> None:
    ((_, fields),) = _channels(_page(name)).items()
    assert Channel.model_validate(fields).connector == name


@every_page
def test_the_secret_of_a_page_is_all_that_the_connector_wants(name: str) -> None:
    ((channel, _),) = _channels(_page(name)).items()
    ((variable, secrets),) = _secrets(_page(name)).items()
    connector = CONNECTORS[name]
    assert variable == channel.upper()
    assert connector.lacks(connector.keys(secrets)) == ()
