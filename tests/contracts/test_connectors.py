"""What every connector promises, whatever its platform sends.

A connector joins by its sample in `tests/contracts/connectors` and a line in `samples`. Here are
its functions alone; what becomes of its deliveries is in test_connectors_in_intake.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.connectors.items import (
    Broken,
    Edited,
    Ignored,
    Item,
    NewMessage,
    OwnPost,
    Withdrawn,
)
from services.intake.connectors.port import Parts, Reading
from services.intake.connectors.registry import CONNECTORS, FORMATS
from services.intake.inquiries.domain.message import ID_LIMIT, TEXT_LIMIT
from shared.web.problems import RefusedError
from tests.contracts.connectors.sample import Kind, Sample, Sent
from tests.contracts.connectors.samples import SAMPLES

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LONG_AGO = timedelta(hours=2)
ALOT = 200_000
A_KIND = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
HOSTILE_HEADERS = (
    b"", b" ", b",", b"=", b"\xe9\xff", b"\xff" * 64, b"sha256=", b"v1", b"v1,", b"v1,%%%", b"0",
    b"-1", b"sha256=" + b"0" * 64, b"A" * 10_000, b"{}", b"null",
)  # fmt: skip
HOSTILE_BODIES = (
    b"", b" ", b"\0", b"\xff\xfe", b"{", b"[]", b"null", b"7", b'"', b"NaN", b"[" * 5000,
    b"{}" * 5000, b"a=b", b"%", b"%ff", b"=&=&=", b"&" * 5000, b"--x\r\n", b"<a>", b'{"a":1e999}',
    b'["\\ud800"]', b"9" * 5000, b"x" * 100_000,
)  # fmt: skip
KINDS: dict[type[Any], Kind] = {
    NewMessage: "message",
    OwnPost: "own_post",
    Edited: "edited",
    Withdrawn: "withdrawn",
    Ignored: "ignored",
    Broken: "broken",
}

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)


def test_every_connector_has_a_sample() -> None:
    assert {each.name for each in FORMATS} <= {each.name for each in SAMPLES}
    assert all(CONNECTORS[each.name] is each for each in FORMATS)


def proven(sample: Sample, sent: Sent, *, now: datetime = NOON) -> None:
    """Raises RefusedError unless it is proven."""
    connector = sample.connector
    connector.claim(sent.request(), connector.keys(sample.secrets), now)(sent.body)


def split(sample: Sample, sent: Sent) -> Parts:
    document = sample.connector.decode(sent.body, sent.request())
    assert sample.connector.challenge(document) is None
    return sample.connector.split(document)


def read(sample: Sample, raw: Any) -> Item:
    return sample.connector.read(raw, Reading(NOON))


def item(sample: Sample, kind: Kind = "message", id_: str = "m-1") -> Any:
    return sample.items[kind](id_)


@every_sample
def test_any_of_the_secrets_proves_a_delivery(sample: Sample) -> None:
    body = sample.delivery([item(sample)])
    for secret in sample.signing:
        proven(sample, sample.sign(body, secret, NOON))


@every_sample
def test_what_cannot_be_a_secret_is_said_at_the_start(sample: Sample) -> None:
    for secret in sample.no_secrets:
        with pytest.raises(ValueError, match="secret"):
            sample.connector.keys([secret])


@every_sample
def test_a_strange_secret_or_another_body_proves_nothing(sample: Sample) -> None:
    body = sample.delivery([item(sample)])
    forged = sample.sign(body, sample.stranger, NOON)
    good = sample.sign(body, sample.signing[0], NOON)
    others = [body + b" ", body[:-1], b"", body.replace(b"m-1", b"m-2")]
    if not sample.signs_body:
        others = []
    for sent in (forged, *(Sent(other, good.headers, query=good.query) for other in others)):
        with pytest.raises(RefusedError) as refused:
            proven(sample, sent)
        assert refused.value.status in {401, 403}


@every_sample
def test_hostile_headers_are_refused_and_nothing_else(sample: Sample) -> None:
    sent = sample.signed(item(sample), now=NOON)
    for name in sample.proof:
        for value in HOSTILE_HEADERS:
            hostile = Sent(sent.body, {**sent.headers, name: value}, query=sent.query)
            with pytest.raises(RefusedError) as refused:
                proven(sample, hostile)
            assert refused.value.status in {400, 401, 403}


@every_sample
def test_without_its_headers_no_body_is_asked_for(sample: Sample) -> None:
    connector = sample.connector
    sent = sample.signed(item(sample), now=NOON)
    for name in sample.proof:
        headers = {key: value for key, value in sent.headers.items() if key != name}
        request = Sent(sent.body, headers, query=sent.query).request()
        with pytest.raises(RefusedError):
            connector.claim(request, connector.keys(sample.secrets), NOON)


@every_sample
def test_an_old_or_a_coming_delivery_is_refused_before_its_body(sample: Sample) -> None:
    if sample.tolerance is None:
        proven(sample, sample.signed(item(sample), now=NOON), now=NOON + LONG_AGO)
        return
    connector, keys = sample.connector, sample.connector.keys(sample.secrets)
    request = sample.signed(item(sample), now=NOON).request()
    for off in (timedelta(seconds=sample.tolerance + 1), LONG_AGO):
        for now in (NOON + off, NOON - off):
            with pytest.raises(RefusedError):
                connector.claim(request, keys, now)


@every_sample
def test_each_kind_of_item_is_read_as_that(sample: Sample) -> None:
    for kind in sample.items:
        sent = sample.signed(item(sample, kind), now=NOON)
        (raw,) = split(sample, sent).items
        found = read(sample, raw)
        assert KINDS[type(found)] == kind
        if isinstance(found, NewMessage | OwnPost | Edited):
            assert found.message.id == sample.stored_id("m-1")
            assert not found.message.empty


@every_sample
def test_what_is_ignored_has_a_kind_in_constant_words(sample: Sample) -> None:
    """By it items are counted, so it must never be the sender's own text."""
    if "ignored" not in sample.items:
        return
    kinds = set()
    for id_ in ("m-1", "m-2"):
        sent = sample.signed(item(sample, "ignored", id_), now=NOON)
        (raw,) = split(sample, sent).items
        found = read(sample, raw)
        assert isinstance(found, Ignored)
        kinds.add(found.kind)
    (kind,) = kinds
    assert A_KIND.fullmatch(kind)


@every_sample
def test_an_item_is_found_again_in_what_is_kept_of_it(sample: Sample) -> None:
    """It is kept aside as JSON, and tried again out of that."""
    for kind in sample.items:
        raws = split(sample, sample.signed(*_some(sample, kind), now=NOON)).items
        for raw in raws:
            kept = json.loads(json.dumps(raw))
            assert read(sample, kept) == read(sample, raw)
            assert not sample.connector.is_delivery(kept)
            right = None if kind == "broken" else sample.stored_id("m-1")
            assert sample.connector.id_of(kept) == right


def _some(sample: Sample, kind: Kind) -> list[Any]:
    return [item(sample, kind)] * min(2, sample.most)


@every_sample
def test_a_whole_delivery_is_read_again_out_of_what_is_kept_of_it(sample: Sample) -> None:
    connector = sample.connector
    sent = sample.signed(*_some(sample, "message"), now=NOON)
    kept = connector.decode(sent.body, None)
    assert connector.split(kept).items == split(sample, sent).items
    try:
        document = json.loads(sent.body)
    except ValueError:
        return
    assert connector.is_delivery(document)


@every_sample
def test_whatever_the_body_is_nothing_but_a_refusal_is_raised(sample: Sample) -> None:
    for body in (*HOSTILE_BODIES, *sample.no_delivery):
        for _ in _parts_or_refusal(sample, body):
            pass
    for body in sample.no_delivery:
        assert not list(_parts_or_refusal(sample, body))


@every_sample
def test_nor_for_any_other_body(sample: Sample) -> None:
    body = sample.delivery(_some(sample, "message"))

    @given(st.binary(max_size=200), st.integers(0, len(body)), st.integers(0, 20))
    def check(strange: bytes, place: int, width: int) -> None:
        for _ in _parts_or_refusal(sample, strange):
            pass
        for raw in _parts_or_refusal(sample, body[:place] + strange + body[place + width :]):
            found = read(sample, raw)
            assert type(found) in KINDS
            assert not isinstance(found, Ignored) or A_KIND.fullmatch(found.kind)

    check()


def _parts_or_refusal(sample: Sample, body: bytes) -> Iterator[Any]:
    """The items, none when it is refused as it may be."""
    connector = sample.connector
    sent = sample.sign(body, sample.signing[0], NOON)
    try:
        document = connector.decode(body, sent.request())
        if connector.challenge(document) is None:
            yield from connector.split(document).items
    except RefusedError as error:
        assert error.status in {400, 415, 422}  # noqa: PT017 - any other error fails the test


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@every_sample
def test_any_json_is_some_item(sample: Sample) -> None:
    @given(JSON)
    def check(raw: Any) -> None:
        assert type(read(sample, raw)) in KINDS
        sample.connector.id_of(raw)
        assert sample.connector.is_delivery(raw) in {True, False}

    check()


@every_sample
def test_another_content_type_is_refused(sample: Sample) -> None:
    sent = sample.signed(item(sample), now=NOON)
    for strange in (b"image/png", b"", b"\xff", b"/", b";", b"application/" + b"x" * 10_000):
        request = Sent(sent.body, {**sent.headers, "content-type": strange}).request()
        with pytest.raises(RefusedError) as refused:
            sample.connector.decode(sent.body, request)
        assert refused.value.status == 415


@every_sample
def test_hostile_sizes_cost_no_more_than_their_length(sample: Sample) -> None:
    raw = _kept(sample, "i" * ALOT)
    began = time.process_time()
    found = read(sample, raw)
    assert time.process_time() - began < 1
    assert isinstance(found, NewMessage)
    assert len(found.message.id) <= ID_LIMIT
    assert len(found.message.text) <= TEXT_LIMIT
    other = read(sample, _kept(sample, "i" * ALOT + "j"))
    assert isinstance(other, NewMessage)
    assert other.message.id != found.message.id


def _kept(sample: Sample, id_: str) -> Any:
    """A message as an item of its delivery."""
    (raw,) = split(sample, sample.signed(item(sample, id_=id_), now=NOON)).items
    return raw


@every_sample
def test_handshakes_are_answered_before_or_instead_of_a_delivery(sample: Sample) -> None:
    """Those that are proven deliveries are answered over HTTP, see below."""
    connector, keys = sample.connector, sample.connector.keys(sample.secrets)
    asked = {sent.method for sent, _ in sample.handshakes}
    assert connector.handshakes.keys() <= asked, "a sample of each handshake, please"
    for sent in sample.refused_handshakes:
        with pytest.raises(RefusedError) as refused:
            connector.handshakes[sent.method](sent.request(), keys, NOON)
        assert refused.value.status in {401, 403}
