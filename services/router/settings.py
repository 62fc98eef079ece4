"""The router's settings; docs/settings.md lists them."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.db.open import DatabaseUrl
from shared.notifications.settings import NotificationSettings


class RouterSettings(NotificationSettings):
    model_config = SettingsConfigDict(env_prefix="DESK_ROUTER_")

    SECRETS = ("database_url",)

    database_url: DatabaseUrl = Field(
        default="",
        description="`postgresql://user:password@host:5432/name`; empty: SQLite in DESK_DATA_DIR.",
    )
    train_hours: float = Field(
        default=24.0,
        ge=0,
        le=24 * 366,
        description="Hours from one training of the model to the next; 0: only by command.",
    )
