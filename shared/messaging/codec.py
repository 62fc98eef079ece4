"""How facts are written on the bus, and read from it.

CloudEvents 1.0 binary mode: the attributes are `ce_` headers, the value is the fact as JSON.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from uuid import UUID

from pydantic import ValidationError

from shared.bus.port import Received, Record
from shared.messaging.envelope import BY_TYPE, Envelope, Fact

PREFIX = "inbound-desk"
_REMEMBERED, _REMEMBERED_BYTES = 2048, 4096
"""How many decoded facts are kept for the next service that hears them, and up to which size."""

_Headers = tuple[tuple[str, bytes], ...]

_UNKNOWN_VERSION = "version {found} of {type} is newer than the {known} known here; update first"


class MalformedRecordError(Exception):
    """A record that cannot be understood, now or later; the message says why."""


def topic_of(aggregate: str) -> str:
    return f"{PREFIX}.{aggregate}"


def to_record(
    *,
    event_id: UUID,
    aggregate: str,
    key: str,
    type_: str,
    payload: str,
    traceparent: str,
    time: datetime,
    source: str,
) -> Record:
    """`source` is the service that owns the fact, e.g. `/intake`."""
    version, said_by, its_type, schema, content = _constant(type_, source)
    headers = (
        version,
        ("ce_id", str(event_id).encode()),
        said_by,
        its_type,
        ("ce_time", time.isoformat().encode()),
        schema,
        content,
        ("traceparent", traceparent.encode()),
    )
    return Record(topic_of(aggregate), key, payload.encode(), headers)


def record_of(
    fact: Fact, *, event_id: UUID, key: str, traceparent: str, time: datetime, source: str
) -> Record:
    """The same for a fact that is no row of an outbox."""
    return to_record(
        event_id=event_id,
        aggregate=fact.AGGREGATE,
        key=key,
        type_=fact.TYPE,
        payload=fact.model_dump_json(exclude_none=True),
        traceparent=traceparent,
        time=time,
        source=source,
    )


@cache
def _constant(type_: str, source: str) -> tuple[tuple[str, bytes], ...]:
    """The headers that are the same for every fact of a type."""
    schema = f"urn:inbound-desk:event:{type_}:{BY_TYPE[type_].VERSION}"
    return (
        ("ce_specversion", b"1.0"),
        ("ce_source", source.encode()),
        ("ce_type", type_.encode()),
        ("ce_dataschema", schema.encode()),
        ("content-type", b"application/json"),
    )


def event_type(record: Received) -> str:
    return _header(record.headers, "ce_type")


def to_envelope(record: Received) -> Envelope:
    """Raises MalformedRecordError for anything but a well-formed fact that is known here."""
    if len(record.value) > _REMEMBERED_BYTES:
        return _decode(record.key, record.value, record.headers)
    return _remembered(record.key, record.value, record.headers)


def _decode(key: str, value: bytes, headers: _Headers) -> Envelope:
    type_ = _header(headers, "ce_type")
    fact = BY_TYPE.get(type_)
    if fact is None:
        raise MalformedRecordError(f"no event type {type_!r} is known here")
    _check_version(fact, _header(headers, "ce_dataschema"))
    try:
        event_id = UUID(_header(headers, "ce_id"))
        time = datetime.fromisoformat(_header(headers, "ce_time"))
    except ValueError as error:
        raise MalformedRecordError(f"a ce_ header is not well-formed: {error}") from error
    try:
        data = fact.model_validate_json(value)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'value'}: {e['msg']}"
            for e in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise MalformedRecordError(f"{type_}: {wrong}") from error
    return Envelope(event_id, key, time, data, _header(headers, "traceparent", default=""))


# In one process several services hear the same record, which none of them can change.
_remembered = lru_cache(maxsize=_REMEMBERED)(_decode)


def _check_version(fact: type[Fact], schema: str) -> None:
    version = schema.rpartition(":")[2]
    if not version.isdigit():
        raise MalformedRecordError(f"ce_dataschema {schema!r} ends in no version number")
    if int(version) > fact.VERSION:
        raise MalformedRecordError(
            _UNKNOWN_VERSION.format(found=version, type=fact.TYPE, known=fact.VERSION)
        )


def _header(headers: _Headers, name: str, *, default: str | None = None) -> str:
    for key, value in headers:
        if key == name:
            return value.decode("utf-8", "replace")
    if default is None:
        raise MalformedRecordError(f"the header {name} is missing")
    return default
