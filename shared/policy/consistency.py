"""What must hold between the sections of a policy; each check sees the sections that are valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from shared.policy.model import (
    Channel,
    Desk,
    Form,
    Hashtags,
    Promise,
    Retention,
    Routing,
    ServiceLevel,
)
from shared.policy.notifications import NotificationTarget
from shared.policy.problems import PolicyProblem, nearest, path_text
from shared.policy.values import shown

REQUIRED_DESKS = ("technical", "inbound", "review")
Parts = Mapping[str, object]


def inconsistencies(parts: Parts) -> Iterator[PolicyProblem]:
    """What contradicts itself across sections; a section that is not valid is not judged."""
    channels = cast("Mapping[str, Channel] | None", parts.get("channels"))
    desks = cast("Mapping[str, Desk] | None", parts.get("desks"))
    promises = cast("tuple[Promise, ...] | None", parts.get("promises"))
    notifications = cast("tuple[NotificationTarget, ...] | None", parts.get("notifications"))
    hashtags = cast("Hashtags | None", parts.get("hashtags"))
    routing = cast("Routing | None", parts.get("routing"))
    form = cast("Form | None", parts.get("form"))
    retention = cast("Retention | None", parts.get("retention"))
    if channels is not None:
        yield from _channels(channels, desks)
    if desks is not None:
        yield from _desks(desks)
    if hashtags is not None:
        yield from _hashtags(hashtags)
    if promises is not None:
        yield from _promises(promises, channels, desks, hashtags)
    if notifications is not None:
        yield from _notifications(notifications, desks)
    if routing is not None:
        yield from _routing(routing, hashtags)
    if form is not None and channels is not None:
        yield from _form(form, channels)
    if retention is not None:
        yield from _retention(retention)


def _at(*location: int | str, wrong: str, right: str) -> PolicyProblem:
    return PolicyProblem(path_text(location), wrong, right)


def _channels(
    channels: Mapping[str, Channel], desks: Mapping[str, Desk] | None
) -> Iterator[PolicyProblem]:
    if not channels:
        yield _at("channels", wrong="no channel is defined", right="at least one [channels.NAME]")
    for name, channel in channels.items():
        if channel.desk is not None and desks is not None and channel.desk not in desks:
            wrong = f"there is no desk {shown(channel.desk)}"
            yield _at("channels", name, "desk", wrong=wrong, right=nearest(channel.desk, [*desks]))


def _desks(desks: Mapping[str, Desk]) -> Iterator[PolicyProblem]:
    for name in REQUIRED_DESKS:
        if name not in desks:
            right = f"a section [desks.{name}] with a title"
            yield _at("desks", name, wrong="this desk is missing", right=right)
    for key in ("handles", "hashtags"):
        owner: dict[str, str] = {}
        for name, desk in desks.items():
            for place, word in enumerate(getattr(desk, key)):
                first = owner.setdefault(word, name)
                if first != name:
                    wrong = f"{shown(word)} already addresses the desk {first}"
                    yield _at("desks", name, key, place, wrong=wrong, right="one desk only")


def _hashtags(hashtags: Hashtags) -> Iterator[PolicyProblem]:
    seen: dict[str, str] = {}
    places: list[tuple[tuple[int | str, ...], str]] = [
        (("hashtags", "company", place), tag) for place, tag in enumerate(hashtags.company)
    ]
    places += [
        (("hashtags", "events", place, "tag"), event.tag)
        for place, event in enumerate(hashtags.events)
    ]
    for location, tag in places:
        first = seen.setdefault(tag, path_text(location))
        if first != path_text(location):
            right = f"once: remove it here or at {first}"
            yield _at(*location, wrong=f"#{tag} is defined twice", right=right)
        if location[1] == "events" and tag[-4:].isdigit():
            right = "the tag without its year, which is read from the text"
            yield _at(*location, wrong=f"#{tag} carries a year", right=right)


def _promises(
    promises: tuple[Promise, ...],
    channels: Mapping[str, Channel] | None,
    desks: Mapping[str, Desk] | None,
    hashtags: Hashtags | None,
) -> Iterator[PolicyProblem]:
    seen: dict[str, int] = {}
    for place, promise in enumerate(promises):
        if seen.setdefault(promise.name, place) != place:
            wrong = f"{shown(promise.name)} is already the name of promises[{seen[promise.name]}]"
            yield _at("promises", place, "name", wrong=wrong, right="a name of its own")
        if channels is not None:
            yield from _matched_channels(place, promise, channels)
        if desks is not None:
            for i, name in enumerate(promise.match.desks):
                if name not in desks:
                    wrong = f"there is no desk {shown(name)}"
                    location = ("promises", place, "match", "desks", i)
                    yield _at(*location, wrong=wrong, right=nearest(name, [*desks]))
        if hashtags is not None:
            yield from _matched_hashtags(place, promise, hashtags)
    if channels is not None:
        yield from _uncovered(promises, channels)


def _matched_channels(
    place: int, promise: Promise, channels: Mapping[str, Channel]
) -> Iterator[PolicyProblem]:
    for i, name in enumerate(promise.match.channels):
        location = ("promises", place, "match", "channels", i)
        if name not in channels:
            wrong = f"there is no channel {shown(name)}"
            yield _at(*location, wrong=wrong, right=nearest(name, [*channels]))
        elif channels[name].service_level is ServiceLevel.BEST_EFFORT:
            wrong = f"{name} is best effort, no clock runs there"
            right = f'another channel, or channels.{name}.service_level = "promised"'
            yield _at(*location, wrong=wrong, right=right)


def _matched_hashtags(place: int, promise: Promise, hashtags: Hashtags) -> Iterator[PolicyProblem]:
    events = [event.tag for event in hashtags.events]
    known = [*hashtags.company, *events]
    for i, tag in enumerate(promise.match.hashtags):
        if tag not in known and not (tag[-4:].isdigit() and tag[:-4] in events):
            location = ("promises", place, "match", "hashtags", i)
            yield _at(*location, wrong=f"#{tag} is not defined", right=nearest(tag, known))


def _uncovered(
    promises: tuple[Promise, ...], channels: Mapping[str, Channel]
) -> Iterator[PolicyProblem]:
    """A promised channel needs a promise that holds before anybody has read the inquiry."""
    for name, channel in channels.items():
        covered = any(
            promise.match.by_channel_only
            and (not promise.match.channels or name in promise.match.channels)
            for promise in promises
        )
        if channel.service_level is ServiceLevel.PROMISED and not covered:
            right = 'a [[promises]] whose match names it or is left out, or "best_effort"'
            wrong = "an answer is promised, but no promise says in which time"
            yield _at("channels", name, "service_level", wrong=wrong, right=right)


def _notifications(
    notifications: tuple[NotificationTarget, ...], desks: Mapping[str, Desk] | None
) -> Iterator[PolicyProblem]:
    seen: dict[str, int] = {}
    for place, each in enumerate(notifications):
        if seen.setdefault(each.name, place) != place:
            wrong = f"{shown(each.name)} is already the name of notifications[{seen[each.name]}]"
            yield _at("notifications", place, "name", wrong=wrong, right="a name of its own")
        for i, name in enumerate(each.desks):
            if desks is not None and name not in desks:
                wrong = f"there is no desk {shown(name)}"
                location = ("notifications", place, "desks", i)
                yield _at(*location, wrong=wrong, right=nearest(name, [*desks]))


def _routing(routing: Routing, hashtags: Hashtags | None) -> Iterator[PolicyProblem]:
    seen: dict[str, str] = {}
    known = [] if hashtags is None else [*hashtags.company, *(e.tag for e in hashtags.events)]
    for kind in ("technical_terms", "general_terms", "netiquette_terms"):
        terms = getattr(routing, kind)
        listed = [*terms.de, *terms.en]
        for language in ("de", "en"):
            for place, term in enumerate(getattr(terms, language)):
                location = ("routing", kind, language, place)
                first = seen.setdefault(term.casefold(), kind)
                if first != kind:
                    wrong = f"{shown(term)} is already listed in {first}"
                    yield _at(*location, wrong=wrong, right="one kind only")
                if (fault := _term_fault(term)) is not None:
                    yield _at(*location, wrong=f"{shown(term)} {fault[0]}", right=fault[1])
                tag = term.removeprefix("#").casefold()
                if term.startswith("#") and hashtags is not None and tag not in known:
                    yield _at(*location, wrong=f"{term} is not defined", right=nearest(tag, known))
        for word in terms.weights:
            if word not in listed:
                wrong = "this term is in none of the lists of terms"
                yield _at(
                    "routing", kind, "weights", word, wrong=wrong, right=nearest(word, listed)
                )


def _term_fault(term: str) -> tuple[str, str] | None:
    first, *more = term.split() or [""]
    words = [first.removeprefix("*"), *more]
    if "*" in "".join(word.removesuffix("*") for word in words):
        return "has a * inside", "a * only at the start, or at the end of a word"
    if len(words) > 1 and term.startswith("*"):
        return "is a phrase that begins with *", "a single word, or no * at the start"
    if not all(any(character.isalnum() for character in word) for word in words):
        return "has a word without a letter", "words that can be read"
    letters = sum(character.isalnum() for character in term)
    if letters < 2 or (term.startswith("*") and letters < 4):
        return "would match almost everything", "2 letters or more, 4 after a leading *"
    return None


def _form(form: Form, channels: Mapping[str, Channel]) -> Iterator[PolicyProblem]:
    if form.channel is not None and form.channel not in channels:
        wrong = f"there is no channel {shown(form.channel)}"
        yield _at("form", "channel", wrong=wrong, right=nearest(form.channel, [*channels]))


def _retention(retention: Retention) -> Iterator[PolicyProblem]:
    days = retention.messages_days
    if days is not None and days < retention.log_days:
        wrong = (
            f"messages would be removed after {days} days, the log keeps them {retention.log_days}"
        )
        yield _at("retention", "messages_days", wrong=wrong, right="at least log_days")
    for reason, sooner in retention.sooner.items():
        if sooner < retention.log_days:
            wrong = f"they would be removed after {sooner} days, the log keeps them longer"
            yield _at("retention", f"{reason}_days", wrong=wrong, right="at least log_days")
        elif days is not None and sooner > days:
            wrong = f"everything else is removed after {days} days"
            yield _at("retention", f"{reason}_days", wrong=wrong, right="at most messages_days")
