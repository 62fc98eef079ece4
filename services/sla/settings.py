"""The knobs of the sla service; each is an environment variable that begins with `DESK_SLA_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SlaSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="DESK_SLA_", env_file=None, frozen=True)

    database_url: str = Field(
        default="", description="`postgresql://...`; empty: a SQLite file in DESK_DATA_DIR."
    )
    poll_seconds: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="Longest sleep of the timers; other instances write too.",
    )
    claim_rows: int = Field(
        default=500, ge=1, le=5000, description="Clocks that the timers take in one transaction."
    )
