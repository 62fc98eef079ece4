"""From the policy file to the domain's calendar and promises.

A `PolicyVersion` is what of a policy decides about clocks, under a key made of its content. Every
clock remembers the version it was counted by, so its history stays explainable after the policy
changed. The public holidays are stored with it, and a digest of the zone's rules, because both
change with an update of a package and without the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from services.sla.businesstime.calendar import BusinessCalendar, calendar_for
from services.sla.businesstime.counting import Counting
from services.sla.businesstime.errors import CalendarError
from services.sla.businesstime.holidays_source import Region, public_holidays
from services.sla.businesstime.hours import Interval, Week
from services.sla.businesstime.rules import CalendarRules, Closure, KnownHolidays, Override
from services.sla.businesstime.zone_rules import zone_digest
from services.sla.promises.checks import never_over
from services.sla.promises.closures import with_ical_closures
from services.sla.promises.promise import (
    BeforeEnd,
    Choice,
    Match,
    Promise,
    SpentShare,
    Subject,
    Terms,
    TermsOf,
    choose,
)
from shared import policy as written
from shared.events.inquiries import HashtagUse
from shared.policy.problems import PolicyError, PolicyProblem

FIRST_YEAR = 2015
YEARS_AHEAD = 10
KEY_LENGTH = 32
KNOWN_UNTIL = date(FIRST_YEAR + 2 * YEARS_AHEAD, 1, 1)
"""Years come into reach as time goes by; that alone is no change."""
_KNOWN_FROM = date(FIRST_YEAR - 1, 1, 1)


class _Channel(BaseModel):
    model_config = ConfigDict(frozen=True)

    promised: bool
    desk: str | None = None
    reply_window_hours: int | None = None


class _Known(BaseModel):
    """What the policy only names and what therefore changes without it."""

    model_config = ConfigDict(frozen=True)

    holidays: dict[date, str]
    zone_digest: str


class _Document(BaseModel):
    """`known` is None in what an earlier release has stored."""

    model_config = ConfigDict(frozen=True)

    calendar: written.Calendar
    promises: tuple[written.Promise, ...]
    channels: dict[str, _Channel]
    known: _Known | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PolicyVersion:
    """The calendar, the promises and the channels as one policy has them."""

    key: str
    document: str
    calendar: BusinessCalendar
    promises: tuple[Promise, ...]
    pause_bounds: Mapping[str, timedelta]
    best_effort: frozenset[str]
    channel_desks: Mapping[str, str]
    reply_windows: Mapping[str, timedelta]

    @property
    def asks_for_desks(self) -> bool:
        """Whether a promise may change when the desk becomes known."""
        return any(promise.match.desks for promise in self.promises)

    @property
    def has_hand_over(self) -> bool:
        """Whether a promise says until when the technical desk takes over."""
        return any(promise.hand_over is not None for promise in self.promises)

    def promise(self, name: str) -> Promise:
        """Raises KeyError for a name that this policy version never had."""
        for promise in self.promises:
            if promise.name == name:
                return promise
        raise KeyError(name)

    def terms(self, name: str) -> Terms:
        """By what a clock under the promise is counted. Raises KeyError, see `promise`."""
        return Terms(self.key, self.promise(name), self.calendar)

    def choose(self, subject: Subject, received_at: datetime) -> Choice | None:
        """The promise for an inquiry; None on a best-effort channel: no clock."""
        if subject.channel in self.best_effort:
            return None
        return choose(self.promises, subject, calendar=self.calendar, received_at=received_at)

    def window_end(self, channel: str, last_message_at: datetime) -> datetime | None:
        """When the platform stops letting us answer, where it does."""
        window = self.reply_windows.get(channel)
        return None if window is None else last_message_at + window

    def week(self, moment: datetime) -> str:
        """The ISO week of a moment where the desk is, such as `2026-W10`."""
        year, week, _ = moment.astimezone(self.calendar.zone).isocalendar()
        return f"{year}-W{week:02}"


def policy_version_of(policy: written.Policy, *, now: datetime) -> PolicyVersion:
    """What the policy means for clocks, with a calendar until ten years after `now`.

    Takes about a tenth of a second, so keep the result. Raises PolicyError that names the key, for
    an iCalendar file that cannot be read or understood, a calendar that never opens, and a target
    that the calendar cannot hold.
    """
    closed = with_ical_closures(policy.calendar)
    try:
        known = _known_today(closed)
        calendar = _calendar(closed, known, now)
    except CalendarError as error:
        right = "a calendar as in the shipped desk.toml"
        raise PolicyError((PolicyProblem("calendar", str(error), right),)) from error
    document = _Document(
        calendar=closed,
        promises=policy.promises,
        channels={
            name: _Channel(
                promised=channel.service_level is written.ServiceLevel.PROMISED,
                desk=channel.desk,
                reply_window_hours=channel.reply_window_hours,
            )
            for name, channel in sorted(policy.channels.items())
        },
        known=known,
    )
    text = document.model_dump_json(by_alias=True)
    policy_version = _policy_version(_key(text), text, document, calendar)
    if problems := tuple(never_over(policy_version.promises, calendar, now)):
        raise PolicyError(problems)
    return policy_version


def policy_version_from(key: str, text: str, *, now: datetime) -> PolicyVersion:
    """a policy version of the past, from its stored document, with the holidays that held then."""
    # An earlier release may have known a key that is gone; its clocks are counted all the same.
    document = _Document.model_validate_json(text, extra="ignore")
    known = document.known or _known_today(document.calendar)
    return _policy_version(key, text, document, _calendar(document.calendar, known, now))


def zone_has_changed(policy_version: PolicyVersion) -> bool:
    """Whether the zone's rules are others today than when the policy version was made."""
    rules = policy_version.calendar.rules
    return rules.zone_digest != zone_digest(rules.zone, _KNOWN_FROM, KNOWN_UNTIL)


def hashtag_names(uses: Iterable[HashtagUse]) -> frozenset[str]:
    """How promises may name a hashtag: `iico` stands for every year, `iico2013` for one."""
    return frozenset(
        name
        for use in uses
        for name in ((use.tag,) if use.year is None else (use.tag, f"{use.tag}{use.year}"))
    )


def _key(document: str) -> str:
    """Holidays and the zone's rules count, too: an update of either may change a deadline."""
    return sha256(document.encode()).hexdigest()[:KEY_LENGTH]


def _known_today(calendar: written.Calendar) -> _Known:
    rules = _rules(calendar, None)
    years = range(_KNOWN_FROM.year, KNOWN_UNTIL.year)
    days = {} if rules.region is None else public_holidays(rules.region, years)
    return _Known(
        holidays={day: name for day, name in days.items() if day < KNOWN_UNTIL},
        zone_digest=zone_digest(rules.zone, _KNOWN_FROM, KNOWN_UNTIL),
    )


def _policy_version(
    key: str, text: str, document: _Document, calendar: BusinessCalendar
) -> PolicyVersion:
    channels = document.channels
    return PolicyVersion(
        key=key,
        document=text,
        calendar=calendar,
        promises=tuple(_promise(each) for each in document.promises),
        pause_bounds=MappingProxyType({each.name: each.pause_bound for each in document.promises}),
        best_effort=frozenset(name for name, each in channels.items() if not each.promised),
        channel_desks=MappingProxyType(
            {name: each.desk for name, each in channels.items() if each.desk is not None}
        ),
        reply_windows=MappingProxyType(
            {
                name: timedelta(hours=each.reply_window_hours)
                for name, each in channels.items()
                if each.reply_window_hours is not None
            }
        ),
    )


def _promise(promise: written.Promise) -> Promise:
    return Promise(
        name=promise.name,
        first_answer=promise.first_answer,
        counting=Counting(promise.counting.value),
        follow_up=promise.follow_up,
        hand_over=promise.hand_over,
        warnings=tuple(_warning(level) for level in promise.warn),
        match=Match(
            channels=frozenset(promise.match.channels),
            desks=frozenset(promise.match.desks),
            hashtags=frozenset(promise.match.hashtags),
            contacts=frozenset(str(contact) for contact in promise.match.contacts),
        ),
    )


def _warning(level: written.WarnLevel) -> SpentShare | BeforeEnd:
    if level.before is not None:
        return BeforeEnd(level.before)
    return SpentShare((level.percent or 0) / 100)


def _calendar(calendar: written.Calendar, known: _Known, now: datetime) -> BusinessCalendar:
    return calendar_for(_rules(calendar, known), FIRST_YEAR, now.year + YEARS_AHEAD)


def _rules(calendar: written.Calendar, known: _Known | None) -> CalendarRules:
    days = None if known is None else tuple(sorted(known.holidays.items()))
    return CalendarRules(
        zone=calendar.timezone,
        week=Week(tuple(_hours(day) for day in calendar.hours.days())),
        region=None
        if calendar.holidays is None
        else Region(calendar.holidays.country, calendar.holidays.subdivision),
        closures=tuple(
            Closure(each.first_day, each.last_day, each.name) for each in calendar.closures
        ),
        overrides=tuple(
            Override(each.date, _hours(each.hours), each.name) for each in calendar.overrides
        ),
        holidays=None if days is None else KnownHolidays(KNOWN_UNTIL, days),
        zone_digest="" if known is None else known.zone_digest,
    )


def _hours(intervals: Iterable[written.OpeningInterval]) -> tuple[Interval, ...]:
    return tuple(Interval(each.opens * 60, each.closes * 60) for each in sorted(intervals))


PolicyVersionByKey = Callable[[str], PolicyVersion]


def terms_of(version_by_key: PolicyVersionByKey) -> TermsOf:
    """Terms of any version that is stored."""
    return lambda key, name: version_by_key(key).terms(name)
