"""A model as bytes: a header in JSON and arrays of numbers, never code.

    8 bytes   magic, the last of them the version of the format
    4 bytes   length of the header, little-endian
    header    JSON: feature space, desks, thresholds, lexicon, trust, number of features, sha256
    arrays    u4 the features that are used, rising; f4 their rarity; f4 a row of weights for each
              desk; f4 bias and offset by desk; all little-endian

The sum is that of the rest of the header and of the arrays. Reading checks everything before
anything is used: sizes against the header, the sum, numbers that are numbers.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.router.deciding.model.features import FEATURE_SPACE, SPACE
from services.router.deciding.model.linear import LinearModel

MAGIC = b"IDMODEL\x01"
LARGEST_HEADER = 65_536
LARGEST = 64 * 1_048_576
MOST_DESKS = 50
_HEAD = len(MAGIC) + 4


class BadModelError(Exception):
    """These bytes are no model, or none that this program can use; says why."""


def to_bytes(model: LinearModel) -> bytes:
    """The same model gives the same bytes."""
    used = np.flatnonzero((model.rarity != 0) | (model.weights != 0).any(axis=0))
    arrays = b"".join(
        [
            used.astype("<u4").tobytes(),
            model.rarity[used].astype("<f4").tobytes(),
            model.weights[:, used].astype("<f4").tobytes(),
            model.bias.astype("<f4").tobytes(),
            model.offset.astype("<f4").tobytes(),
        ]
    )
    header: dict[str, Any] = {
        "feature_space": FEATURE_SPACE,
        "features": len(used),
        "desks": list(model.desks),
        "thresholds": list(model.thresholds),
        "lexicon": model.lexicon,
        "trust": model.trust,
    }
    header["sha256"] = _sum(header, arrays)
    head = json.dumps(header, sort_keys=True).encode()
    return MAGIC + len(head).to_bytes(4, "little") + head + arrays


def from_bytes(data: bytes) -> LinearModel:
    """Raises BadModelError for what is corrupt, truncated, or of another program."""
    if len(data) > LARGEST:
        raise BadModelError(f"{len(data)} bytes are more than a model has")
    header, arrays = _parts(data)
    desks, features = _shape(header)
    expected = 4 * (features * (2 + len(desks)) + 2 * len(desks))
    if len(arrays) != expected:
        raise BadModelError(
            f"{expected} bytes of numbers were announced and {len(arrays)} are there"
        )
    if _sum(header, arrays) != header.get("sha256"):
        raise BadModelError("it is not what was written: the sha256 differs")
    return _model(header, desks, features, arrays)


def _sum(header: dict[str, Any], arrays: bytes) -> str:
    rest = {name: value for name, value in header.items() if name != "sha256"}
    return sha256(json.dumps(rest, sort_keys=True).encode() + arrays).hexdigest()


def _parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    if data[: len(MAGIC) - 1] != MAGIC[:-1]:
        raise BadModelError("it does not begin as a model does")
    if data[: len(MAGIC)] != MAGIC:
        raise BadModelError("it has another format version than this program reads")
    length = int.from_bytes(data[len(MAGIC) : _HEAD], "little")
    if length > LARGEST_HEADER or len(data) < _HEAD + length:
        raise BadModelError("it ends before its header does")
    try:
        header = json.loads(data[_HEAD : _HEAD + length])
    except (ValueError, RecursionError):
        raise BadModelError("its header is no JSON") from None
    if not isinstance(header, dict):
        raise BadModelError("its header is no JSON object")
    return header, data[_HEAD + length :]


def _shape(header: dict[str, Any]) -> tuple[tuple[str, ...], int]:
    if header.get("feature_space") != FEATURE_SPACE:
        raise BadModelError(
            f"it is for the feature space {str(header.get('feature_space'))[:40]!r}, and this "
            f"program has {FEATURE_SPACE!r}"
        )
    desks, features = header.get("desks"), header.get("features")
    if not isinstance(desks, list) or not 2 <= len(desks) <= MOST_DESKS:
        raise BadModelError("its header names no desks")
    if not all(isinstance(desk, str) and 0 < len(desk) <= 64 for desk in desks):
        raise BadModelError("its header names desks that cannot be any")
    if not isinstance(features, int) or not 0 <= features <= SPACE:
        raise BadModelError("its header names no number of features")
    return tuple(desks), features


def _model(
    header: dict[str, Any], desks: tuple[str, ...], features: int, arrays: bytes
) -> LinearModel:
    used = np.frombuffer(arrays, "<u4", features).astype(np.int64)
    if len(used) and (used[-1] >= SPACE or (np.diff(used) <= 0).any()):
        raise BadModelError("its features are not in order")
    numbers = np.frombuffer(arrays, "<f4", offset=4 * features).astype(np.float32)
    count = len(desks)
    rarity = np.zeros(SPACE, dtype=np.float32)
    rarity[used] = numbers[:features]
    weights = np.zeros((count, SPACE), dtype=np.float32)
    weights[:, used] = numbers[features : features * (1 + count)].reshape(count, features)
    rest: NDArray[np.float32] = numbers[features * (1 + count) :]
    try:
        return LinearModel(
            desks=desks,
            weights=weights,
            rarity=rarity,
            bias=rest[:count],
            trust=float(header["trust"]),
            lexicon=float(header["lexicon"]),
            offset=rest[count:],
            thresholds=tuple(float(each) for each in header["thresholds"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadModelError(f"its header is not whole: {error}") from None
