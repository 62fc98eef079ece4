"""Public holidays with their names, read once and frozen.

The table comes from the `holidays` package. It is filled for the whole range of years at once,
because the package otherwise adds years while it is asked, which is not safe between threads;
and always in a named language, because names would else follow the locale of the process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import holidays


@dataclass(frozen=True, slots=True)
class Region:
    """Whose public holidays hold: ISO 3166 country, subdivision, and the language of the names.

    Without a language the country's own is taken.
    """

    country: str
    subdivision: str | None = None
    language: str | None = None


def public_holidays(region: Region, years: range) -> Mapping[date, str]:
    """Every public holiday of the region in these years, by local date."""
    languages = holidays.list_localized_countries().get(region.country, [])
    language = region.language or _own_language(region.country)
    table = holidays.country_holidays(
        region.country,
        subdiv=region.subdivision,
        years=years,
        expand=False,
        language=language if language in languages else None,
    )
    return MappingProxyType(dict(sorted(table.items())))


def _own_language(country: str) -> str | None:
    language: str | None = getattr(holidays.country_holidays(country), "default_language", None)
    return language
