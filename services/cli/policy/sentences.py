"""The policy read back in plain sentences, German or English, for whoever has to answer for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from typing import Literal

from holidays.registry import COUNTRIES

from services.cli.policy.wording import DE, EN, Wording
from services.intake.policy import form_channel
from shared.policy.calendar import Calendar, Holidays, subdivision_names
from shared.policy.model import (
    Counting,
    FormEmail,
    Hashtags,
    Policy,
    Promise,
    ServiceLevel,
)
from shared.policy.notifications import NotificationTarget
from shared.policy.pulling import AnyPull, ImapPull, MastodonPull, YoutubePull
from shared.policy.values import MINUTES_A_DAY, OpeningInterval, WarnLevel

Language = Literal["de", "en"]


def sentences(policy: Policy, language: Language) -> list[str]:
    """One sentence or short paragraph per rule, in the order of the file."""
    words = DE if language == "de" else EN
    return [
        words.public.format(
            name=policy.company.name, text=policy.company.public_text.text(language)
        ),
        *_channels(policy, words),
        *_form(policy, words),
        *_calendar(policy.calendar, words),
        *(line for promise in policy.promises for line in _promise(promise, policy, words)),
        *(_notification(each, words) for each in policy.notifications),
        *_desks(policy, words, language),
        *_hashtags(policy.hashtags, words),
        words.routing.format(percent=round(policy.routing.min_confidence * 100)),
        *_thanks(policy, words),
        words.netiquette.format(text=policy.netiquette.text(language)),
        *_retention(policy, words),
    ]


def _thanks(policy: Policy, words: Wording) -> Iterable[str]:
    if (above := policy.routing.dismiss_thanks_above) is not None:
        yield words.thanks.format(percent=round(above * 100))


def _channels(policy: Policy, words: Wording) -> Iterable[str]:
    promised = _with_level(policy, ServiceLevel.PROMISED)
    best_effort = _with_level(policy, ServiceLevel.BEST_EFFORT)
    if promised:
        yield words.promised.format(channels=words.list(promised))
    if best_effort:
        yield words.best_effort.format(channels=words.list(best_effort))
    for name, channel in policy.channels.items():
        if channel.desk is not None:
            yield words.direct_channel.format(channel=name, desk=channel.desk)
        if channel.reply_window_hours is not None:
            yield words.reply_window.format(channel=name, hours=channel.reply_window_hours)
        if channel.pull is not None:
            yield _fetched(name, channel.pull, words)


def _fetched(channel: str, pull: AnyPull, words: Wording) -> str:
    match pull:
        case ImapPull():
            source = f"{pull.user} ({pull.host})"
        case MastodonPull():
            source = pull.server
        case YoutubePull():
            source = pull.channel_id
    return words.fetched[pull.type].format(
        channel=channel, source=source, time=_time(pull.every, words)
    )


def _form(policy: Policy, words: Wording) -> Iterable[str]:
    channel = form_channel(policy)
    if channel is None:
        yield words.no_form
        return
    yield words.form.format(channel=channel)
    if policy.form.email is FormEmail.OPTIONAL:
        yield words.form_without_email
    if policy.form.embed:
        yield words.form_embedded.format(sites=words.list(list(policy.form.embed)))


def _with_level(policy: Policy, level: ServiceLevel) -> list[str]:
    return [name for name, channel in policy.channels.items() if channel.service_level is level]


def _calendar(calendar: Calendar, words: Wording) -> Iterable[str]:
    yield words.hours.format(hours=opening_hours(calendar, words), zone=calendar.timezone)
    if calendar.holidays is None:
        yield words.no_holidays
    else:
        yield words.holidays.format(region=_region(calendar.holidays, words))
    for closure in calendar.closures:
        first, last = words.date(closure.first_day), words.date(closure.last_day)
        template = words.closed_day if first == last else words.closure
        yield template.format(first=first, last=last, name=closure.name)
    for override in calendar.overrides:
        day = words.date(override.date)
        if override.hours:
            hours = words.list([_interval(each, words) for each in override.hours])
            yield words.override.format(day=day, hours=hours, name=override.name)
        else:
            yield words.closed_day.format(first=day, name=override.name)
    if calendar.ical_file is not None:
        yield words.ical.format(file=calendar.ical_file.name)


def opening_hours(calendar: Calendar, words: Wording) -> str:
    """ "Monday to Friday 9:00 to 17:00": neighbouring days with equal hours are named together."""
    spans = []
    days = list(zip(words.weekdays, calendar.hours.days(), strict=True))
    for hours, group in groupby(days, key=lambda day: tuple(sorted(day[1]))):
        names = [name for name, _ in group]
        if not hours:
            continue
        if len(names) > 2:
            span = words.span.format(first=names[0], last=names[-1])
        else:
            span = words.list(names)
        spans.append(f"{span} {words.list([_interval(each, words) for each in hours])}")
    return "; ".join(spans)


def _interval(interval: OpeningInterval, words: Wording) -> str:
    first = words.time(interval.opens)
    if interval.closes > MINUTES_A_DAY:
        last = words.time(interval.closes - MINUTES_A_DAY)
        return words.overnight.format(first=first, last=last)
    return words.span.format(first=first, last=words.time(interval.closes))


def _region(region: Holidays, words: Wording) -> str:
    names = {entry[1]: entry[0] for entry in COUNTRIES.values()}
    country = words.countries.get(region.country)
    if country is None:
        country = _spaced(names[region.country]) if region.country in names else region.country
    if region.subdivision is None:
        return country
    full = [
        name
        for name, code in subdivision_names(region.country).items()
        if code == region.subdivision
    ]
    return f"{full[0] if full else region.subdivision} ({country})"


def _spaced(name: str) -> str:
    """ "UnitedStates" as two words."""
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).strip()


def _promise(promise: Promise, policy: Policy, words: Wording) -> Iterable[str]:
    target = _time(promise.first_answer, words)
    scope = _scope(promise, words)
    yield words.promise.format(name=promise.name, scope=scope, target=target)
    yield words.counting[promise.counting].format(target=target)
    example = _example(promise, policy.calendar)
    if example is not None:
        yield words.example.format(time=words.time(example))
    if promise.follow_up is not None:
        yield words.follow_up.format(target=_time(promise.follow_up, words))
    if promise.hand_over is not None:
        yield words.hand_over.format(target=_time(promise.hand_over, words))
    if promise.warn:
        yield words.warn.format(levels=words.list([_level(each, words) for each in promise.warn]))
    yield words.pause.format(bound=_days(promise.pause_bound, words))


def _scope(promise: Promise, words: Wording) -> str:
    match = promise.match
    parts = [
        label.format(items=words.list(items))
        for label, items in (
            (words.scope_channels, list(match.channels)),
            (words.scope_desks, list(match.desks)),
            (words.scope_hashtags, [f"#{tag}" for tag in match.hashtags]),
            (words.scope_contacts, [str(contact) for contact in match.contacts]),
        )
        if items
    ]
    return ", ".join(parts) or words.scope_all


def _example(promise: Promise, calendar: Calendar) -> int | None:
    """A Friday minute that is due on Monday at the same time; None where that is not so plain."""
    *weekdays, saturday, sunday = calendar.hours.days()
    if promise.counting is not Counting.WORKING_DAYS or promise.first_answer != timedelta(days=1):
        return None
    if saturday or sunday or len(set(weekdays)) > 1 or len(weekdays[0]) != 1:
        return None
    hours = weekdays[0][0]
    return hours.closes - 60 if 60 < hours.closes - hours.opens <= MINUTES_A_DAY - 60 else None


def _time(duration: timedelta, words: Wording) -> str:
    minutes = round(duration.total_seconds() / 60)
    if minutes % 60:
        return words.count(minutes, words.minute)
    return words.count(minutes // 60, words.hour)


def _days(duration: timedelta, words: Wording) -> str:
    whole = duration % timedelta(days=1) == timedelta(0)
    return words.count(duration.days, words.day) if whole else _time(duration, words)


def _level(level: WarnLevel, words: Wording) -> str:
    if level.before is None:
        return words.warn_share.format(percent=level.percent)
    return words.warn_before.format(time=_time(level.before, words))


def _notification(target: NotificationTarget, words: Wording) -> str:
    return words.notification.format(
        name=target.name,
        way=words.ways[target.via],
        kinds=words.list([words.notices[kind] for kind in target.kinds]),
        scope=words.notified_desks.format(desks=words.list(list(target.desks)))
        if target.desks
        else words.notified_all,
    )


def _desks(policy: Policy, words: Wording, language: Language) -> Iterable[str]:
    titles = [f"{name} ({desk.title.text(language)})" for name, desk in policy.desks.items()]
    yield words.desks.format(desks=words.list(titles))
    for name, desk in policy.desks.items():
        marks = [f"@{handle}" for handle in desk.handles] + [f"#{tag}" for tag in desk.hashtags]
        if marks:
            yield words.direct_marks.format(marks=words.list(marks), desk=name)
    yield words.review


def _hashtags(hashtags: Hashtags, words: Wording) -> Iterable[str]:
    events = [f"#{event.tag}" for event in hashtags.events]
    company = [f"#{tag}" for tag in hashtags.company]
    own = company + [tag for tag in events if tag not in company]
    if own:
        yield words.hashtags.format(tags=words.list(own))
    dated = [f"#{event.tag}" for event in hashtags.events if event.always_with_year]
    if events:
        yield words.events.format(tags=words.list(events), example=f"{events[0]}2026")
    if dated:
        yield words.dated_events.format(tags=words.list(dated))


def _retention(policy: Policy, words: Wording) -> Iterable[str]:
    yield words.log.format(days=words.count(policy.retention.log_days, words.day))
    days = policy.retention.messages_days
    if days is None:
        yield words.messages_stay
    else:
        yield words.messages_go.format(days=words.count(days, words.day))
    for reason, age in policy.retention.sooner.items():
        yield words.dismissed_go.format(reason=reason, days=words.count(age, words.day))
    for name, channel in policy.channels.items():
        if channel.retention is not None:
            yield words.words_go.format(channel=name, age=_time(channel.retention, words))
        if channel.profile_retention is not None:
            unheard = _time(channel.profile_retention, words)
            yield words.people_go.format(channel=name, age=unheard)
