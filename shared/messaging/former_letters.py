"""Dead letters of an earlier version of the desk: they were facts on a topic of their own, too
large for the bus when their record was large. Here they become letters.
"""

from __future__ import annotations

import base64
from datetime import datetime

from shared.bus.port import Partition, Received
from shared.db import Write
from shared.messaging import dead_letters, outbox
from shared.messaging.control_events import RecordDeadLettered

AT_ONCE = 100


def take(tx: Write, *, source: str, now: datetime) -> int:
    """Make letters of some of them, published or not, in place of their facts; how many.

    An older relay may have published them meanwhile, on a topic that nobody listens to any more.
    """
    rows = outbox.of_type(tx, RecordDeadLettered.TYPE, limit=AT_ONCE)
    for row in rows:
        try:
            letter = RecordDeadLettered.model_validate_json(row.payload)
            record = _record(letter)
        except ValueError as error:
            as_it_is = outbox.as_record(row, source=source)
            dead_letters.keep_own(tx, as_it_is, seq=row.seq, reason=_unreadable(error), now=now)
            continue
        dead_letters.keep(
            tx, record, consumer=letter.consumer, reason=letter.reason, now=letter.failed_at
        )
    outbox.remove(tx, [row.seq for row in rows])
    return len(rows)


def _record(letter: RecordDeadLettered) -> Received:
    return Received(
        Partition(letter.topic, letter.partition),
        letter.offset,
        letter.record_key,
        base64.b64decode(letter.value_base64),
        tuple((name, value.encode()) for name, value in letter.headers.items()),
    )


def _unreadable(error: ValueError) -> str:
    return f"this dead letter of an earlier version cannot be read: {type(error).__name__}"
