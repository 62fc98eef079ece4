"""The samples of all connectors."""

from __future__ import annotations

from tests.contracts.connectors import postcards_sample, standard_webhooks

SAMPLES = (standard_webhooks.SAMPLE, postcards_sample.SAMPLE)
