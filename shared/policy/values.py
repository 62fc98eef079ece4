"""The small written forms of the policy file: durations, opening intervals, warning levels, words.

Each parser takes what TOML delivered and raises one `PydanticCustomError` that carries what is
wrong and what would be right; `problems.py` adds the key's path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

MINUTES_A_DAY = 24 * 60
LONGEST_DURATION = timedelta(days=366)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"

_DURATION = re.compile(r"([0-9]{1,6})([mhd])", re.ASCII)
_UNIT = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_INTERVAL = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})(\+1)?", re.ASCII)
_ORIGIN = re.compile(r"https?://(?:\*\.)?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,9}(?::[0-9]{1,5})?")
_PERCENT = re.compile(r"([0-9]{1,3}) ?%", re.ASCII)


def mistake(wrong: str, right: str) -> PydanticCustomError:
    """An error in the policy's own words; raise it from any validator of the policy."""
    return PydanticCustomError("policy", "{wrong}", {"wrong": wrong, "right": right})


def shown(value: object) -> str:
    """A value as an error message may show it: short, and never more than one line."""
    if isinstance(value, bool):
        return str(value).lower()
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    text = f'"{text[1:-1]}"' if isinstance(value, str) else text
    return text if len(text) <= 60 else f"{text[:57]}..."


def parse_duration(value: object) -> timedelta:
    """ "90m", "24h" or "2d", where a day is 24 hours; more than nothing and at most 366 days."""
    if isinstance(value, timedelta):
        return value
    hint = 'a whole number with its unit in quotes, such as "90m", "24h" or "2d"'
    if not isinstance(value, str):
        raise mistake(f"{shown(value)} is not a duration", hint)
    text = value.strip().replace(" ", "")
    if text.startswith("-"):
        raise mistake(f"{shown(value)} is negative", f"a time after the start: {hint}")
    match = _DURATION.fullmatch(text)
    if match is None:
        raise mistake(f"{shown(value)} is not a duration", hint)
    duration = int(match[1]) * _UNIT[match[2]]
    if not duration:
        raise mistake(f"{shown(value)} leaves no time at all", f"more than zero: {hint}")
    if duration > LONGEST_DURATION:
        raise mistake(f"{shown(value)} is longer than a year", "at most 366 days")
    return duration


def duration_text(duration: timedelta) -> str:
    """The written form of a duration of the policy, which always is whole minutes."""
    minutes = round(duration.total_seconds() / 60)
    if minutes % MINUTES_A_DAY == 0 and minutes > MINUTES_A_DAY:
        return f"{minutes // MINUTES_A_DAY}d"
    return f"{minutes}m" if minutes % 60 else f"{minutes // 60}h"


@dataclass(frozen=True, slots=True, order=True)
class OpeningInterval:
    """Open from `opens` until just before `closes`, in minutes of wall time after midnight.

    It belongs to the day on which it opens; one that runs past midnight has `closes` above 1440.
    """

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{clock_text(self.opens)}-{clock_text(self.closes)}"


def clock_text(minutes: int) -> str:
    """ "09:00" for 540; minutes of the next day carry "+1", the end of the day is "24:00"."""
    following = minutes > MINUTES_A_DAY
    hours, rest = divmod(minutes - MINUTES_A_DAY * following, 60)
    return f"{hours:02}:{rest:02}{'+1' if following else ''}"


def parse_interval(value: object) -> OpeningInterval:
    """ "09:00-17:00"; "22:00-06:00+1" ends on the next day; "00:00-24:00" is the whole day."""
    if isinstance(value, OpeningInterval):
        return value
    match = _INTERVAL.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if match is None:
        raise mistake(
            f"{shown(value)} is not an opening interval",
            'two times of the day in quotes, such as "09:00-17:00"',
        )
    opens, closes = _minutes(match[1], match[2]), _minutes(match[3], match[4])
    if opens == MINUTES_A_DAY:
        raise mistake("24:00 is the end of a day, nothing opens there", "00:00 of the next day")
    if match[5]:
        return _overnight(opens, closes)
    if opens == closes:
        raise mistake(f"{shown(value)} is empty", 'a whole day is written "00:00-24:00"')
    if closes < opens:
        swapped = f"{match[3]}:{match[4]}-{match[1]}:{match[2]}"
        raise mistake(
            f"{shown(value)} ends before it starts",
            f'"{swapped}", or "{match[0]}+1" if it runs past midnight into the next day',
        )
    return OpeningInterval(opens, closes)


def _overnight(opens: int, closes: int) -> OpeningInterval:
    if closes == 0:
        raise mistake("an end of 00:00+1 is the end of the same day", f"{clock_text(opens)}-24:00")
    if closes > opens:
        raise mistake(
            "the interval is longer than 24 hours", "give the next day its own opening hours"
        )
    return OpeningInterval(opens, MINUTES_A_DAY + closes)


def _minutes(hours: str, minutes: str) -> int:
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > MINUTES_A_DAY:
        raise mistake(f"there is no time {hours}:{minutes}", "a time from 00:00 to 24:00")
    return total


@dataclass(frozen=True, slots=True)
class WarnLevel:
    """When to warn: at `percent` of the target, or `before` the deadline (business time).

    Exactly one of the two is set.
    """

    percent: int | None = None
    before: timedelta | None = None

    def __str__(self) -> str:
        return f"{self.percent}%" if self.before is None else duration_text(self.before)


def parse_warn_level(value: object) -> WarnLevel:
    """ "75%" of the target is used up, or "1h" of business time is left."""
    if isinstance(value, WarnLevel):
        return value
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        try:
            return WarnLevel(before=parse_duration(value))
        except PydanticCustomError:
            raise mistake(
                f"{shown(value)} is not a warning level",
                'a share of the target such as "75%", or the time left such as "1h"',
            ) from None
    percent = int(match[1])
    if not 0 < percent < 100:
        raise mistake(f"{percent}% is no moment before the deadline", 'from "1%" to "99%"')
    return WarnLevel(percent=percent)


def parse_web_address(value: object) -> str:
    """As `secret_web_address`, but without a password: for an address that is written down."""
    text = secret_web_address(value)
    if "@" in urlsplit(text).netloc:
        wrong = "a password does not belong in an address in this file"
        raise mistake(wrong, "the address in the environment variable of this target")
    return text


def secret_web_address(value: object) -> str:
    """An https:// address; http:// only to this machine. The error does not repeat the address."""
    hint = 'an address such as "https://example.org/hook"'
    if not isinstance(value, str):
        raise mistake(f"{shown(value)} is not text", hint)
    text = value.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not text.isprintable() or " " in text:
        raise mistake("this is not a web address", hint)
    if parts.scheme not in ("https", "http"):
        raise mistake(f"{shown(parts.scheme)} is not a scheme for a webhook", hint)
    if parts.scheme == "http" and host not in LOOPBACK:
        raise mistake("http:// can be read by anybody on the way", "https://, or http://127.0.0.1")
    return text


def parse_origin(value: object) -> str:
    """ "https://www.example.org", "https://*.example.org": a host whose pages may show one of ours.

    Nothing else fits: it becomes a part of a header.
    """
    hint = 'an address without a path such as "https://www.example.org"'
    text = value.strip().lower() if isinstance(value, str) else ""
    if _ORIGIN.fullmatch(text) is None:
        raise mistake(f"{shown(value)} is not the address of a site", hint)
    host = text.partition("://")[2].rpartition(":")[0] or text.partition("://")[2]
    if text.startswith("http:") and host not in LOOPBACK:
        raise mistake("http:// can be changed by anybody on the way", hint)
    return text


def _normal_tag(value: object) -> object:
    return value.strip().removeprefix("#").casefold() if isinstance(value, str) else value


Duration = Annotated[timedelta, PlainValidator(parse_duration), PlainSerializer(duration_text)]
Interval = Annotated[OpeningInterval, PlainValidator(parse_interval), PlainSerializer(str)]
Warn = Annotated[WarnLevel, PlainValidator(parse_warn_level), PlainSerializer(str)]
WebAddress = Annotated[str, BeforeValidator(parse_web_address)]
Origin = Annotated[str, BeforeValidator(parse_origin)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Tag = Annotated[str, BeforeValidator(_normal_tag), StringConstraints(pattern=r"^\w{1,100}$")]
