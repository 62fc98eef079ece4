"""What every part of the policy model is made of."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer, ValidationError
from pydantic_core import InitErrorDetails

from shared.policy.values import Text, mistake, shown

Key = TypeVar("Key")
Value = TypeVar("Value")
Item = TypeVar("Item", bound=Hashable)
Places = tuple[tuple[tuple[int | str, ...], str, str], ...]


def _read_only(table: Mapping[Key, Value]) -> Mapping[Key, Value]:
    return MappingProxyType(dict(table))


def _no_repeats(items: tuple[Item, ...]) -> tuple[Item, ...]:
    first = {item: place for place, item in reversed(list(enumerate(items)))}
    again = [place for place, item in enumerate(items) if first[item] != place]
    refuse(
        tuple(
            (
                (place,),
                f"{shown(str(items[place]))} is listed twice",
                f"once, as at [{first[items[place]]}]",
            )
            for place in again
        )
    )
    return items


def refuse(places: Places) -> None:
    """Report findings at places inside the part that is being validated."""
    if places:
        raise ValidationError.from_exception_data(
            "policy",
            [
                InitErrorDetails(type=mistake(wrong, right), loc=location, input=None)
                for location, wrong, right in places
            ],
        )


Items = Annotated[tuple[Item, ...], AfterValidator(_no_repeats)]
Table = Annotated[Mapping[Key, Value], AfterValidator(_read_only), PlainSerializer(dict)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Localized(Part):
    de: Text
    en: Text

    def text(self, language: Literal["de", "en"]) -> str:
        return self.de if language == "de" else self.en
