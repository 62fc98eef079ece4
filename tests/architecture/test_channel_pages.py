"""Each connector has a row in the table of channels, and the row says what the connector does."""

from __future__ import annotations

import pytest

from services.intake.connectors.port import Connector, no_challenge
from services.intake.connectors.registry import FORMATS
from tests.architecture.source import ROOT, page, rows, section

ROWS = {row[0]: row for row in rows(page("docs/channels/README.md"))}

every_connector = pytest.mark.parametrize("connector", FORMATS, ids=lambda each: each.name)


@every_connector
def test_a_connector_has_a_row_in_the_table_of_channels(connector: Connector[object]) -> None:
    assert connector.name in ROWS, (
        f"docs/channels/README.md has no row for {connector.name}: what arrives, its handshake, "
        "its secret, whether a time is signed, its page"
    )
    assert f"`{connector.name}`" in section("README.md", "Connect a channel"), (
        f"name {connector.name} in the table of README.md"
    )


@every_connector
def test_a_connector_has_a_page_that_its_row_leads_to(connector: Connector[object]) -> None:
    name = f"{connector.name}.md"
    assert (ROOT / "docs" / "channels" / name).exists(), (
        f"docs/channels/{name}: what to paste where, which secret, what arrives, what does not"
    )
    assert f"]({name})" in ROWS[connector.name][-1]


@every_connector
def test_the_row_says_how_the_platform_asks_for_the_address(connector: Connector[object]) -> None:
    _, _, handshake, *_ = ROWS[connector.name]
    by_post = connector.challenge is not no_challenge
    methods = {*connector.handshakes, *(["POST"] if by_post else [])}
    named = {each.strip(",") for each in handshake.split() if each.strip(",").isupper()}
    assert named - {"HMAC"} == methods, f"docs/channels/README.md, {connector.name}: {handshake}"


def test_the_table_has_no_connector_that_is_none() -> None:
    assert {*ROWS} <= {each.name for each in FORMATS}
