"""The settings of the sla service; each is an environment variable that begins with `DESK_SLA_`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.db.open import DatabaseUrl
from shared.runtime.secret_files import with_files
from shared.runtime.settings import LONGEST_DAYS, Settings

NOTIFY_PREFIX = "DESK_NOTIFY_"


class SlaSettings(Settings):
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
    notification_seconds: float = Field(
        default=10.0, gt=0, le=120, description="Seconds a webhook's receiver has for its answer."
    )
    notification_days: int = Field(
        default=30,
        ge=4,
        le=LONGEST_DAYS,
        description="Days a settled notification stays in the delivery log.",
    )


def notify_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The addresses and secrets of notification targets: `DESK_NOTIFY_<TARGET>_URL`, `_SECRET`.

    Raises ValueError, see `with_files`.
    """
    ours = {name: value for name, value in environment.items() if name.startswith(NOTIFY_PREFIX)}
    return with_files(ours)
