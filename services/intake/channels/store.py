"""What came in on each channel, by the hour; two small tables, to which every instance adds."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, select

from services.intake.channels.activity import Tally
from services.intake.tables import channel_hours, channel_latest
from shared.db import Read, Write
from shared.db.upsert import insert_into


def add(tx: Write, tally: Tally) -> None:
    """In the order of the keys, so that two instances never wait for each other in a circle."""
    h, latest = channel_hours.c, channel_latest.c
    counting = insert_into(tx, channel_hours)
    tx.execute(
        counting.on_conflict_do_update(
            index_elements=[h.channel, h.what, h.hour, h.kind],
            set_={"count": h.count + counting.excluded.count},
        ),
        [
            {"channel": channel, "hour": hour, "what": what, "kind": kind, "count": n}
            for (channel, hour, what, kind), n in sorted(tally.counts.items())
        ],
    )
    noting = insert_into(tx, channel_latest)
    newer = noting.excluded.at >= latest.at
    tx.execute(
        noting.on_conflict_do_update(
            index_elements=[latest.channel, latest.what],
            set_={
                "at": case((newer, noting.excluded.at), else_=latest.at),
                "detail": case((newer, noting.excluded.detail), else_=latest.detail),
            },
        ),
        [
            {"channel": channel, "what": what, "at": at, "detail": detail}
            for (channel, what), (at, detail) in sorted(tally.latest.items())
        ],
    )


def latest(tx: Read) -> dict[tuple[str, str], dict[str, Any]]:
    """When each thing came last, by channel and what it was: `at`, `detail`."""
    return {(row["channel"], row["what"]): row for row in tx.rows(select(channel_latest))}


def counted_since(tx: Read, since: datetime) -> dict[tuple[str, str], dict[str, int]]:
    """How often what came without being a message, by channel and what it was; then by kind."""
    h = channel_hours.c
    query = (
        select(h.channel, h.what, h.kind, func.sum(h.count).label("sum"))
        .where(h.hour >= since, h.what.in_(("failure", "ignored")))
        .group_by(h.channel, h.what, h.kind)
    )
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in tx.rows(query):
        found[row["channel"], row["what"]][row["kind"]] = int(row["sum"])
    return found


def messages_by_hour(tx: Read, since: datetime) -> dict[str, dict[datetime, int]]:
    """How many new messages came in each hour (UTC, its beginning), by channel."""
    h = channel_hours.c
    query = select(h.channel, h.hour, h.count).where(h.what == "message", h.hour >= since)
    found: dict[str, dict[datetime, int]] = defaultdict(dict)
    for channel, hour, count in tx.execute(query):
        found[channel][hour] = count
    return found


def forget(tx: Write, *, before: datetime) -> None:
    """What came so long ago that it says nothing of today; when it came last stays."""
    tx.execute(delete(channel_hours).where(channel_hours.c.hour < before))
