"""Accepting a batch on PostgreSQL: one statement, one round trip, one commit.

Raw SQL on purpose: one statement that feeds all tables from one JSON array costs a fraction of what
separate inserts cost, and less than an array for each column (docs/performance.md). Rows pass
between the parts of the statement through RETURNING only, because the parts do not see each other's
tables.

The row of the conversation is locked before the outbox number is drawn: that keeps the order of a
conversation's facts. It also says whether the message can be placed here at all: where a post of
ours may cover it, or each person has an inquiry of their own, it falls out of the batch
(CareNeededError).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from services.intake.accepting.columns import COLUMNS, STORED, items
from services.intake.accepting.committer import CareNeededError, Outcome
from services.intake.inquiries.domain.message import EXCERPT, Accepted, Incoming
from services.intake.inquiries.store.idempotency import IdempotencyRaceError
from services.intake.tables import NEVER
from shared.db import DatabaseUnavailableError
from shared.db.availability import Availability
from shared.db.failures import POSTGRES_ERRORS, unavailable

# After a migration a prepared statement may be out of date once.
RUN_AGAIN = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,
)
ATTEMPTS = 4
# A value that cannot be encoded.
FAILURES = (*POSTGRES_ERRORS, ValueError, TypeError)

_TYPES = ", ".join(f"{column.name} {column.kind}" for column in COLUMNS)
_STORED_AS = ", ".join(str(column.stored) for column in STORED)
_STORED_FROM = ", ".join(column.name for column in STORED)
_ACCEPT = f"""
WITH item AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS item({_TYPES})
), fresh AS MATERIALIZED (
    SELECT item.*, least(item.sent_at, item.received_at) AS moment
    FROM item LEFT JOIN LATERAL (
        SELECT true AS there FROM messages m
        WHERE m.channel = item.channel AND m.external_id = item.external_id
        LIMIT 1
    ) stored ON true LEFT JOIN LATERAL (
        SELECT true AS there FROM awaited_messages a
        WHERE a.channel = item.channel AND a.external_id = item.external_id
        LIMIT 1
    ) awaited ON true LEFT JOIN LATERAL (
        SELECT true AS there FROM removed_messages r WHERE r.mark = item.mark LIMIT 1
    ) removed ON true
    WHERE stored.there IS NULL AND awaited.there IS NULL AND removed.there IS NULL
), author AS (
    INSERT INTO identities (channel, key, contact_id, name, handle, email, created_at)
    SELECT DISTINCT ON (channel, identity)
        channel, identity, contact_id, name, handle, email, received_at
    FROM fresh ORDER BY channel, identity
    ON CONFLICT (channel, key) DO UPDATE SET
        name = coalesce(excluded.name, identities.name),
        handle = coalesce(excluded.handle, identities.handle),
        email = coalesce(excluded.email, identities.email)
    RETURNING channel, key, contact_id
), new_contacts AS (
    INSERT INTO contacts (id, name, created_at)
    SELECT fresh.contact_id, fresh.name, fresh.received_at
    FROM fresh JOIN author ON author.contact_id = fresh.contact_id
), contact_names AS (
    UPDATE contacts SET name = latest.name
    FROM (
        SELECT DISTINCT ON (author.contact_id) author.contact_id, fresh.name
        FROM fresh JOIN author ON author.channel = fresh.channel AND author.key = fresh.identity
        WHERE fresh.name IS NOT NULL AND author.contact_id <> fresh.contact_id
        ORDER BY author.contact_id, fresh.message_id DESC
    ) latest
    WHERE contacts.id = latest.contact_id AND contacts.name IS DISTINCT FROM latest.name
), thread_row AS (
    INSERT INTO conversations (id, channel, thread, contact_id, open_inquiry_id, audience, guessed,
        careful_until, created_at)
    SELECT fresh.conversation_id, fresh.channel, fresh.thread, author.contact_id,
        fresh.inquiry_id, fresh.audience, false,
        CASE WHEN fresh.audience = 'public' THEN '{NEVER.isoformat()}'::timestamptz END,
        fresh.moment
    FROM fresh JOIN author ON author.channel = fresh.channel AND author.key = fresh.identity
    ORDER BY fresh.channel, fresh.thread
    ON CONFLICT (channel, thread) DO UPDATE SET
        contact_id = coalesce(conversations.contact_id, excluded.contact_id),
        open_inquiry_id = CASE
            WHEN conversations.careful_until >= excluded.created_at
            THEN conversations.open_inquiry_id
            ELSE coalesce(conversations.open_inquiry_id, excluded.open_inquiry_id)
        END
    RETURNING id, channel, thread, open_inquiry_id, careful_until
), placed AS MATERIALIZED (
    SELECT fresh.*, thread_row.id AS in_conversation, thread_row.open_inquiry_id AS in_inquiry,
        author.contact_id AS from_contact, thread_row.open_inquiry_id = fresh.inquiry_id AS opened
    FROM fresh
    JOIN thread_row ON thread_row.channel = fresh.channel AND thread_row.thread = fresh.thread
    JOIN author ON author.channel = fresh.channel AND author.key = fresh.identity
    WHERE thread_row.id = fresh.conversation_id OR thread_row.careful_until IS NULL
        OR thread_row.careful_until < fresh.moment
), new_messages AS (
    INSERT INTO messages (id, conversation_id, inquiry_id, contact_id, kind, opened, {_STORED_AS})
    SELECT message_id, in_conversation, in_inquiry, from_contact, 'inbound', opened, {_STORED_FROM}
    FROM placed
), new_inquiries AS (
    INSERT INTO inquiries (id, reference, conversation_id, contact_id, channel, state, subject,
        excerpt, received_at)
    SELECT in_inquiry, reference, in_conversation, from_contact, channel, 'open', subject,
        left(text, {EXCERPT}), received_at
    FROM placed WHERE opened
), request_keys AS (
    INSERT INTO idempotency (caller, key, fingerprint, message_id, created_at)
    SELECT caller, idempotency_key, fingerprint, message_id, received_at
    FROM placed WHERE idempotency_key IS NOT NULL
), outbox_rows AS (
    INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, traceparent, occurred_at)
    SELECT event_id, 'inquiries', in_conversation::text,
        CASE WHEN opened THEN 'inquiry.received' ELSE 'inquiry.message_added' END,
        '{{"inquiry_id":"' || in_inquiry || '","conversation_id":"' || in_conversation
            || '","contact_id":"' || from_contact || '",' || substr(fact::text, 2),
        traceparent, received_at
    FROM placed
)
SELECT message_id, in_inquiry, in_conversation, from_contact, opened FROM placed
"""  # noqa: S608 - names and a number of ours

_TAGGED = """
INSERT INTO inquiry_hashtags (inquiry_id, tag, year, received_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[])
ON CONFLICT DO NOTHING
"""

_THERE = """
SELECT m.channel, m.external_id, m.id, m.inquiry_id, m.conversation_id, m.contact_id, m.opened
FROM messages m
JOIN unnest($1::text[], $2::text[]) AS t(channel, external_id) USING (channel, external_id)
UNION ALL
SELECT t.channel, t.external_id, r.message_id, coalesce(r.inquiry_id, r.conversation_id),
    r.conversation_id, r.contact_id, r.opened
FROM removed_messages r
JOIN unnest($1::text[], $2::text[], $3::text[]) AS t(channel, external_id, mark) USING (mark)
"""


class PostgresWriter:
    def __init__(self, dsn: str, availability: Availability) -> None:
        """`availability` is the database's own, which this asks past it."""
        self._dsn = dsn
        self._availability = availability
        self._connection: Any = None

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def write(self, batch: Sequence[Incoming]) -> list[Outcome]:
        try:
            return await self._in_one(batch)
        except FAILURES as error:
            away = await self._away(error)
            if away is not None:
                return [away] * len(batch)
            # One row that cannot be stored, or that met another instance's row: find it.
            return [await self._alone(message) for message in batch]

    async def _alone(self, message: Incoming, *, again: bool = True) -> Outcome:
        try:
            outcomes = await self._in_one([message])
        except asyncpg.UniqueViolationError as error:
            if error.table_name == "idempotency":
                return IdempotencyRaceError()
            if error.constraint_name == "uq_inquiries_reference":
                return CareNeededError()  # under another id it gets a reference of its own
            # The same message came in through another instance: now it is there to be found.
            return await self._alone(message, again=False) if again else error
        except FAILURES as error:
            return await self._away(error) or error
        return outcomes[0]

    async def _away(self, error: Exception) -> DatabaseUnavailableError | None:
        reason = unavailable(error)
        if reason is None:
            return None
        # Also where the session would go on: after a failover it leads to the wrong server.
        await self.close()
        self._availability.failed(reason, writing=True)
        return DatabaseUnavailableError(reason)

    async def _in_one(self, batch: Sequence[Incoming]) -> list[Outcome]:
        for number in range(1, ATTEMPTS + 1):
            connection = await self._connected()
            try:
                outcomes = await self._transaction(connection, batch)
            except RUN_AGAIN:
                if number == ATTEMPTS:
                    raise
                continue
            self._availability.worked(writing=True)
            return outcomes
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn,
                timeout=5,
                command_timeout=30,
                # A plan made while the tables were small would read all of `messages` for each
                # batch; with the LIMIT in the statement the index is asked for each row.
                server_settings={
                    "application_name": "inbound-desk-accept",
                    "enable_seqscan": "off",
                    # Without statistics of the arrays the planner compares every message of a
                    # batch with every other; hashing costs the same for any size.
                    "enable_nestloop": "off",
                    "enable_mergejoin": "off",
                    # What is switched off counts as endless cost, which would call for JIT.
                    "jit": "off",
                },
            )
        return self._connection

    async def _transaction(self, connection: Any, batch: Sequence[Incoming]) -> list[Outcome]:
        if not any(message.hashtags for message in batch):
            # A single statement is its own transaction: no BEGIN, no COMMIT, one round trip.
            rows = await connection.fetch(_ACCEPT, items(batch))
        else:
            async with connection.transaction():
                rows = await connection.fetch(_ACCEPT, items(batch))
                await self._tag(connection, batch, {row[0]: row[1] for row in rows})
        new = {row[0]: Accepted(row[0], row[1], row[2], row[3], row[4]) for row in rows}
        there = {} if len(new) == len(batch) else await self._there(connection, batch, new)
        return [
            new.get(message.message_id)
            or there.get((message.channel, message.external_id))
            or CareNeededError()
            for message in batch
        ]

    async def _tag(self, connection: Any, batch: Sequence[Incoming], inquiries: Any) -> None:
        rows = [
            (inquiries[message.message_id], tag, year or 0, message.received_at)
            for message in batch
            if message.message_id in inquiries
            for tag, year in message.hashtags
        ]
        if rows:
            await connection.execute(_TAGGED, *(list(column) for column in zip(*rows, strict=True)))

    async def _there(
        self, connection: Any, batch: Sequence[Incoming], new: Any
    ) -> dict[tuple[str, str], Accepted]:
        missing = [message for message in batch if message.message_id not in new]
        rows = await connection.fetch(
            _THERE,
            [m.channel for m in missing],
            [m.external_id for m in missing],
            [m.mark for m in missing],
        )
        return {
            (row[0], row[1]): Accepted(row[2], row[3], row[4], row[5], row[6], duplicate=True)
            for row in rows
        }
