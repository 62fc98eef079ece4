"""CloudEvents 1.0 around a fact: who says it, when, about which key; binary mode on the bus."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

BY_TYPE: dict[str, type[Fact]] = {}
"""Every fact that this process knows: a fact is known once its class is defined."""


class Fact(BaseModel):
    """Something that has happened; never changed, only superseded by another version.

    TYPE is the CloudEvents type, VERSION the version of its fields, AGGREGATE the topic it is
    published on. Fields may be added with a default; anything else is a new VERSION.
    """

    # A consumer that is older than its producer must not fail on a field that it does not know.
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1
    AGGREGATE: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        if "TYPE" in cls.__dict__:
            BY_TYPE[cls.TYPE] = cls


@dataclass(frozen=True, slots=True)
class Envelope:
    """A fact on its way. `key` is the conversation's id: facts of one key keep their order."""

    id: UUID
    key: str
    time: datetime
    data: Fact
    traceparent: str = ""
