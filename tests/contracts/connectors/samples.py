"""The samples of all connectors."""

from __future__ import annotations

from tests.contracts.connectors import (
    cloudevents_sample,
    discourse_sample,
    email_sample,
    facebook_page_sample,
    github_sample,
    instagram_sample,
    linkedin_sample,
    mailgun_sample,
    mastodon_sample,
    messenger_sample,
    postcards_sample,
    postmark_sample,
    sendgrid_sample,
    slack_sample,
    standard_webhooks,
    telegram_sample,
    twilio_sample,
    whatsapp_sample,
    x_sample,
    youtube_sample,
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
    mastodon_sample.SAMPLE,
    telegram_sample.SAMPLE,
    slack_sample.SAMPLE,
    github_sample.SAMPLE,
    discourse_sample.SAMPLE,
    twilio_sample.SAMPLE,
    cloudevents_sample.SAMPLE,
    youtube_sample.SAMPLE,
)
