"""The settings of the sla service; each is an environment variable that begins with `DESK_SLA_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.db.open import DatabaseUrl
from shared.notifications.settings import NotificationSettings


class SlaSettings(NotificationSettings):
    model_config = SettingsConfigDict(env_prefix="DESK_SLA_")

    SECRETS = ("database_url",)

    database_url: DatabaseUrl = Field(
        default="", description="`postgresql://...`; empty: a SQLite file in DESK_DATA_DIR."
    )
    poll_seconds: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="Longest sleep of the timers; other instances write too.",
    )
    claim_rows: int = Field(
        default=500,
        ge=1,
        le=5000,
        description="Clocks that the timers take in one transaction.",
    )
    patience_seconds: float = Field(
        default=900.0,
        ge=1,
        description="Longest wait of what fell due for a service that says nothing more.",
    )
