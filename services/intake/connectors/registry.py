"""The formats that intake knows, by the names that the policy file has for them.

A new one is a module beside this one, and a line in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.intake.connectors import (
    cloudevents,
    discourse,
    facebook_page,
    github,
    instagram,
    line,
    linkedin,
    mailgun,
    mastodon,
    messenger,
    postmark,
    raw_email,
    sendgrid,
    slack,
    standard_webhooks,
    telegram,
    twilio,
    whatsapp,
    x,
    youtube,
)
from services.intake.connectors.port import Connector

FORMATS: tuple[Connector[Any], ...] = (
    standard_webhooks.CONNECTOR,
    facebook_page.CONNECTOR,
    messenger.CONNECTOR,
    instagram.CONNECTOR,
    whatsapp.CONNECTOR,
    x.CONNECTOR,
    linkedin.CONNECTOR,
    raw_email.CONNECTOR,
    mailgun.CONNECTOR,
    postmark.CONNECTOR,
    sendgrid.CONNECTOR,
    mastodon.CONNECTOR,
    telegram.CONNECTOR,
    slack.CONNECTOR,
    github.CONNECTOR,
    discourse.CONNECTOR,
    line.CONNECTOR,
    twilio.CONNECTOR,
    cloudevents.CONNECTOR,
    youtube.CONNECTOR,
)
OWN_TOOLS = "api"
"""The name for channels on which only our own tools write. With a secret, such a channel takes
signed messages as well.
"""

Connectors = Mapping[str, Connector[Any]]


def registry(*formats: Connector[Any]) -> Connectors:
    return {**{each.name: each for each in formats}, OWN_TOOLS: standard_webhooks.CONNECTOR}


CONNECTORS: Connectors = registry(*FORMATS)
