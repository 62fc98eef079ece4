"""One size limit for both buses, so that what passes in one mode passes in the other."""

from __future__ import annotations

from collections.abc import Sequence

from shared.bus.port import Record, RecordTooLargeError

MAX_RECORD_BYTES = 1_048_576
"""Key, value and headers of one record together."""


def check_sizes(records: Sequence[Record], limit: int = MAX_RECORD_BYTES) -> None:
    """Raises RecordTooLargeError for the first record over the limit (bytes)."""
    for index, record in enumerate(records):
        size = len(record.value) + 4 * len(record.key) + 256
        # The bound above is cheap; only a record near the limit is measured.
        if size + sum(4 * len(name) + len(value) for name, value in record.headers) > limit:
            exact = payload_bytes(record)
            if exact > limit:
                raise RecordTooLargeError(
                    f"a record for {record.topic} has {exact} bytes, {limit} are allowed", index
                )


def payload_bytes(record: Record) -> int:
    headers = sum(len(name.encode()) + len(value) for name, value in record.headers)
    return len(record.key.encode()) + len(record.value) + headers
