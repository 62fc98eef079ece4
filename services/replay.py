"""Brings dead letters back to the topics they came from, once what was wrong is mended."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

from shared.bus.port import Bus, Partition, Progress, Received, Record
from shared.events.facts import RecordDeadLettered
from shared.events.registry import DEAD_LETTERS, to_envelope
from shared.ids import new_id

AT_ONCE = 100


async def replay_dead_letters(bus: Bus, *, since: datetime) -> int:
    """Publish every record that was parked since that moment again; how many.

    Groups that had worked a record off already pass over it, by its event id.
    """
    await bus.start()
    count = 0
    try:
        # A group of its own begins at the oldest letter that the log still holds.
        async with bus.subscribe(f"replay-{new_id()}", (DEAD_LETTERS,)) as letters:
            # What fails again now becomes a letter behind these ends, and must wait for the next
            # replay: taken at once it would go round and round.
            ends = {partition: each.end for partition, each in (await letters.progress()).items()}
            while not _reached(ends, await letters.progress()):
                batches = await letters.fetch(max_records=AT_ONCE, timeout_seconds=2.0)
                for partition, records in batches.items():
                    parked = [_parked(each) for each in records if each.offset < ends[partition]]
                    again = [_record(letter) for letter in parked if letter.failed_at >= since]
                    await bus.publish(again)
                    await letters.commit(partition, records[-1].offset + 1)
                    count += len(again)
            return count
    finally:
        await bus.stop()


def _reached(ends: Mapping[Partition, int], progress: Mapping[Partition, Progress]) -> bool:
    return all(progress[partition].next_offset >= end for partition, end in ends.items())


def _parked(record: Received) -> RecordDeadLettered:
    data = to_envelope(record).data
    if not isinstance(data, RecordDeadLettered):
        raise TypeError(f"offset {record.offset} of {DEAD_LETTERS} is no dead letter")
    return data


def _record(letter: RecordDeadLettered) -> Record:
    return Record(
        letter.topic,
        letter.record_key,
        base64.b64decode(letter.value_base64),
        tuple((name, value.encode()) for name, value in letter.headers.items()),
    )
