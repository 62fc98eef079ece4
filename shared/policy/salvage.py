"""What can still be read of a section with mistakes, so that its other mistakes are named too.

The wrong keys of an entry are replaced by stand-ins, which are right in themselves. The result is
only for checking; a policy with any mistake is never used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import ValidationError

from shared.policy.model import Channel, Desk, Hashtags, NotificationTarget, Promise, Routing
from shared.policy.parts import Part
from shared.policy.values import NAME_PATTERN

AnyPart = TypeVar("AnyPart", bound=Part)
Raw = Mapping[str, object]

_ROUNDS = 3
_CHANNEL: Raw = {"connector": "api", "service_level": "promised"}
_DESK: Raw = {"title": {"de": "-", "en": "-"}}
_ROUTING: Raw = {
    "min_confidence": 0.6,
    "technical_terms": {},
    "general_terms": {},
    "netiquette_terms": {},
}


def salvage(section: str, raw: object) -> object | None:
    """The readable part of a section, or None where nothing of it can be judged."""
    reader = _READERS.get(section)
    return None if reader is None else reader(raw)


def _channels(raw: object) -> object:
    return _table(Channel, raw, _CHANNEL)


def _desks(raw: object) -> object:
    return _table(Desk, raw, _DESK)


def _promises(raw: object) -> object:
    items = raw if isinstance(raw, list) else []
    read = [
        _entry(Promise, item, {"name": f"promises[{place}]", "first_answer": "366d"})
        for place, item in enumerate(items)
    ]
    return tuple(promise for promise in read if promise is not None)


def _notifications(raw: object) -> object:
    items = raw if isinstance(raw, list) else []
    read = [
        _entry(NotificationTarget, item, {"name": f"notifications_{place}", "via": "webhook"})
        for place, item in enumerate(items)
    ]
    return tuple(each for each in read if each is not None)


def _hashtags(raw: object) -> object:
    return _entry(Hashtags, raw, {})


def _routing(raw: object) -> object:
    return _entry(Routing, raw, _ROUTING)


_READERS: Mapping[str, Callable[[object], object]] = {
    "channels": _channels,
    "desks": _desks,
    "promises": _promises,
    "notifications": _notifications,
    "hashtags": _hashtags,
    "routing": _routing,
}


def _table(model: type[AnyPart], raw: object, stand_in: Raw) -> Mapping[str, AnyPart] | None:
    if not isinstance(raw, Mapping):
        return None
    read = {
        name: _entry(model, entry, stand_in)
        for name, entry in raw.items()
        if isinstance(name, str) and re.fullmatch(NAME_PATTERN, name)
    }
    return {name: entry for name, entry in read.items() if entry is not None}


def _entry(model: type[AnyPart], raw: object, stand_in: Raw) -> AnyPart | None:
    kept = dict(raw) if isinstance(raw, Mapping) else {}
    for _ in range(_ROUNDS):
        try:
            return model.model_validate({**stand_in, **kept})
        except ValidationError as error:
            wrong = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
            kept = {key: value for key, value in kept.items() if key not in wrong}
    return None
