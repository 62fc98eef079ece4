"""The samples of all connectors."""

from __future__ import annotations

from tests.contracts.connectors import (
    facebook_page_sample,
    instagram_sample,
    linkedin_sample,
    messenger_sample,
    postcards_sample,
    standard_webhooks,
    whatsapp_sample,
    x_sample,
)

SAMPLES = (
    standard_webhooks.SAMPLE,
    postcards_sample.SAMPLE,
    facebook_page_sample.SAMPLE,
    messenger_sample.SAMPLE,
    instagram_sample.SAMPLE,
    whatsapp_sample.SAMPLE,
    x_sample.SAMPLE,
    linkedin_sample.SAMPLE,
)
