"""Intake's own settings; see docs/settings.md."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.db.open import DatabaseUrl
from shared.runtime.settings import LONGEST_DAYS, Settings


class IntakeSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="DESK_INTAKE_")

    SECRETS = ("database_url",)

    database_url: DatabaseUrl = Field(
        default="",
        description="`postgresql://user:password@host/name`; empty: a file in DESK_DATA_DIR.",
    )
    writers: int = Field(
        default=2,
        ge=1,
        le=8,
        description="Connections that store accepted messages (PostgreSQL).",
    )
    idempotency_days: int = Field(
        default=7,
        ge=1,
        le=LONGEST_DAYS,
        description="Days an Idempotency-Key is remembered after its first use.",
    )
    own_post_days: int = Field(
        default=90,
        ge=1,
        le=LONGEST_DAYS,
        description="Days a post of ours that answered nothing is kept for its question.",
    )
    file_mib: int = Field(
        default=25,
        ge=1,
        le=1024,
        description="MiB of one file of a message; a larger one is named and not kept.",
    )
    files_mib: int = Field(
        default=50,
        ge=1,
        le=1024,
        description="MiB of all files of one message together.",
    )
    quarantine_days: int = Field(
        default=30,
        ge=1,
        le=LONGEST_DAYS,
        description="Days an item stays in quarantine; deleted items are counted in the log.",
    )
