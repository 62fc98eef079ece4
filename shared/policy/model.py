"""The policy as frozen values: what `desk.toml` may say, and what each key means.

A model checks what it can see alone; what spans several sections is in `consistency.py`.
docs/policy-file.md describes every key for the administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.policy.calendar import Calendar, Day
from shared.policy.notifications import NotificationTarget
from shared.policy.parts import Items, Localized, Part, Table, refuse
from shared.policy.pulling import Pull
from shared.policy.values import (
    Duration,
    Name,
    Origin,
    Tag,
    Warn,
    WarnLevel,
    WebAddress,
    Word,
    parse_duration,
)


def _handle(value: object) -> object:
    return value.strip().removeprefix("@").casefold() if isinstance(value, str) else value


Handle = Annotated[str, BeforeValidator(_handle), Field(pattern=r"^[\w.-]{1,100}$")]
Days = Annotated[StrictInt, Field(ge=1, le=36_500)]
Weight = Annotated[StrictFloat | StrictInt, Field(gt=0, le=10)]

Phrase = Annotated[Word, Field(max_length=80)]


class Company(Part):
    """Who promises, and the promise as the public reads it."""

    name: Word
    public_text: Localized


class ServiceLevel(StrEnum):
    PROMISED = "promised"
    BEST_EFFORT = "best_effort"


class Audience(StrEnum):
    """Who reads along. In a public thread each person has an inquiry of their own."""

    PUBLIC = "public"
    PRIVATE = "private"


class OwnPosts(StrEnum):
    """What a message of our own that was written on the platform itself counts as.

    `ask`: a person says so; until then it ends nothing.
    """

    ANSWER = "answer"
    HOLDING = "holding"
    ASK = "ask"


class Verification(StrEnum):
    """What becomes of a delivery that does not prove who sent it.

    `observe`: it is counted and accepted all the same, while a new secret or proxy is tried.
    """

    ENFORCE = "enforce"
    OBSERVE = "observe"


class Channel(Part):
    """Where inquiries come from. Secrets are environment variables, never in this file.

    `connector`: the format in which its messages come, which intake knows by that name.
    `desk`: everything here goes to this desk unread. `reply_window_hours`: clock hours after the
    customer's last message in which the platform lets us answer. `own_ids`: our own accounts there.
    `staff_ids`: accounts of people who work for us; what they write there is a personal view.
    `audience`: for messages that do not say it themselves. `expires`: the day on which the
    platform's secret or token ends. `retention`, `profile_retention`: for how long the platform's
    terms let us keep what people write there, and who they are, if not for as long as we want.
    `pull`: from where messages are fetched that nobody pushes.
    """

    connector: Name
    service_level: ServiceLevel
    desk: Name | None = None
    reply_window_hours: Annotated[StrictInt, Field(ge=1, le=8760)] | None = None
    own_ids: Items[Word] = ()
    staff_ids: Items[Word] = ()
    audience: Audience = Audience.PRIVATE
    own_posts: OwnPosts = OwnPosts.ANSWER
    verification: Verification = Verification.ENFORCE
    expires: Day | None = None
    retention: Duration | None = None
    profile_retention: Duration | None = None
    pull: Pull | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(
            tuple(
                (
                    ("staff_ids", place),
                    f"{account} is an account of the company: what it writes is a reply",
                    "the accounts of persons only",
                )
                for place, account in enumerate(self.staff_ids)
                if account in self.own_ids
            )
        )
        return self


class Desk(Part):
    """A team. Handles and hashtags are the ways to address it directly in a text."""

    title: Localized
    handles: Items[Handle] = ()
    hashtags: Items[Tag] = ()


class Counting(StrEnum):
    """How a target is counted; docs/business-time.md has the exact contract."""

    WORKING_DAYS = "working-days"
    OPENING_HOURS = "opening-hours"
    WALL_CLOCK = "wall-clock"


class Match(Part):
    """Which inquiries a promise is for: each list that is given must hold; none: every one.

    `contacts` are the ids the desk itself gave to its contacts. A hashtag with a year is meant as
    written (iico2013), one without stands for every year.
    """

    channels: Items[Name] = ()
    desks: Items[Name] = ()
    hashtags: Items[Tag] = ()
    contacts: Items[UUID] = ()

    @property
    def by_channel_only(self) -> bool:
        return not (self.desks or self.hashtags or self.contacts)


USUAL_WARNINGS: Final = (WarnLevel(percent=75), WarnLevel(before=timedelta(hours=1)))


class Promise(Part):
    """In which time whom do we answer.

    `first_answer` counts from the inquiry, `follow_up` from a holding reply that named no moment,
    `hand_over` from the inquiry to the technical desk's first claim. `pause_bound`: plain days
    after which a clock that waits for the customer runs on.
    """

    name: Word
    match: Match = Match()
    counting: Counting = Counting.WORKING_DAYS
    first_answer: Duration
    follow_up: Duration | None = None
    hand_over: Duration | None = None
    warn: Items[Warn] = USUAL_WARNINGS
    pause_bound: Duration = timedelta(days=14)

    @model_validator(mode="before")
    @classmethod
    def _only_warnings_that_fit(cls, raw: object) -> object:
        """Of the usual levels, those that are later than the start of a target of this length."""
        if not isinstance(raw, Mapping) or "warn" in raw:
            return raw
        try:
            target = parse_duration(raw.get("first_answer"))
        except PydanticCustomError:
            return raw  # the field itself reports it
        fit = [each for each in USUAL_WARNINGS if each.before is None or each.before < target]
        return {**raw, "warn": fit}

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings: list[tuple[tuple[int | str, ...], str, str]] = [
            (("warn", place), f"{level} before the end is no later than the start", "less time")
            for place, level in enumerate(self.warn)
            if level.before is not None and level.before >= self.first_answer
        ]
        if self.hand_over is not None and self.hand_over > self.first_answer:
            wrong = "the hand-over may take longer than the answer itself"
            findings.append((("hand_over",), wrong, "at most the time of first_answer"))
        refuse(tuple(findings))
        return self


class EventHashtag(Part):
    """An event's hashtag. `always_with_year`: only with its year does it name the event."""

    tag: Tag
    always_with_year: StrictBool = True


class Hashtags(Part):
    """The company's own hashtags, and those of its events (#iico2013)."""

    company: tuple[Tag, ...] = ()
    events: tuple[EventHashtag, ...] = ()


class Terms(Part):
    """Words that speak for a kind. `*` at a word's end or start: any ending, any beginning."""

    de: Items[Phrase] = ()
    en: Items[Phrase] = ()
    weights: Table[str, Weight] = Field(default_factory=lambda: MappingProxyType({}))


class LearningMode(StrEnum):
    """Whether what people's decisions taught decides, only watches, or is not used at all."""

    DECIDE = "decide"
    SHADOW = "shadow"
    OFF = "off"


class Learning(Part):
    """`fewest_labels`: with fewer nothing is trained. `self_taught`: meanwhile a version that only
    watches is taught by what the words alone are sure of.
    """

    mode: LearningMode = LearningMode.DECIDE
    fewest_labels: Annotated[StrictInt, Field(ge=20, le=20_000)] = 50
    self_taught: StrictBool = False


class Routing(Part):
    """`netiquette_verdicts`: how many persons have to agree that an inquiry violates the netiquette
    before it is dismissed for that.
    """

    min_confidence: Annotated[StrictFloat, Field(ge=0.5, le=0.95)]
    dismiss_thanks_above: Annotated[StrictFloat, Field(ge=0.9, le=1)] | None = None
    technical_terms: Terms
    general_terms: Terms
    netiquette_terms: Terms
    netiquette_verdicts: Annotated[StrictInt, Field(ge=1, le=2)] = 1
    learning: Learning = Learning()


class Retention(Part):
    """`log_days`: how long the bus keeps facts. `messages_days`: age at which answered
    conversations are removed; without it they stay until somebody removes them. `netiquette_days`,
    `spam_days`: the age for what was dismissed as such.
    """

    log_days: Annotated[StrictInt, Field(ge=1, le=29)]
    messages_days: Days | None = None
    netiquette_days: Days | None = None
    spam_days: Days | None = None

    @property
    def sooner(self) -> Mapping[str, int]:
        """The ages in days by the reason of a dismissal, where they have one of their own."""
        days = {"netiquette": self.netiquette_days, "spam": self.spam_days}
        return {reason: age for reason, age in days.items() if age is not None}


class FormEmail(StrEnum):
    """Whether a message in the form needs an address that it can be answered to."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class Form(Part):
    """The web form at /form.

    `channel`: where its messages come in; left out, the channel web_form where there is one.
    `embed`: the sites whose pages may show the form in a frame. `privacy_notice` stands beside the
    button; left out, a sentence that says what the entries are used for.
    """

    enabled: StrictBool = True
    channel: Name | None = None
    email: FormEmail = FormEmail.REQUIRED
    embed: Items[Origin] = ()
    privacy_url: WebAddress | None = None
    privacy_notice: Localized | None = None


class Policy(Part):
    company: Company
    channels: Table[Name, Channel]
    desks: Table[Name, Desk]
    calendar: Calendar
    promises: tuple[Promise, ...]
    notifications: tuple[NotificationTarget, ...] = ()
    hashtags: Hashtags = Hashtags()
    routing: Routing
    netiquette: Localized
    form: Form = Form()
    retention: Retention
