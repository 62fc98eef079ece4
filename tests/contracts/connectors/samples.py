"""The samples of all connectors."""

from __future__ import annotations

from tests.contracts.connectors import (
    email_sample,
    facebook_page_sample,
    instagram_sample,
    linkedin_sample,
    mailgun_sample,
    messenger_sample,
    postcards_sample,
    postmark_sample,
    sendgrid_sample,
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
    email_sample.SAMPLE,
    mailgun_sample.SAMPLE,
    postmark_sample.SAMPLE,
    sendgrid_sample.SAMPLE,
)
