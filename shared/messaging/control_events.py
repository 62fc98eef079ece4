"""Events of the messaging itself over the bus; nothing of the desk."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime

from shared.messaging.envelope import Fact


class RelayCaughtUp(Fact):
    """Every fact that the service had recorded before `until` is on the bus.

    Told each second by its relay. Only the newest counts, so nobody keeps them.
    """

    TYPE: ClassVar[str] = "relay.caught_up"
    AGGREGATE: ClassVar[str] = "progress"

    service: str
    until: AwareDatetime


class RecordDeadLettered(Fact):
    """A record that a consumer could not handle.

    No longer published: dead letters are rows of the service that failed. What an earlier version
    has recorded becomes one when the relay meets it.
    """

    TYPE: ClassVar[str] = "record.dead_lettered"
    AGGREGATE: ClassVar[str] = "dead-letters"

    consumer: str
    topic: str
    partition: int
    offset: int
    record_key: str
    value_base64: str
    headers: dict[str, str]
    reason: str
    failed_at: AwareDatetime
