"""Accepting a batch on SQLite: one transaction of the only writer.

Nobody else writes while this transaction runs, so looking first and inserting then is safe.
Statements of many rows on the driver: the batch then costs little more than its one fsync.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.intake.accepting.columns import STORED, stored_values
from services.intake.accepting.committer import CareNeededError, Outcome
from services.intake.accepting.facts import as_json, fields_of
from services.intake.inquiries.domain.message import EXCERPT, Accepted, Incoming
from services.intake.inquiries.store.idempotency import IdempotencyRaceError
from services.intake.tables import NEVER
from shared.db import Database, DatabaseUnavailableError, Write
from shared.db.bulk import sqlite_moment
from shared.db.sqlite_file import Row, sqlite_inserts
from shared.text.references import reference_of

Placed = tuple[Incoming, Accepted]

_THERE = """
SELECT m.channel, m.external_id, m.id, m.inquiry_id, m.conversation_id, m.contact_id, m.opened
FROM json_each(?) j JOIN messages m
  ON m.channel = j.value ->> 0 AND m.external_id = j.value ->> 1
UNION ALL
SELECT j.value ->> 0, j.value ->> 1, r.message_id, coalesce(r.inquiry_id, r.conversation_id),
  r.conversation_id, r.contact_id, r.opened
FROM json_each(?) j JOIN removed_messages r ON r.mark = j.value ->> 2
"""
_PEOPLE = """
SELECT i.channel, i.key, i.contact_id FROM json_each(?) j JOIN identities i
  ON i.channel = j.value ->> 0 AND i.key = j.value ->> 1
"""
_AWAITED = """
SELECT a.channel, a.external_id FROM json_each(?) j JOIN awaited_messages a
  ON a.channel = j.value ->> 0 AND a.external_id = j.value ->> 1
"""
_TALKS = """
SELECT c.channel, c.thread, c.id, c.open_inquiry_id, c.careful_until
FROM json_each(?) j JOIN conversations c
  ON c.channel = j.value ->> 0 AND c.thread = j.value ->> 1
"""
_PERSON = "INSERT INTO identities (channel, key, contact_id, name, handle, email, created_at)"
_PERSON_KNOWN = """
ON CONFLICT (channel, key) DO UPDATE SET
  name = coalesce(excluded.name, name), handle = coalesce(excluded.handle, handle),
  email = coalesce(excluded.email, email)
"""
_CONTACT = "INSERT INTO contacts (id, name, created_at)"
_LEARN = "UPDATE contacts SET name = ? WHERE id = ? AND name IS NOT ?"
_TALK = """
INSERT INTO conversations (id, channel, thread, contact_id, open_inquiry_id, audience, guessed,
  careful_until, created_at)
"""
_TALK_KNOWN = """
ON CONFLICT (channel, thread) DO UPDATE SET open_inquiry_id = excluded.open_inquiry_id,
  contact_id = coalesce(contact_id, excluded.contact_id)
"""
_MESSAGE = f"""
INSERT INTO messages (id, conversation_id, inquiry_id, contact_id, kind, opened,
  {", ".join(str(column.stored) for column in STORED)})
"""
_INQUIRY = """
INSERT INTO inquiries (id, reference, conversation_id, contact_id, channel, state, subject, excerpt,
  received_at)
"""
_TAG = "INSERT OR IGNORE INTO inquiry_hashtags (inquiry_id, tag, year, received_at)"
_PROMISE = "INSERT INTO idempotency (caller, key, fingerprint, message_id, created_at)"
_OUTBOX = """
INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, traceparent, occurred_at)
"""


class SqliteWriter:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def close(self) -> None:
        """Nothing of its own: the service closes its database."""

    async def write(self, batch: Sequence[Incoming]) -> list[Outcome]:
        try:
            return await self._database.write(_accept, batch)
        except DatabaseUnavailableError as error:
            return [error] * len(batch)
        except (sqlite3.Error, ValueError, TypeError):
            return [await self._alone(message) for message in batch]

    async def _alone(self, message: Incoming) -> Outcome:
        try:
            return (await self._database.write(_accept, [message]))[0]
        except sqlite3.IntegrityError as error:
            if "idempotency" in str(error):
                return IdempotencyRaceError()
            if "inquiries.reference" in str(error):
                return CareNeededError()  # under another id it gets a reference of its own
            return error
        except (sqlite3.Error, ValueError, TypeError, DatabaseUnavailableError) as error:
            return error


def _accept(tx: Write, batch: Sequence[Incoming]) -> list[Outcome]:
    raw: sqlite3.Connection = tx.connection.connection.driver_connection  # type: ignore[assignment]
    there = _there(raw, batch)
    awaited = _known(raw, _AWAITED, [(m.channel, m.external_id) for m in batch])
    fresh: dict[tuple[str, str], Incoming] = {}
    for message in batch:
        key = (message.channel, message.external_id)
        if key not in there and key not in awaited:
            fresh.setdefault(key, message)
    placed = _place(raw, list(fresh.values()))
    _insert(raw, placed)
    new = {(m.channel, m.external_id): accepted for m, accepted in placed}
    return [_outcome(message, new, there) for message in batch]


def _outcome(
    message: Incoming,
    new: dict[tuple[str, str], Accepted],
    there: dict[tuple[str, str], Accepted],
) -> Outcome:
    key = (message.channel, message.external_id)
    accepted = new.get(key)
    if accepted is None:
        return there.get(key, CareNeededError())
    if accepted.message_id == message.message_id:
        return accepted
    return replace(accepted, duplicate=True)


def _there(raw: sqlite3.Connection, batch: Sequence[Incoming]) -> dict[tuple[str, str], Accepted]:
    wanted = as_json([(m.channel, m.external_id, m.mark) for m in batch])
    return {
        (row[0], row[1]): Accepted(
            UUID(row[2]),
            UUID(row[3]),
            UUID(row[4]),
            row[5] and UUID(row[5]),  # nobody's, when the id is that of a reply of ours
            bool(row[6]),
            duplicate=True,
        )
        for row in raw.execute(_THERE, (wanted, wanted))
    }


def _place(raw: sqlite3.Connection, fresh: Sequence[Incoming]) -> list[Placed]:
    """Find the contact, conversation and open inquiry of each message, or take the new ones.

    Messages that need care are left out.
    """
    people = _known(raw, _PEOPLE, [(m.channel, m.identity) for m in fresh])
    talks = _known(raw, _TALKS, [(m.channel, m.thread) for m in fresh])
    placed = []
    for message in fresh:
        (contact,) = people.setdefault(
            (message.channel, message.identity), (message.contact_id.hex,)
        )
        conversation, open_inquiry, careful_until = talks.get(
            (message.channel, message.thread), (message.conversation_id.hex, None, None)
        )
        if careful_until is not None and careful_until >= sqlite_moment(message.moment):
            continue
        inquiry = open_inquiry or message.inquiry_id.hex
        talks[message.channel, message.thread] = (conversation, inquiry, careful_until)
        accepted = Accepted(
            message.message_id,
            UUID(hex=inquiry),
            UUID(hex=conversation),
            UUID(hex=contact),
            inquiry == message.inquiry_id.hex,
        )
        placed.append((message, accepted))
    return placed


def _known(
    raw: sqlite3.Connection, query: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Any, ...]]:
    rows = raw.execute(query, (as_json(keys),))
    return {(row[0], row[1]): row[2:] for row in rows}


def _insert(raw: sqlite3.Connection, placed: Sequence[Placed]) -> None:
    for head, rows, tail in (
        (_CONTACT, _contacts(placed), ""),
        (_PERSON, _people(placed), _PERSON_KNOWN),
        (_TALK, _talks(placed), _TALK_KNOWN),
        (_MESSAGE, _messages(placed), ""),
        (_INQUIRY, _inquiries(placed), ""),
        (_TAG, _tags(placed), ""),
        (_PROMISE, _promises(placed), ""),
        (_OUTBOX, _fact_rows(placed), ""),
    ):
        for statement, values in sqlite_inserts(head, list(rows), tail):
            raw.execute(statement, values)
    named = [(m, a) for m, a in placed if m.author.name and a.contact_id != m.contact_id]
    raw.executemany(_LEARN, [(m.author.name, _hex(a), m.author.name) for m, a in named])


def _hex(accepted: Accepted) -> str:
    """The person's id; a message that was just placed has one."""
    if accepted.contact_id is None:
        raise ValueError("a customer's message belongs to a contact")
    return accepted.contact_id.hex


def _contacts(placed: Sequence[Placed]) -> Iterator[Row]:
    for m, a in placed:
        if a.contact_id == m.contact_id:
            yield (_hex(a), m.author.name, sqlite_moment(m.received_at))


def _people(placed: Sequence[Placed]) -> Iterator[Row]:
    for m, a in placed:
        who = m.author
        at = sqlite_moment(m.received_at)
        yield (m.channel, m.identity, _hex(a), who.name, who.handle, who.email, at)


def _talks(placed: Sequence[Placed]) -> Iterator[Row]:
    for m, a in placed:
        if a.opened:
            conversation, inquiry = a.conversation_id.hex, a.inquiry_id.hex
            careful = sqlite_moment(NEVER if m.audience == "public" else None)
            at = sqlite_moment(m.moment)
            who = _hex(a)
            yield (conversation, m.channel, m.thread, who, inquiry, m.audience, False, careful, at)


def _messages(placed: Sequence[Placed]) -> Iterator[Row]:
    for m, a in placed:
        ids = (m.message_id.hex, a.conversation_id.hex, a.inquiry_id.hex, _hex(a))
        yield (*ids, "inbound", a.opened, *stored_values(m))


def _inquiries(placed: Sequence[Placed]) -> Iterator[Row]:
    for m, a in placed:
        if a.opened:
            inquiry, conversation = a.inquiry_id.hex, a.conversation_id.hex
            excerpt, at = m.text[:EXCERPT], sqlite_moment(m.received_at)
            reference, contact = reference_of(a.inquiry_id), _hex(a)
            yield (
                inquiry, reference, conversation, contact, m.channel, "open", m.subject, excerpt,
                at,
            )  # fmt: skip


def _tags(placed: Sequence[Placed]) -> Iterator[Row]:
    for m, a in placed:
        for tag, year in m.hashtags:
            yield (a.inquiry_id.hex, tag, year or 0, sqlite_moment(m.received_at))


def _promises(placed: Sequence[Placed]) -> Iterator[Row]:
    for m, _ in placed:
        if m.idempotency:
            key = m.idempotency
            at = sqlite_moment(m.received_at)
            yield (key.caller, key.key, key.fingerprint, m.message_id.hex, at)


def _fact_rows(placed: Sequence[Placed]) -> Iterator[Row]:
    for m, a in placed:
        fact = fields_of(m)
        fact["inquiry_id"] = str(a.inquiry_id)
        fact["conversation_id"] = str(a.conversation_id)
        fact["contact_id"] = str(a.contact_id)
        type_ = "inquiry.received" if a.opened else "inquiry.message_added"
        key, at = str(a.conversation_id), sqlite_moment(m.received_at)
        yield (m.event_id.hex, "inquiries", key, type_, as_json(fact), m.traceparent, at)
