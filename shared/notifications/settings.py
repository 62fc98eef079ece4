"""The settings of every service that notifies, and the variables of its targets."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from shared.runtime.secret_files import with_files
from shared.runtime.settings import LONGEST_DAYS, Settings

NOTIFY_PREFIX = "DESK_NOTIFY_"


class NotificationSettings(Settings):
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
