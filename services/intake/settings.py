"""Intake's own settings; see docs/settings.md."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.db.open import DatabaseUrl
from shared.runtime.settings import LONGEST_DAYS, PerSecond, Settings


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
    form_files: int = Field(
        default=5, ge=0, le=50, description="Files that a message in the form may have; 0: none."
    )
    form_mib: int = Field(
        default=10, ge=1, le=50, description="MiB that the files of a message in the form may have."
    )
    form_address_rate: PerSecond = Field(
        default=0.1,
        description="Messages per second of one address in the form on average; more gives 429; "
        "0: no limit.",
    )
    form_address_burst: int = Field(
        default=10, ge=1, description="Messages of one address in the form at once."
    )
    form_rate: PerSecond = Field(
        default=10.0,
        description="Messages per second in the form on average; more gives 429; 0: no limit.",
    )
    form_burst: int = Field(default=100, ge=1, description="Messages in the form at once.")
    own_post_days: int = Field(
        default=90,
        ge=1,
        le=LONGEST_DAYS,
        description="Days a post of ours that answered nothing is kept for its question, and a "
        "withdrawal for its message.",
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
