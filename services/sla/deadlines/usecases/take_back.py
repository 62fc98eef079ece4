"""An end was taken back: the clock is as if it had never been, and the customer has waited on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sla.deadlines.usecases.append import NewEvent, append_events
from services.sla.deadlines.usecases.apply_policy import catch_up
from services.sla.promises.versions import PolicyVersions
from shared.db import Write


def take_back(
    tx: Write, new_events: Sequence[NewEvent], *, policy_versions: PolicyVersions, now: datetime
) -> None:
    """Note what was taken back; a breach that it uncovers is sent by the timers."""
    append_events(tx, new_events, policy_versions=policy_versions, now=now)
    inquiries = [each.inquiry_id for each in new_events]
    catch_up(tx, inquiries, policy_versions=policy_versions, now=now)
